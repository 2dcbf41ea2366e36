"""Transactions that the log shows in part teach nothing about begin, end, counts and durations."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from models.learner import LearnOptions, learn
from models.mining.automata import LearnSettings, learn_automata
from models.mining.cut_off import find_cut_off
from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.transactions import EventTable, Transactions, group_transactions
from models.sample import generator
from models.sample.traffic import Rates
from tests.models.mining.flows import CHOICE, FLOWS, TEMPLATES, WORDS, generate, replay

STEPS = [{"id": f"t-{at}", "grok": f"{word} %{{INT:id}}"} for at, word in enumerate(["Begin", "Work on", "End"])]
ONE_KIND = IdentifierChoice({at: Identifier("id", 0, 1.0) for at in range(3)})


def window(table: EventTable, begin_ms: int, end_ms: int) -> EventTable:
    """What a log that was cut out of a longer one holds."""
    inside = (table.event_ms >= begin_ms) & (table.event_ms < end_ms)
    return EventTable(table.template[inside], table.transaction[inside], table.event_ms[inside])


def made(seed: int, log_ms: int, every_ms: int) -> tuple[Transactions, list[bool], list[bool]]:
    """Transactions 0 1 … 1 2 of about ten seconds in a log that begins at 0; which lack a begin, which an end."""
    rng = Random(seed)
    shown: list[list[tuple[int, int]]] = []
    no_begin, no_end = [], []
    for begin in range(-60_000, log_ms, every_ms):
        length = int(10_000 * rng.lognormvariate(0, 0.15))
        steps = sorted(rng.randrange(1, length) for _ in range(4))
        events = [(begin, 0), *((begin + at, 1) for at in steps), (begin + length, 2)]
        inside = [event for event in events if 0 <= event[0] <= log_ms]
        if inside:
            shown.append(inside)
            no_begin.append(inside[0] != events[0])
            no_end.append(inside[-1] != events[-1])
    at_ms, state = (np.array([event[column] for events in shown for event in events]) for column in (0, 1))
    owner = np.repeat(np.arange(len(shown)), [len(events) for events in shown])
    whole = group_transactions(EventTable(state.astype(np.int32), owner, at_ms), (0, 1, 2))
    return whole, no_begin, no_end


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("log_ms", [80_000, 200_000, 2_000_000])
def test_what_is_cut_off_is_suspected_and_little_else(seed: int, log_ms: int) -> None:
    transactions, no_begin, no_end = made(seed, log_ms, 500)
    cut = find_cut_off(transactions, 0, log_ms)
    assert (~cut.no_begin & np.array(no_begin)).sum() == 0
    assert (~cut.no_end & np.array(no_end)).sum() == 0
    assert (cut.any & ~np.array(no_begin) & ~np.array(no_end)).mean() < 0.2
    assert np.array(no_begin)[: len(no_begin) // 2].mean() > 0
    # Nothing that began late is taken for a measure of durations.
    assert (transactions.begin_ms[~cut.late] < log_ms - 10_000).all()


def test_in_a_log_hardly_longer_than_its_transactions_only_the_nearest_are_suspected() -> None:
    transactions, _, _ = made(1, 30_000, 100)
    cut = find_cut_off(transactions, 0, 30_000)
    assert cut.no_end.mean() <= 0.11
    assert cut.no_begin.mean() <= 0.11


def test_transactions_at_the_edges_of_the_log_are_suspected() -> None:
    times = np.array([[begin, begin + 100] for begin in range(0, 100_000, 500)])
    whole = Transactions(
        (0, 1), np.arange(0, 401, 2), np.tile(np.array([0, 1], np.int32), 200), times.reshape(-1).astype(np.int64)
    )
    cut = find_cut_off(whole, 0, int(times.max()) + 50)
    assert np.flatnonzero(cut.no_begin).tolist() == [0]
    assert np.flatnonzero(cut.no_end).tolist() == [199]
    assert not find_cut_off(whole, -1_000, int(times.max()) + 1_000).any.any()


def test_durations_are_learnt_from_those_that_began_long_before_the_end() -> None:
    transactions, _, _ = made(2, 80_000, 500)
    table = EventTable(transactions.state, transactions.owner, transactions.event_ms)
    (automaton,) = learn_automata(table, STEPS, ONE_KIND, LearnSettings(span_ms=(0, 80_000)))
    began = (transactions.first == 0) & (transactions.begin_ms < 80_000 - 1.25 * 12_000)
    assert 100 < automaton["duration"]["support"] <= began.sum()


def test_whose_end_the_log_does_not_show_tells_the_order_of_states_nevertheless() -> None:
    events = []
    for number in range(300):
        # The last three pass 2 before 1; the log ends a second later. Half come back to 1, so that there is no end.
        first, then = (2, 1) if number >= 297 else (1, 2)
        begin = number * 503
        apart = 5_000 if number % 20 == 0 else 113
        path = [(begin, 0), (begin + 107, first), (begin + 107 + apart, then)]
        events += [(at, state, number) for at, state in path]
        if number % 2:
            events.append((begin + 311 + apart, 1, number))
    events.sort()
    at_ms, state, owner = (np.array(column) for column in zip(*events, strict=True))
    table = EventTable(state.astype(np.int32), owner, at_ms)
    (automaton,) = learn_automata(table, STEPS, ONE_KIND)
    assert not any(state["end"] for state in automaton["states"])
    name = {state["template"]: state["id"] for state in automaton["states"]}
    order = {(relation["before"], relation["after"]) for relation in automaton["order"]}
    assert (name["t-0"], name["t-1"]) in order
    assert (name["t-1"], name["t-2"]) not in order


def test_no_transactions_are_cut_off() -> None:
    nothing = Transactions((0,), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))
    assert len(find_cut_off(nothing, 0, 10).any) == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length_ms", [500_000, 1_000_000])
def test_a_short_log_cut_out_of_longer_traffic_teaches_begins_and_ends(seed: int, length_ms: int) -> None:
    # Up to a sixth of the transactions is cut at either side.
    table = window(generate(seed, 1500, 0.0).table, 2_000_000, 2_000_000 + length_ms)
    automata = learn_automata(table, TEMPLATES, CHOICE)
    assert len(automata) == FLOWS
    words = {template["id"]: WORDS[at % len(WORDS)] for at, template in enumerate(TEMPLATES)}
    for automaton in automata:
        by_word = {words[state["template"]]: state for state in automaton["states"]}
        assert [word for word, state in by_word.items() if state["begin"]] == ["opened"]
        assert [word for word, state in by_word.items() if state["end"]] == ["closed"]
        assert by_word["opened"]["min"] == by_word["closed"]["min"] == by_word["checked"]["min"] == 1
        assert automaton["duration"]["max_ms"] is not None
    fresh = replay(automata, generate(seed + 50, 400, 0.0, first=10_000))
    assert len(fresh) <= 2


def dense(seed: int, transactions: int) -> list[bytes]:
    """A log of 20,000 transactions an hour, which take up to six minutes."""
    rates = Rates(per_hour=20_000, background=3.0, quiet=0.0)
    return generator.generate(seed, transactions, rates=rates).training.splitlines(keepends=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_dense_traffic_teaches_both_ends_of_a_session(tmp_path: Path, seed: int) -> None:
    _check_ends(dense(seed, 3000), tmp_path / "dense.log")


def test_dense_traffic_cut_out_of_longer_traffic_teaches_the_same(tmp_path: Path) -> None:
    lines = dense(3, 7500)
    lines = lines[len(lines) // 8 : len(lines) * 7 // 8]
    while not lines[0].startswith(b"2026-"):
        lines = lines[1:]
    _check_ends(lines, tmp_path / "dense.log")


def _check_ends(lines: list[bytes], path: Path) -> None:
    """Each workflow has a begin and an end that it never lacks; of sessions there are two ends."""
    path.write_bytes(b"".join(lines))
    model, _ = learn([("dense.log", str(path))], LearnOptions())
    groks = {template.id: template.grok for template in model.templates}
    assert len(model.automata) == 5
    session = next(a for a in model.automata if any("logged out" in groks[s.template] for s in a.states))
    ends = sorted(groks[state.template] for state in session.states if state.end)
    assert [("logged out" in grok, "timed out" in grok) for grok in ends] == [(True, False), (False, True)]
    for automaton in model.automata:
        assert [state.min for state in automaton.states if state.begin] == [1]
        assert [state.min for state in automaton.states if state.end] == ([0, 0] if automaton is session else [1])
        assert automaton.duration.max_ms is not None
