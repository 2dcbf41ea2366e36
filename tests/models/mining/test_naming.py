import pytest

from models.mining.templates import mine_templates


def names(content):
    from models.grok import compile_grok

    (template,) = mine_templates([content], [1])
    return [field.name for field in compile_grok(template.grok).fields]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("order=ORD-123, total=9.5", ["order", "total"]),
        ("status: 200 len: 1893", ["status", "len"]),
        ("user root1 logged in", ["user"]),
        ("from 1.2.3.4 port 22", ["from_ip", "port"]),
        ("src: /10.0.0.1:54106 dest: /10.0.0.2:50010", ["src_ip", "src_port", "dest_ip", "dest_port"]),
        ("10.0.0.1:80 answered", ["ip", "port"]),
        ("17 bytes sent", ["bytes"]),
        ("timeout of 30 reached", ["timeout"]),
        ("move 1 to 2", ["move", "to_number"]),
        ("maxSessionTimeout=40", ["max_session_timeout"]),
        ("java.vm.heapSize=40", ["heap_size"]),
        ("INFO [worker-3] done", ["worker"]),
        ("dfs.DataNode: 10.0.0.1:80 served", ["ip", "port"]),
        ("sshd[1234] exits", ["sshd"]),
        ("point 1,2 and point 3,4", ["point", "number", "point_2", "number_2"]),
        ("see http://example.org/x", ["see"]),
        ("{\"user\":\"u17\",\"id\":5}", ["user", "id"]),
        ("7 and 0x1f", ["number", "hex"]),
        ("app.RequestFilter - [3f2504e0-4f89-11d3-9a0c-0305e82c3301] done", ["uuid"]),
        ("etl.check:12: schema valid", ["number"]),
        ("Größe: 17 cm", ["grosse"]),
        ("GET /index HTTP/1.1", ["path", "http"]),
    ],
)  # fmt: skip
def test_fields_are_named_after_what_stands_around_them(content, expected):
    assert names(content) == expected


def test_an_identifier_has_one_name_in_all_templates():
    contents = ["Receiving block blk_1", "Deleting block blk_2 now", "Verification succeeded for blk_3", "gone: blk_4"]
    templates = mine_templates(contents, [1] * 4)
    assert all("%{NOTSPACE:block}" in template.grok for template in templates)


def test_a_head_that_no_word_names_gives_its_own_name():
    (template,) = mine_templates(["done with task_17_a"], [1])
    assert template.grok == "done with %{NOTSPACE:task}"
