import csv
import random
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from models.folding import RESERVED, fold_one
from models.grok import compile_grok
from models.mining.masking import fold_text
from models.mining.templates import assignment, mine_templates, template_id

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "loghub"
SYSTEMS = ["Android", "Apache", "BGL", "HDFS", "HPC", "Hadoop", "Linux", "OpenSSH", "Spark", "Zookeeper"]
WORDS = [
    "disk",
    "user=alice",
    "user=",
    "4",
    "blk_-7",
    "(1, 2)",
    "of",
    "10.0.0.1:80",
    "at",
    "ok;",
    "[main]",
    "3.5",
    "\x04",
]


def representatives(lines):
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for line in lines:
        key = fold_text(line)
        first.setdefault(key, line)
        counts[key] = counts.get(key, 0) + 1
    return list(first.values()), [counts[key] for key in first]


def check(contents, counts):
    """What holds for every result; the templates."""
    templates = mine_templates(contents, counts)
    assert sorted(index for template in templates for index in template.contents) == list(range(len(contents)))
    for template in templates:
        compiled = compile_grok(template.grok)
        assert all(compiled.regex.fullmatch(contents[index]) for index in template.contents), template.grok
        assert template.id == template_id(template.grok)
        assert template.count == sum(counts[index] for index in template.contents)
        assert template.example in [contents[index] for index in template.contents]
    assert len({template.grok for template in templates}) == len(templates)
    return templates


def order_lines(seed_, lines):
    generator = random.Random(seed_)
    users = ["alice", "bob", "carol", "dave", "erin", "frank"]
    made = []
    for _ in range(lines):
        order = f"ORD-{generator.randint(1, 999)}"
        made.append(
            generator.choice(
                [
                    f"order={order}, user={generator.choice(users)} created total={generator.randint(1, 99)}.50",
                    f"order={order} paid by {generator.choice(users)} from 10.0.0.{generator.randint(1, 99)}",
                    f"order={order} shipped",
                ]
            )
        )
    return made


@pytest.mark.parametrize("lines", [50, 400, 5000])
def test_templates_of_a_workflow_from_fifty_lines_to_thousands(lines):
    contents, counts = representatives(order_lines(7, lines))
    assert {template.grok for template in check(contents, counts)} == {
        "order=%{USERNAME:order}, user=%{NOTSPACE:user} created total=%{NUMBER:total:float}",
        "order=%{NOTSPACE:order} paid by %{NOTSPACE:value} from %{IPV4:from_ip}",
        "order=%{NOTSPACE:order} shipped",
    }


def test_anomalous_lines_keep_templates_of_their_own():
    odd = ["order=ORD-5 lost in the warehouse", "PANIC: out of memory"]
    contents, counts = representatives([*order_lines(8, 2000), *odd])
    groks = {template.grok: template.count for template in check(contents, counts)}
    assert groks["order=%{NOTSPACE:order} lost in the warehouse"] == 1
    assert groks["PANIC: out of memory"] == 1


def test_junk_matches_no_template():
    contents, counts = representatives(order_lines(9, 500))
    junk = ["", "x", "order", "order=ORD-1", "a b c d e f", "order=ORD-1 burnt", "\x1b[0m garbage"]
    for template in check(contents, counts):
        assert not any(compile_grok(template.grok).regex.fullmatch(line) for line in junk)


def test_lines_that_share_nothing_are_not_one_template():
    contents = [f"{a}{b} {b}{c} {c}{a}" for a in "kmnp" for b in "qrst" for c in "vwxy"]
    assert all("GREEDYDATA" not in template.grok for template in check(contents, [1] * len(contents)))


def test_the_line_s_timestamp_mark_is_written_as_its_pattern():
    (template,) = check(["host1 \x04 started"], [3])
    assert template.grok == "%{NOTSPACE:value} %{TIMESTAMP} started"


def test_blanks_of_varying_width_are_one_template():
    (template,) = check(["used 7 of 9", "used  7 of 9"], [1, 1])
    assert template.grok == "used %{SPACE}%{INT:used:int} of %{INT:number:int}"


def test_lists_of_one_length_are_spelt_out_and_others_are_one_field():
    (template,) = check(["at 1, 2"], [1])
    assert template.grok == "at %{INT:at_number:int}, %{INT:number:int}"
    (template,) = check(["at 1, 2", "at 1, 2, 3"], [1, 1])
    assert template.grok == "at %{GREEDYDATA:at_text}"


def test_examples_are_shown_when_given():
    (template,) = mine_templates(["up 1", "up 1.5"], [1, 2], ["12:00 up 1", "12:01 up 1.5"])
    assert template.example == "12:01 up 1.5"


def test_no_contents_give_no_templates():
    assert mine_templates([], []) == []


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="equally many"):
        mine_templates(["a"], [1, 2])


def test_assignment_gives_each_content_its_template():
    templates = mine_templates(["up 1", "down", "up 1.5"], [1, 1, 1])
    owners = assignment(templates, 3)
    assert owners[0] == owners[2] != owners[1]
    assert templates[owners[1]].grok == "down"


@seed(4)
@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=40))
def test_every_content_matches_its_template(lines):
    contents, counts = representatives(lines)
    templates = check(contents, counts)
    order = sorted(range(len(contents)), key=lambda i: contents[i][::-1])
    again = mine_templates([contents[i] for i in order], [counts[i] for i in order])
    assert [(t.id, t.grok, t.count, t.example) for t in again] == [
        (t.id, t.grok, t.count, t.example) for t in templates
    ]


@seed(5)
@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8))
def test_every_content_of_any_characters_matches_its_template(lines):
    usable = [line for line in lines if not any(ord(c) in RESERVED or c == "\n" for c in line)]
    if usable:
        check(*representatives(usable))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not beside this clone")
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_line_of_a_real_log_matches_its_template_by_its_fold(system):
    with (SAMPLES / system / f"{system}_2k.log_structured.csv").open(encoding="utf-8", newline="") as file:
        lines = [row["Content"] for row in csv.DictReader(file)]
    contents, counts = representatives(lines)
    templates = check(contents, counts)
    owner = {
        fold_one(content): number
        for content, number in zip(contents, assignment(templates, len(contents)), strict=True)
    }
    for line in lines:
        compiled = compile_grok(templates[owner[fold_one(line)]].grok)
        assert compiled.digit_blind
        assert compiled.regex.fullmatch(line)
