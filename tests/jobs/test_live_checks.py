import json

import pytest

from jobs.live_checks import warnings
from jobs.live_config import check_live_config, load_live_config
from jobs.live_settings import (
    ControlConfig,
)
from tests.jobs.live_example import SMALL, WHOLE, problems_of
from tests.models.model_example import document


@pytest.fixture(scope="module")
def shop_model() -> str:
    return json.dumps(document())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "localhost:9092",
            "localhost",
            ("line 1: kafka.bootstrap: 'localhost' is no HOST:PORT, as in localhost:9092; several with commas between"),
        ),
        (
            "localhost:9092",
            "localhost:99999",
            "line 1: kafka.bootstrap: 'localhost:99999' has no port from 1 to 65535",
        ),
        (
            "[logs]",
            "[logs, logs]",
            "line 2: input.topics[1]: stands twice; remove one",
        ),
        (
            "[logs]",
            "[]",
            "line 2: input.topics: must not be empty",
        ),
        (
            "[logs]",
            "['a b']",
            ("line 2: input.topics[0]: 'a b' is no name of a topic: letters, digits, '.', '_' and '-', at most 249"),
        ),
        (
            "[logs]",
            "[..]",
            ("line 2: input.topics[0]: '..' is no name of a topic: letters, digits, '.', '_' and '-', at most 249"),
        ),
        (
            "[logs]",
            "[logs], format: row",
            "line 2: input.format: 'row' is not known here; did you mean raw?",
        ),
        (
            "[logs]",
            "[logs], format: xml",
            "line 2: input.format: 'xml' is not known here; write auto, raw or envelope",
        ),
        (
            "[logs]",
            "[logs], encoding: klingon",
            "line 2: input.encoding: Python knows no encoding 'klingon'; try utf-8, latin-1 or cp1252",
        ),
        (
            "[logs]",
            "[found]",
            (
                "line 4: output.kafka.anomalies: found is input.topics[0] too: the job would read what it "
                "writes; name another topic"
            ),
        ),
        (
            "found,",
            "dead,",
            "line 4: output.kafka.dead_letters: dead is output.kafka.anomalies too; name another topic",
        ),
        (
            "{path: model.json}",
            "{path: m, id: n}",
            "line 3: models.initial[0]: there are both path and id; remove one",
        ),
        (
            "{path: model.json}",
            "{}",
            "line 3: models.initial[0]: one of the keys path or id is missing; add it",
        ),
        (
            "{path: model.json}",
            "{path: m, version: 1}",
            "line 3: models.initial[0]: there is version but no id; add id, or remove version",
        ),
        (
            "{path: model.json}",
            "{id: shop}",
            "line 3: models.initial[0].id: an id means a model in a store; add models.store",
        ),
        (
            "{path: model.json}",
            "{path: m}, {path: ./m}",
            "line 3: models.initial[1].path: the same as models.initial[0]; remove one",
        ),
        (
            "{path: model.json}",
            "",
            "line 3: models: there is no model and no control to bring one; add one to models.initial",
        ),
        (
            "{kafka: {anomalies: found, dead_letters: dead}}",
            "{}",
            "line 4: output: one of the keys elasticsearch or kafka is missing; add it",
        ),
        (
            "dead_letters: dead",
            "dead_letters: dead, transaction_timeout_ms: 600000",
            (
                "line 4: output.kafka.transaction_timeout_ms: 600000 is not more than checkpoints.interval_ms "
                "+ timeout_ms = 610000: a transaction stays open as long, and the broker would end it; raise "
                "this, or lower those"
            ),
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_the_mend(write, old, new, expected):
    assert problems_of(write(SMALL.replace(old, new))) == [f", {expected}"]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            "control: {topic: c, directory: d, replies: r}",
            "control: there are both topic and directory; remove one",
        ),
        (
            "control: {replies: r}",
            "control: one of the keys topic or directory is missing; add it",
        ),
        (
            "control: {topic: c}",
            "control: the key replies is missing; add it",
        ),
        (
            "control: {topic: logs, replies: r}",
            "control.topic: logs is input.topics[0] too; name another topic",
        ),
        (
            "control: {topic: c, replies: c}",
            "control.replies: c is control.topic too: the job would read what it writes; name another topic",
        ),
        (
            "control: {topic: c, replies: a/b}",
            "control.replies: 'a/b' is no name of a topic: letters, digits, '.', '_' and '-'",
        ),
        (
            "control: {directory: d, replies: ./d}",
            "control.replies: is the control directory: the job would read what it writes; name another",
        ),
        (
            "control: {directory: d, replies: d/replies}",
            "control.replies: lies within the control directory, which is read; name another",
        ),
        (
            "state: disk",
            "state: 'disk' is not known here; write heap or rocksdb",
        ),
        (
            "dead_letters: {max_ratio: 1.5}",
            "dead_letters.max_ratio: 1.5 is too large; the most is 1",
        ),
        (
            "heartbeat: {enabled: maybe}",
            "heartbeat.enabled: 'maybe' is not true or false",
        ),
        (
            "heartbeat: {idle_ms: 600000}",
            (
                "heartbeat.idle_ms: 600000 is not less than source.timeout_ms 600000: sources would be gone "
                "before their clocks go on; lower this, or raise that"
            ),
        ),
        (
            "checkpoints: {interval_ms: 50000, timeout_ms: 40000}",
            (
                "checkpoints.timeout_ms: 40000 gives checkpoints less time than lies between; with "
                "interval_ms 50000, write as much at least"
            ),
        ),
        (
            "shards: 2\nparallelism: 3",
            "shards: 2 is less than parallelism 3: subtasks would have no work",
        ),
        (
            "batch_sise: 5",
            "batch_sise: unknown key; did you mean batch_size?",
        ),
    ],
)
def test_what_does_not_fit_together_is_named_with_the_mend(write, extra, expected):
    assert problems_of(write(SMALL + extra + "\n")) == [f", line 5: {expected}"]


def test_a_check_names_the_files_that_are_not_there(write, tmp_path):
    (tmp_path / "own.pem").write_text("no certificate")
    (tmp_path / "own.key").write_text("-----BEGIN RSA PRIVATE" + " KEY-----\n")
    path = write(WHOLE)
    assert problems_of(path, load=check_live_config) == [
        f", line 8: kafka.security.ca_file: {tmp_path}/ca.pem: no such file",
        f", line 9: kafka.security.certificate_file: {tmp_path}/own.pem is not in PEM form (-----BEGIN …); openssl "
        "converts it",
        f", line 10: kafka.security.key_file: {tmp_path}/own.key is no PKCS#8 key, and Java reads no other; `openssl "
        "pkcs8 -topk8` converts it",
        f", line 22: models.store: {tmp_path}/store is no folder; `weirwatch model push` makes one",
        f", line 24: models.initial[0].path: {tmp_path}/model.json: no such file; `weirwatch learn` writes one",
        f", line 34: output.elasticsearch.ca_file: {tmp_path.parent}/es.pem: no such file",
    ]


def test_a_check_reads_the_models_and_finds_two_of_one_id(write, tmp_path, shop_model):
    (tmp_path / "model.json").write_text(shop_model)
    (tmp_path / "other.json").write_text(shop_model)
    check_live_config(write(SMALL), {})
    text = SMALL.replace("{path: model.json}", "{path: model.json}, {path: other.json}")
    (problem,) = problems_of(write(text), load=check_live_config)
    assert problem.endswith("as models.initial[0] is; give one of them another id")
    (tmp_path / "model.json").write_text("{}")
    (problem, *_) = problems_of(write(SMALL), load=check_live_config)
    assert problem.startswith(", line 3: models.initial[0].path: ")


def test_a_check_wants_the_control_directory_and_room_for_replies_and_checkpoints(write, tmp_path, shop_model):
    (tmp_path / "model.json").write_text(shop_model)
    (tmp_path / "taken").touch()
    text = SMALL + "control: {directory: orders, replies: taken/replies}\ncheckpoints: {directory: taken/points}\n"
    assert problems_of(write(text), load=check_live_config) == [
        f", line 5: control.directory: {tmp_path}/orders is no folder; make it",
        f", line 5: control.replies: {tmp_path}/taken is no folder that can be written",
        f", line 6: checkpoints.directory: {tmp_path}/taken is no folder that can be written",
    ]
    (tmp_path / "orders").mkdir()
    config = check_live_config(write(text.replace("taken/", "new folder/")), {})
    assert config.control == ControlConfig(str(tmp_path / "new folder/replies"), None, tmp_path / "orders")
    assert config.checkpoints.directory == f"file://{tmp_path}/new%20folder/points"


def test_warnings_name_what_may_be_wrong(write):
    config = load_live_config(write(WHOLE.replace("50000}", "1000000}").replace("https:", "http:")), {})
    assert [text.partition(" ")[0] for text in warnings(config, {"OTHER": "x", "KEY_PASSWORD": "y"})] == [
        "kafka.security.password:",
        "output.elasticsearch.password:",
        "output.kafka.transaction_timeout_ms:",
        "output.elasticsearch.url:",
    ]
    small = load_live_config(write(SMALL), {})
    assert [text.partition(" ")[0] for text in warnings(small, {})] == ["checkpoints.directory"]
