"""Transaction checkers see each transaction once as it closes, whatever the batches, and their failures harm nobody."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from models.checkers.interface import TransactionChecker
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.checkers.transaction_checks import TransactionChecks
from models.document import ModelDocument
from models.schema_check import check
from tests.models.checkers.some_checkers import HERE
from tests.operators.shop import MODEL

SHOP = ModelDocument.from_json(MODEL)

paths = st.dictionaries(
    st.integers(1, 6),
    st.lists(st.sampled_from(["open", "work", "check", "close"]), min_size=1, max_size=6),
    max_size=4,
)


def compiled(checkers: RunningCheckers | None) -> CompiledAutomata:
    automata = CompiledAutomata(SHOP)
    if checkers is not None:
        automata.checks = TransactionChecks(SHOP, checkers) or None
    return automata


def running(fail_at: str = "never", sources: tuple[str, ...] = ()) -> RunningCheckers:
    return RunningCheckers([CheckerSpec(f"{HERE}:Closed", "closed", json.dumps({"fail_at": fail_at}), sources)])


def batch(some: list[tuple[int, str, int]]) -> EventBatch:
    """Events (order ms, state, transaction) of one source; a line stands where its time says."""
    order = np.array([row[0] for row in some], np.int64)
    names = sorted({row[1] for row in some})
    return EventBatch(
        source="a/log",
        shard=0,
        model="shop",
        epoch=1,
        order_ms=order,
        event_ms=order,
        position=order + 1,
        template=np.array([names.index(row[1]) for row in some], np.int32),
        templates=[f"t-{name}" for name in names],
        transaction=[b"%d" % row[2] for row in some],
        text=[f"{row[1]} {row[2]}\nand on".encode() for row in some],
    )


def events_of(paths_by_id: dict[int, list[str]]) -> list[tuple[int, str, int]]:
    """Transactions that overlap, each with an event every 100 ms."""
    return sorted(
        (100 * n + identifier, state, identifier)
        for identifier, path in paths_by_id.items()
        for n, state in enumerate(path)
    )


def run(all_events, cuts, checkers):
    shard, found = ShardState(compiled(checkers), 10), []
    begin = 0
    for end in [*sorted(cuts), len(all_events)]:
        if all_events[begin:end]:
            shard.add(batch(all_events[begin:end]))
            found += shard.advance(all_events[end][0] if end < len(all_events) else all_events[-1][0])
        begin = max(begin, end)
    return found + shard.advance(FOREVER), shard


def custom(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [d for d in documents if d["type"] == "custom"]


def once(path: list[str]) -> bool:
    """A path that is one transaction: nothing opens it anew."""
    return path.count("open") == ("open" in path) and "close" not in path[:-1]


@settings(max_examples=150, deadline=None)
@given(paths, st.lists(st.integers(0, 20), max_size=4))
def test_each_transaction_is_seen_once_with_all_that_it_passed(paths_by_id, cuts):
    paths_by_id = {identifier: path for identifier, path in paths_by_id.items() if once(path)}
    all_events = events_of(paths_by_id)
    checkers = running()
    found, shard = run(all_events, [cut for cut in cuts if cut <= len(all_events)], checkers)
    plain, plain_shard = run(all_events, [], None)
    assert sorted(d["id"] for d in found if d["type"] != "custom") == sorted(d["id"] for d in plain)
    assert shard.counters["judged"] == plain_shard.counters["judged"]
    types: dict[str, set[str]] = {}
    for document in plain:
        types.setdefault(document["transaction"]["id"], set()).add(document["type"])
    expected = []
    for identifier, path in paths_by_id.items():
        counts = {state: path.count(state) for state in dict.fromkeys(path)}
        lines = [(state, f"{state} {identifier}") for state in path]
        expected.append((str(identifier), (tuple(path), counts, 100 * (len(path) - 1), "close" in path, lines)))
    told = {d["transaction"]["id"]: d["reason"] for d in custom(found)}
    assert set(told) == {identifier for identifier, _ in expected}
    for identifier, said in expected:
        findings = told[identifier]
        assert all(repr(part) in findings for part in said)
        for kind in types.get(identifier, ()):
            assert repr(kind) in findings
    for document in custom(found):
        assert check("anomaly", document) == []
        assert document["score"] == 100
        assert document["checker"] == {"id": "closed", "violation": None, "key": None}
        assert document["transaction"]["states"] == paths_by_id[int(document["transaction"]["id"])]
    assert checkers.take_letters() == []


def test_a_failure_is_a_dead_letter_of_its_first_line_and_the_automaton_goes_on():
    checkers = running(fail_at="2")
    found, _ = run(events_of({1: ["open"], 2: ["open"], 3: ["open"]}), [], checkers)
    assert sorted(d["transaction"]["id"] for d in custom(found)) == ["1", "3"]
    assert sum(d["type"] == "missing_end" for d in found) == 3
    (letter,) = checkers.take_letters()
    assert check("dead_letter", letter) == []
    assert "ValueError: as told" in letter["reason"]
    assert (letter["source"], letter["line"], letter["checker"]) == ("a/log", 3, "closed")


def test_a_replay_calls_no_checker_for_what_it_has_seen():
    shard = ShardState(compiled(running()), 10)
    shard.replays = True
    shard.add(batch([(0, "open", 1), (10, "close", 1)]))
    assert custom(shard.advance(FOREVER)) == []


def test_sources_that_are_not_watched_are_not_looked_at():
    assert custom(run(events_of({1: ["open"]}), [], running(sources=("b*",)))[0]) == []


def test_only_the_automata_that_it_asks_for_are_seen(monkeypatch):
    checkers = running()
    monkeypatch.setattr(TransactionChecker, "automata", lambda self, model: [])
    assert compiled(checkers).checks is None
    monkeypatch.setattr(TransactionChecker, "automata", lambda self, model: 1 / 0)
    assert compiled(checkers).checks is None
    (letter,) = checkers.take_letters()
    assert "ZeroDivisionError" in letter["reason"]
