"""What keyed checkers see is the same whatever the batches, watermarks and restarts; a slow loop is the oracle."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.shard import FOREVER
from models.batches import BatchError, EventBatch
from models.checkers.keyed_record import KIND
from models.checkers.keyed_shard import KeyedCheck, KeyedShard
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.schema_check import check
from tests.models.checkers.some_checkers import HERE

Row = tuple[int, str, int, str, str]
"""An event: order ms, source, position, key, words."""

words = st.sampled_from(
    ["note", "more", "clear", "fail", "set a 5", "set a 12", "set b 0", "set b 40", "set bad 3", "cancel a", "set a -4"]
)
rows = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["s1", "s2"]), st.sampled_from(["ann", "bob"]), words), max_size=25
).map(lambda found: [(t, source, at, key, what) for at, (t, source, key, what) in enumerate(sorted(found), 1)])


def keyed(name="Recorder", settings=None, failures=1_000_000):
    spec = CheckerSpec(f"{HERE}:{name}", "rec", json.dumps(settings or {}), max_failures=failures)
    checkers = RunningCheckers([spec])
    return KeyedCheck("shop", 1, checkers.all[0], checkers)


def batch(some: list[Row]) -> EventBatch:
    """Events of one source."""
    order = np.array([row[0] for row in some], np.int64)
    return EventBatch(
        source=some[0][1],
        shard=0,
        model="shop",
        epoch=1,
        order_ms=order,
        event_ms=order + 1000,
        position=np.array([row[2] for row in some], np.int64),
        template=np.zeros(len(some), np.int32),
        templates=["t"],
        transaction=[row[3].encode() for row in some],
        text=[json.dumps({"id": row[3], "what": row[4]}).encode() + b"\nline %d\nand on" % row[2] for row in some],
        checker="rec",
    )


def oracle(all_rows: list[Row], forget_ms: int | None) -> list[str]:
    """What is told, key by key."""
    keys = sorted({row[3] for row in all_rows})
    return sorted(text for key in keys for text in one_key(key, all_rows, forget_ms))


def one_key(key: str, all_rows: list[Row], forget_ms: int | None) -> list[str]:
    told: list[str] = []
    state: Any = None
    deadlines: dict[str, int] = {}
    last: int | None = None

    def pass_until(limit: float) -> None:
        nonlocal state, last
        while True:
            due = [(at, 0, name) for name, at in deadlines.items() if at < limit]
            if last is not None and forget_ms is not None and last + forget_ms < limit:
                due.append((last + forget_ms, 1, ""))
            if not due:
                return
            at, forget, name = min(due)
            if forget:
                state, last = None, None
                deadlines.clear()
                continue
            del deadlines[name]
            if name != "bad":  # it sets a deadline, which fails
                state = [*(state or []), name]
                told.append(f"{key} time {at} {name} with {state}")
            if state is None and not deadlines:
                last = None

    for order, _, _, _, what in sorted(row for row in all_rows if row[3] == key):
        pass_until(order)
        word, *rest = what.split()
        before = state
        if word == "set":
            deadlines[rest[0]] = order + int(rest[1])
        elif word == "cancel":
            deadlines.pop(rest[0], None)
        elif word == "clear":
            state = None
        elif word != "fail":
            state = [*(state or []), word]
        if word != "fail":
            told.append(f"{key} event {order} {what} after {before}")
        last = order if state is not None or deadlines else None
    pass_until(float("inf"))
    return told


def run(all_rows, draw, restart, forget_ms=None, name="Recorder"):
    """Send the rows in batches as ``draw`` cuts them, each source in order, with watermarks that are right."""
    check_of = keyed(name, {} if forget_ms is None else {"forget_ms": forget_ms})
    shard, found = KeyedShard(check_of, 10), []
    left = {source: [row for row in all_rows if row[1] == source] for source in ("s1", "s2")}
    while any(left.values()):
        source = draw(st.sampled_from([s for s, some in left.items() if some]))
        size = draw(st.integers(1, len(left[source])))
        some, left[source] = left[source][:size], left[source][size:]
        shard.add(batch(some))
        clock = min((rest[0][0] for rest in left.values() if rest), default=10_000)
        found += shard.advance(draw(st.integers(-5, clock)))
        if restart and draw(st.booleans()):
            shard = KeyedShard.restore(shard.snapshot(), check_of, 10)
    found += shard.advance(FOREVER)
    return found, check_of, shard


@settings(max_examples=300, deadline=None)
@given(rows, st.data(), st.booleans(), st.none() | st.integers(0, 30))
def test_a_checker_sees_the_same_whatever_the_batches(all_rows, data, restart, forget_ms):
    found, check_of, shard = run(all_rows, data.draw, restart, forget_ms)
    assert sorted(document["reason"] for document in found) == oracle(all_rows, forget_ms)
    assert len({document["id"] for document in found}) == len(found)
    for document in found:
        assert check("anomaly", document) == []
    failed = sum(row[4] == "fail" for row in all_rows)
    letters = check_of.checkers.take_letters()
    assert sum("RuntimeError: as told" in letter["reason"] for letter in letters) == failed
    for letter in letters:
        assert check("dead_letter", letter) == []
    assert shard.counters["late"] == 0


@settings(max_examples=50, deadline=None)
@given(rows, st.data(), st.data())
def test_documents_and_letters_are_the_same_to_the_last_word(all_rows, one, other):
    first, a, _ = run(all_rows, one.draw, False, 20)
    second, b, _ = run(all_rows, other.draw, True, 20)

    def in_order(documents):
        return sorted(map(json.dumps, documents))

    assert in_order(first) == in_order(second)
    assert in_order(a.checkers.take_letters()) == in_order(b.checkers.take_letters())


def test_an_anomaly_has_the_key_the_line_and_an_id_of_its_own():
    shard = KeyedShard(keyed(), 10)
    shard.add(batch([(5, "/logs/s1", 7, "ann", "note"), (6, "/logs/s1", 8, "ann", "set a 100")]))
    first, second, third = shard.advance(FOREVER)
    assert first == {
        "@timestamp": "1970-01-01T00:00:01.005Z",
        "id": first["id"],
        "type": "custom",
        "score": 50.0,
        "model": {"id": "shop", "version": 1},
        "source": "/logs/s1",
        "transaction": None,
        "template": "t",
        "evidence": [
            {
                "file": "/logs/s1",
                "line": 7,
                "timestamp": "1970-01-01T00:00:01.005Z",
                "text": "line 7\nand on",
            }
        ],
        "actual": "",
        "typical": "",
        "violations": [],
        "reason": "ann event 5 note after None",
        "checker": {"id": "rec", "violation": "note", "key": "ann"},
    }
    assert second["checker"]["violation"] == "set"
    assert (third["@timestamp"], third["template"]) == ("1970-01-01T00:00:00.106Z", None)
    assert third["evidence"][0]["line"] == 8, "a deadline shows the key's last line"


def test_the_id_does_not_depend_on_the_folder():
    def first_id(source):
        shard = KeyedShard(keyed(), 10)
        shard.add(batch([(5, source, 7, "ann", "note")]))
        return shard.advance(FOREVER)[0]["id"]

    assert first_id("/a/s1") == first_id("b/s1") != first_id("b/s2")


def test_in_topics_places_are_offsets():
    shard = KeyedShard(keyed(), 10, topic=True)
    shard.add(batch([(5, "logs/3/app", 7 << 20, "ann", "note")]))
    (found,) = shard.advance(FOREVER)
    assert found["source"] == "app"
    assert (found["evidence"][0]["topic"], found["evidence"][0]["partition"]) == ("logs", 3)


def test_late_events_count_as_of_the_watermark():
    shard = KeyedShard(keyed(), 10)
    shard.advance(100)
    shard.add(batch([(5, "s1", 7, "ann", "note")]))
    assert shard.counters["late"] == 1
    assert shard.advance(101)[0]["reason"] == "ann event 100 note after None"


def test_a_checker_that_is_switched_off_is_not_called_and_its_state_stays():
    check_of = keyed(failures=2)
    shard = KeyedShard(check_of, 10)
    whats = ["note", "fail", "fail", "note"]
    shard.add(batch([(at, "s1", at, "ann", what) for at, what in enumerate(whats)]))
    assert [d["reason"] for d in shard.advance(FOREVER)] == ["ann event 0 note after None"]
    assert ["switched off" in letter["reason"] for letter in check_of.checkers.take_letters()] == [False, True]
    assert shard.keys[b"ann"].state == '["note"]'


def test_nothing_is_kept_of_keys_of_which_nothing_is_remembered():
    shard = KeyedShard(keyed(), 10)
    shard.add(batch([(at, "s1", at, f"k{at}", "clear") for at in range(100)]))
    shard.advance(1000)
    assert shard.empty


def test_a_deadline_that_is_put_off_again_and_again_does_not_pile_up():
    shard = KeyedShard(keyed(), 10)
    for at in range(1000):
        shard.add(batch([(at, "s1", at, "ann", "set a 50000")]))
        shard.advance(at + 1)
    assert len(shard._due) < 5
    (last,) = shard.advance(FOREVER)
    assert last["reason"] == "ann time 50999 a with ['a']"


def test_the_next_timer_is_when_something_happens():
    shard = KeyedShard(keyed(), 10)
    assert shard.next_timer() is None
    shard.add(batch([(0, "s1", 1, "ann", "set a 50")]))
    assert shard.next_timer() == 1
    shard.advance(1)
    assert shard.next_timer() == 51
    assert [d["reason"] for d in shard.advance(51)] == ["ann time 50 a with ['a']"]


def test_a_newer_version_of_a_checker_takes_the_state_over():
    shard = KeyedShard(keyed(), 10)
    some = [("ann", "note"), ("bob", "lost")]
    shard.add(batch([(at, "s1", at, key, what) for at, (key, what) in enumerate(some)]))
    shard.advance(10)
    newer = keyed("NewRecorder")
    again = KeyedShard.restore(shard.snapshot(), newer, 10)
    (letter,) = newer.checkers.take_letters()
    assert "ValueError: not to be read" in letter["reason"]
    assert again.counters["dropped"] == 1
    again.add(batch([(20, "s1", 20, "ann", "more"), (21, "s1", 21, "bob", "more")]))
    assert [d["reason"] for d in again.advance(FOREVER)] == [
        "ann event 20 more after ['upgraded', 1, 'note']",
        "bob event 21 more after None",
    ]


def test_keys_and_texts_that_are_no_text_survive_a_restart():
    shard = KeyedShard(keyed(), 10)
    some = batch([(5, "s1", 7, "ann", "note"), (9, "s1", 8, "ann", "note")])
    some.transaction = [b"\xff\xfe", b"\xff\xfe"]
    some.text = [text + b"\xff" for text in some.text]
    shard.add(some)
    shard.advance(6)
    again = KeyedShard.restore(shard.snapshot(), keyed(), 10)
    assert list(again.keys) == [b"\xff\xfe"]
    (found,) = again.advance(FOREVER)
    assert found["evidence"][0]["text"] == "line 8\nand on�"


def test_another_record_is_refused():
    from models.batches import pack_columns

    wrong: list[tuple[dict[str, object], list[bytes]]] = [({"kind": "weirwatch.shard"}, [b"{}"]), ({"kind": KIND}, [])]
    for head, columns in wrong:
        with pytest.raises(BatchError, match="not the state of a checker's shard"):
            KeyedShard.restore(pack_columns(1, head, columns), keyed(), 10)
    with pytest.raises(BatchError, match="layout 2"):
        KeyedShard.restore(pack_columns(2, {"kind": KIND}, [b"{}"]), keyed(), 10)


def test_the_slow_loop_itself_knows_a_simple_case():
    told = oracle([(0, "s1", 0, "ann", "set a 5"), (3, "s1", 1, "ann", "note"), (9, "s1", 2, "ann", "more")], None)
    assert told == [
        "ann event 0 set a 5 after None",
        "ann event 3 note after None",
        "ann event 9 more after ['note', 'a']",
        "ann time 5 a with ['note', 'a']",
    ]
    assert list(itertools.chain(told)) == sorted(told)
