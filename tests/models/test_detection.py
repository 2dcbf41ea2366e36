"""Batches of lines to events by shard, unmatched lines and dead letters, whatever the batches."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import EventBatch
from models.dead_letter_limit import Runs
from models.detection import LineDetector, shard_of
from models.document import ModelDocument
from models.log_batch import DeadRecord
from models.positions import INDEX_BITS
from models.schema_check import check
from models.source_reader import ReadLimits, SourceState
from tests.models.model_example import document

MODEL = ModelDocument.from_json(document())
LIMITS = ReadLimits(lateness_ms=1000, max_leap_ms=3_600_000, max_line_bytes=80, max_text_bytes=50)
BEGIN_MS = 1_226_263_800_000  # 2008-11-09 20:50:00

templates = st.sampled_from(
    [
        "begin blk_%d é",
        "end [blk_-%d] 5",
        "end [%d] 7",
        "end [é%d] 1",
        "nothing known",
        "lost blk_%d",
        "end [] 5",
        "ERROR é",
    ]
)
timed = st.tuples(st.integers(0, 59), templates, st.integers(0, 5)).map(
    lambda p: f"081109 2050{p[0]:02} {p[1] % p[2] if '%' in p[1] else p[1]}".encode()
)
others = st.sampled_from([b"  and on", b"", b"\x00", b"\xff", b"y" * 81, b"091109 205000 begin blk_1 \xc3\xa9"])
sources = st.lists(timed | timed | others, max_size=12).map(lambda lines: [line + b"\n" for line in lines])


def scan(lines, cuts, shards=5):
    """All that comes of a source read in batches."""
    detector = LineDetector(MODEL, LIMITS, shards, epoch=4)
    state, begin = SourceState(), 0
    rows, unmatched, dead = [], [], []
    totals: dict[str, int] = {}
    for end in [*sorted(cuts), len(lines)]:
        outcome, events, state = detector.process("a/log", state, b"".join(lines[begin:end]), end == len(lines))
        begin = end
        counts: dict[str, Any] = outcome.counts
        assert counts["lines"] == sum(counts[k] for k in ("matched", "unmatched", "continued", "dead_letters"))
        assert sum(counts["templates"].values()) == counts["matched"]
        assert len(outcome.unmatched) == counts["unmatched"]
        assert len(outcome.dead) == counts["dead_letters"]
        assert ("from_ms" in counts) == bool(len(events))
        for name in ("lines", "matched", "unmatched", "continued", "dead_letters", "late"):
            totals[name] = totals.get(name, 0) + counts[name]
        for name, count in counts["templates"].items():
            totals[name] = totals.get(name, 0) + count
        assert len({batch.shard for batch in outcome.batches}) == len(outcome.batches)
        for batch in outcome.batches:
            assert (batch.source, batch.model, batch.epoch) == ("a/log", "hdfs", 4)
            assert sorted(set(batch.template.tolist())) == list(range(len(batch.templates)))
            assert (batch.position[1:] > batch.position[:-1]).all()
            for k, identifier in enumerate(batch.transaction):
                assert shard_of(identifier, shards) == batch.shard
                place, event, order = (int(c[k]) for c in (batch.position, batch.event_ms, batch.order_ms))
                rows.append((place, batch.templates[batch.template[k]], event, order, identifier, batch.text[k]))
        unmatched += outcome.unmatched
        dead += outcome.dead
        if end == len(lines):
            break
    return sorted(rows), unmatched, dead, totals


@settings(max_examples=150)
@given(sources, st.lists(st.integers(0, 11), max_size=4))
def test_where_the_batches_are_cut_changes_nothing(lines, cuts):
    cuts = [cut for cut in cuts if cut < len(lines)]
    whole = scan(lines, [])
    assert scan(lines, cuts) == whole
    assert scan(lines, [], shards=1) == whole


LINES = [
    b"081109 205000 begin blk_1 \xc3\xa9\n",
    b"081109 205001 lost blk_-7\n",
    b"  with more\n",
    b"081109 205002 end [blk_1] 5\n",
    b"\x00\n",
    b"081109 205003 ERROR, none\n",
]


def test_events_carry_their_identifier_time_and_text():
    rows, _, _, totals = scan(LINES, [])
    assert rows == [
        (1, "t-1", BEGIN_MS, BEGIN_MS, b"blk_1", LINES[0][:-1]),
        (4, "t-2", BEGIN_MS + 2000, BEGIN_MS + 2000, b"blk_1", LINES[3][:-1] + b"\n\x00"),
    ]
    assert totals == {
        "lines": 6,
        "matched": 2,
        "unmatched": 2,
        "continued": 1,
        "dead_letters": 1,
        "late": 0,
        "t-1": 1,
        "t-2": 1,
    }


def test_unmatched_lines_are_anomalies_with_the_identifier_they_hold():
    _, unmatched, _, _ = scan(LINES, [])
    assert [u["type"] for u in unmatched] == ["unmatched_log"] * 2
    assert [u["transaction"] and u["transaction"]["id"] for u in unmatched] == ["blk_-7", None]
    assert unmatched[0]["evidence"][0]["line"] == 2
    assert unmatched[0]["evidence"][0]["text"] == "081109 205001 lost blk_-7\n  with more"
    assert unmatched[0]["@timestamp"] == "2008-11-09T20:50:01.000Z"


def test_dead_letters_say_where_and_why():
    _, _, dead, _ = scan(LINES, [])
    assert len(dead[0].pop("id")) == 20
    assert dead == [
        {
            "source": "a/log",
            "line": 5,
            "reason": "binary content: control byte 0x00 at byte 1 of the line",
            "timestamp": None,
            "text": "\x00",
            "bytes": 1,
        }
    ]


def watch(lines, *batches, origin="logs/3/a.log", detector=None, flush=False):
    """What comes of the lines of a topic, each a message of its own, cut after some; with records between them."""
    detector = detector or LineDetector(MODEL, LIMITS, 5)
    state, begin, outcomes = SourceState(), 0, []
    for end, records in batches:
        outcome, _, state = detector.process(
            origin,
            state,
            b"".join(lines[begin:end]),
            end == len(lines) and not flush,
            topic=True,
            positions=np.arange(begin, end) * 2 << 20,
            times_ms=np.full(end - begin, BEGIN_MS),
            records=records,
            flush=flush,
        )
        counts = outcome.counts
        assert counts["lines"] == sum(counts[k] for k in ("matched", "unmatched", "continued", "dead_letters"))
        assert len(outcome.dead) == counts["dead_letters"]
        outcomes.append(outcome)
        begin = end
    return outcomes, state


def test_lines_of_a_topic_are_told_by_topic_partition_and_offset():
    (outcome,), _ = watch(LINES, (6, ()))
    found = {(b.source, p, b.transaction[k]) for b in outcome.batches for k, p in enumerate(b.position.tolist())}
    assert found == {("logs/3/a.log", 0, b"blk_1"), ("logs/3/a.log", 6 << 20, b"blk_1")}
    assert [u["source"] for u in outcome.unmatched] == ["a.log"] * 2
    place = {"topic": "logs", "partition": 3, "offset": 2}
    assert place.items() <= outcome.unmatched[0]["evidence"][0].items()
    (letter,) = outcome.dead
    assert (
        letter.items()
        >= {
            "source": "a.log",
            "topic": "logs",
            "partition": 3,
            "offset": 8,
            "timestamp": "2008-11-09T20:50:00.000Z",
        }.items()
    )
    for kind, documents in (("anomaly", outcome.unmatched), ("dead_letter", outcome.dead)):
        assert [check(kind, document) for document in documents] == [[]] * len(documents)


def test_a_source_that_nobody_named_is_its_partition():
    (outcome,), _ = watch(LINES, (6, ()), origin="logs/3")
    assert {u["source"] for u in (*outcome.unmatched, *outcome.dead)} == {"logs/3"}


def test_messages_without_lines_count_and_stand_in_order_among_the_lines():
    records = [DeadRecord((k << 20), "no value", b"") for k in (1, 7, 9)]
    (outcome,), _ = watch(LINES, (6, records))
    assert [letter["offset"] for letter in outcome.dead] == [1, 7, 8, 9]
    assert outcome.runs == Runs(0, 3, 0)
    assert outcome.counts["lines"] == 9
    (outcome,), _ = watch([LINES[4]], (1, records), origin="logs/3")
    assert (outcome.runs, outcome.counts["lines"]) == (Runs(4, 4, 4), 4)


def test_ids_of_what_a_topic_brings_depend_on_nothing_but_the_lines():
    (first,), _ = watch(LINES, (6, ()))
    newer = ModelDocument.from_json(document() | {"version": 9})
    outcomes, state = watch(
        LINES, *((k, ()) for k in range(1, 7)), detector=LineDetector(newer, LIMITS, 3, epoch=8), flush=True
    )
    assert state.held == b""
    assert [u["id"] for o in outcomes for u in o.unmatched] == [u["id"] for u in first.unmatched]
    assert [u["score"] for o in outcomes for u in o.unmatched] == [u["score"] for u in first.unmatched]
    assert [u["id"] for o in outcomes for u in o.dead] == [u["id"] for u in first.dead]
    texts = [u["evidence"][0]["text"] for o in outcomes for u in o.unmatched]
    assert texts == ["081109 205001 lost blk_-7", "081109 205003 ERROR, none"]


def test_events_name_the_templates_of_their_shard_alone():
    outcome, _, _ = LineDetector(MODEL, LIMITS, 1).process("a", SourceState(), b"".join(LINES[3:]), True)
    (batch,) = outcome.batches
    assert (batch.templates, batch.template.tolist()) == (["t-2"], [0])
    again = EventBatch.decode(batch.encode())
    assert (again.templates, again.template.tolist()) == (["t-2"], [0])


def test_a_long_dead_line_is_cut_and_its_length_told():
    detector = LineDetector(MODEL, ReadLimits(max_line_bytes=3000), 1)
    outcome, _, _ = detector.process("a", SourceState(), "é".encode() * 1000 + b"x" * 2000, True)
    (letter,) = outcome.dead
    assert letter["bytes"] == 4000
    assert letter["text"] == "é" * 1000


def test_a_source_that_breaks_off_is_one_more_dead_letter():
    detector = LineDetector(MODEL, LIMITS, 1)
    outcome, _, _ = detector.process("a", SourceState(), b"".join(LINES), True, "the gzip file breaks off")
    assert [(letter["line"], letter["reason"]) for letter in outcome.dead][1:] == [(7, "the gzip file breaks off")]
    assert (outcome.counts["lines"], outcome.counts["dead_letters"]) == (7, 2)


def test_templates_without_an_automaton_are_counted_and_go_no_further():
    raw = document()
    raw["automata"][0]["states"] = raw["automata"][0]["states"][:1]
    for relation in ("order", "requires", "equal"):
        raw["automata"][0][relation] = []
    detector = LineDetector(ModelDocument.from_json(raw), LIMITS, 3)
    outcome, _, _ = detector.process("a", SourceState(), b"".join(LINES), True)
    assert outcome.counts["templates"] == {"t-1": 1, "t-2": 1}
    assert [batch.transaction for batch in outcome.batches] == [[b"blk_1"]]


@pytest.mark.parametrize("shards", [1, 7, 4096])
def test_shards_are_stable_and_spread(shards):
    ids = [b"blk_%d" % k for k in range(5000)]
    found = [shard_of(i, shards) for i in ids]
    assert found == [zlib.crc32(i) % shards for i in ids]
    assert len(set(found)) > 0.5 * min(shards, 5000)


def test_structured_lines_of_a_topic_show_themselves_as_they_came():
    changed = document() | {"structure": {"format": "json", "timestamp": "ts", "message": "msg"}}
    detector = LineDetector(ModelDocument.from_json(changed), ReadLimits(), 1)
    lines = [b'{ "msg": "what is this", "n": %d, "ts": "081109 20500%d" }\n' % (i, i) for i in range(3)]
    lines.insert(1, b'{"cut": \n')
    where, times = np.array([4, 5, 6, 7]) << INDEX_BITS, np.full(4, BEGIN_MS)
    outcome, events, state = detector.process(
        "logs/3/a", SourceState(), b"".join(lines), False, topic=True, positions=where, times_ms=times, flush=True
    )
    assert state.held == b""
    evidence: list[Any] = [anomaly["evidence"] for anomaly in outcome.unmatched]
    told = [(shown[0]["offset"], shown[0]["text"]) for shown in evidence]
    assert told == [
        (offset, line.decode().strip()) for offset, line in zip((4, 6, 7), lines[:1] + lines[2:], strict=True)
    ]
    assert [(letter["offset"], letter["text"]) for letter in outcome.dead] == [(5, '{"cut": ')]
    assert len(events) == 3
