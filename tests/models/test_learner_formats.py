"""Learning from structured logs, from logs of several formats, and from events of several lines."""

from __future__ import annotations

import json
import random

import pytest

from models.document import ModelDocument
from models.editing.contents import ContentReader
from models.editing.sample_lines import DEAD, SampleReader
from models.errors import UserError
from models.learner import LearnOptions, learn
from models.line_table import parse_lines
from models.multiline import MultilineSettings

WORDS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]


def learn_lines(folder, lines, **options):
    path = folder / "a.log"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    model, report = learn([("a.log", str(path))], LearnOptions(**options))
    assert ModelDocument.from_json(model.to_json()) == model
    return model, report, str(path)


def shop(rng, n=400):
    """Orders as objects: keys in any order, of a name or none, with a trace or none."""
    for i in range(n):
        at = 1_700_000_000 + 20 * i
        for k, (event, more) in enumerate(
            [
                ("order_created", {"amount": rng.randrange(999)}),
                ("order_paid", {"card": {"kind": "visa"}}),
                ("order_sent", {}),
            ]
        ):
            found = {"ts": at + k + rng.random(), "event": event, "order_id": f"o-{i}", "level": "info"} | more
            if rng.random() < 0.4:
                found["trace"] = f"{rng.getrandbits(40):x}"
            if rng.random() < 0.4:
                found["note"] = rng.choice(["", "left at the door", 'said "no", twice', "(none)"])
            items = list(found.items())
            rng.shuffle(items)
            yield json.dumps(dict(items), indent=rng.choice([None, None, 1])).encode()


def test_an_object_is_one_event_whatever_its_order_its_lines_and_its_optional_keys(tmp_path):
    model, report, path = learn_lines(tmp_path, list(shop(random.Random(1))))
    assert report.events == 1200
    assert report.dead_letters == 0
    assert model.structure == {
        "format": "json",
        "timestamp": "ts",
        "level": "level",
        "message": "event",
        "keys": ["amount", "card.kind", "note", "order_id", "trace"],
        "optional": ["note", "trace"],
    }
    assert len(model.templates) == 3
    (automaton,) = model.automata
    assert {state.field for state in automaton.states} == {"order_id"}
    assert automaton.support == 400
    contents = ContentReader(model)
    for template in model.templates:
        json.loads(template.example)
        assert contents.content(template.example).startswith("info order_")
    rows = [row for row in parse_lines(model, path, "a.log") if row.parameters]
    assert len(rows) == 1200
    assert {row.parameters["note"] for row in rows} == {"", "left at the door", 'said "no", twice', "(none)"}


def test_lines_that_are_no_objects_are_told_of_and_lose_nothing(tmp_path):
    good = [json.dumps({"ts": 1_700_000_000 + i, "msg": f"user {i} logged in"}).encode() for i in range(300)]
    model, _, _ = learn_lines(tmp_path, good)
    path = tmp_path / "b.log"
    path.write_bytes(b"\n".join([*good[:5], b'{"ts": 170', b"plain", good[6], b'{"msg": "user 7 logged in"}', good[8]]))
    lines = list(SampleReader(model).lines(str(path), "b.log"))
    assert [line.number for line in lines if line.kind == DEAD] == [6]
    assert "not valid JSON" in lines[5].text
    assert [line.number for line in lines if line.template >= 0] == [1, 2, 3, 4, 5, 8, 9, 10]


def test_what_is_asked_for_holds(tmp_path):
    lines = [json.dumps({"ts": f"2024-05-01T10:{i % 60:02d}:00Z", "msg": f"user {i} in"}).encode() for i in range(60)]
    assert learn_lines(tmp_path, lines, structure="none")[0].structure is None
    with pytest.raises(UserError, match="no line is logfmt; correct --structure"):
        learn_lines(tmp_path, lines, structure="logfmt")
    untimed = [json.dumps({"msg": f"user {i} in"}).encode() for i in range(60)]
    model = learn_lines(tmp_path, untimed, structure="json", timestamp_format="NONE")[0]
    assert model.structure == {"format": "json", "message": "msg", "keys": []}


def test_a_trace_whose_lines_hold_timestamps_is_one_event(tmp_path):
    lines = []
    for i in range(200):
        stamp = b"2024-05-01 10:%02d:%02d " % divmod(i, 60)
        lines += [stamp + b"INFO job %d started" % i, stamp + b"ERROR job %d failed" % i]
        lines += [stamp + b"    at %s.run(Job.java:%d)" % (WORDS[i % 10].encode(), i)] * (1 + i % 3)
    plain, _, _ = learn_lines(tmp_path, lines)
    joined, report, _ = learn_lines(tmp_path, lines, multiline=MultilineSettings(continues=r"\S+ \S+ +at "))
    assert len(plain.templates) > 2
    assert [t.count for t in joined.templates] == [200, 200]
    assert report.continued == sum(1 + i % 3 for i in range(200))
    assert joined.multiline == {"continues": r"\S+ \S+ +at "}


def test_a_format_that_changes_far_in_the_log_is_found(tmp_path):
    old = [
        b"2024-05-01 %02d:%02d:%02d,000 user %d logged in" % (i // 3600, i // 60 % 60, i % 60, i) for i in range(9000)
    ]
    new = [b"02.05.2024 %02d:%02d:%02d user %d logged in" % (i // 3600, i // 60 % 60, i % 60, i) for i in range(9000)]
    model, report, _ = learn_lines(tmp_path, [*old, *new])
    assert report.events == 18_000
    assert report.continued == 0
    assert len(model.timestamp["formats"]) == 2
    assert len(model.templates) == 1
