"""Learning from traffic with faults, judged by replaying fresh traffic of the same kind."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.mining.automata import LearnSettings, count_transactions, learn_automata
from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.transactions import EventTable
from tests.models.mining.flows import CHOICE, FAULTS, FLOWS, TEMPLATES, WORDS, generate, replay


@pytest.mark.parametrize("transactions", [300, 1000, 3000])
@pytest.mark.parametrize("seed", range(3))
def test_clean_traffic_raises_no_alarm_and_each_fault_is_found(seed: int, transactions: int) -> None:
    automata = learn_automata(generate(seed, transactions, 0.03).table, TEMPLATES, CHOICE)
    assert len(automata) == FLOWS
    assert replay(automata, generate(seed + 100, 1000, 0.0, first=10_000)) == {}
    faulty = generate(seed + 200, 400, 0.5, first=20_000)
    found = replay(automata, faulty)
    assert set(faulty.faults.values()) == set(FAULTS)
    assert {number: kind for number, kind in faulty.faults.items() if kind not in found.get(number, set())} == {}
    assert set(found) == set(faulty.faults)


def test_learning_without_faults_raises_no_alarm() -> None:
    automata = learn_automata(generate(1, 3000, 0.0).table, TEMPLATES, CHOICE)
    assert replay(automata, generate(2, 2000, 0.0, first=10_000)) == {}


def test_what_is_learnt_is_what_the_workflow_does() -> None:
    automata = learn_automata(generate(5, 2000, 0.03).table, TEMPLATES, CHOICE)
    for automaton in automata:
        by_word = {TEMPLATES_BY_ID[state["template"]]: state for state in automaton["states"]}
        limits = {word: (state["min"], state["max"]) for word, state in by_word.items()}
        assert limits == dict(zip(WORDS, [(1, 1), (3, 5), (1, 1), (0, 1), (0, 1), (1, 1), (1, 1), (1, 1)], strict=True))
        assert [word for word, state in by_word.items() if state["begin"]] == ["opened"]
        assert [word for word, state in by_word.items() if state["end"]] == ["closed"]
        name = {word: state["id"] for word, state in by_word.items()}
        needs = {(r["if"], r["then"]) for r in automaton["requires"]}
        assert needs == {(name["paid by card"], name["booked"]), (name["booked"], name["paid by card"])}
        order = {(r["before"], r["after"]) for r in automaton["order"]}
        assert (name["opened"], name["loaded"]) in order
        assert not order & {(name["mailed"], name["printed"]), (name["printed"], name["mailed"])}
        # It follows from the others.
        assert (name["opened"], name["closed"]) not in order


TEMPLATES_BY_ID = {template["id"]: WORDS[at % len(WORDS)] for at, template in enumerate(TEMPLATES)}


def test_the_document_is_deterministic_and_plain_json() -> None:
    table = generate(3, 600, 0.03).table
    # Other numbers for the same identifiers change nothing.
    renumbered = EventTable(table.template, 10_000 - table.transaction, table.event_ms)
    once = json.dumps(learn_automata(table, TEMPLATES, CHOICE))
    assert once == json.dumps(learn_automata(renumbered, TEMPLATES, CHOICE))
    first = json.loads(once)[0]
    assert set(first) == {
        "id", "name", "support", "states", "order", "requires", "equal", "duration", "settle_ms", "expires_ms",
        "excludes", "transitions",
    }  # fmt: skip
    keys = {"id", "template", "field", "min", "max", "begin", "end", "support"}
    assert all(set(state) - {"closed"} == keys for state in first["states"])


def test_a_log_cut_out_of_longer_traffic_teaches_the_same_bounds() -> None:
    table = generate(4, 1500, 0.0).table
    middle = (table.event_ms > 2_000_000) & (table.event_ms < 4_000_000)
    cut = EventTable(table.template[middle], table.transaction[middle], table.event_ms[middle])
    automata = learn_automata(cut, TEMPLATES, CHOICE)
    assert replay(automata, generate(6, 1000, 0.0, first=10_000)) == {}
    for automaton in automata:
        assert [state["begin"] for state in automaton["states"]].count(True) == 1
        assert [state["end"] for state in automaton["states"]].count(True) == 1


def test_identifiers_that_are_used_again_make_several_transactions() -> None:
    table = generate(7, 900, 0.0).table
    # Every identifier of the second half was used before, in a workflow of the same kind or another.
    reused = EventTable(table.template, table.transaction % 450, table.event_ms)
    automata = learn_automata(reused, TEMPLATES, CHOICE)
    assert sum(automaton["support"] for automaton in automata) == 900
    assert count_transactions(reused, len(TEMPLATES), CHOICE) == 900
    assert replay(automata, generate(8, 600, 0.0, first=10_000)) == {}


def test_equal_counts_are_found() -> None:
    rng = np.random.default_rng(0)
    template, transaction = [], []
    for number in range(400):
        loops = int(rng.integers(2, 6))
        template += [0, *[1, 2] * loops, 3]
        transaction += [number] * (2 * loops + 2)
    table = EventTable(np.array(template, np.int32), np.array(transaction), np.arange(len(template)) * 100)
    groks = ["Begin %{INT:id}", "Sent %{INT:id}", "Confirmed %{INT:id}", "End %{INT:id}"]
    templates = [{"id": f"t-{at}", "grok": grok} for at, grok in enumerate(groks)]
    choice = IdentifierChoice({at: Identifier("id", 0, 1.0) for at in range(4)})
    (automaton,) = learn_automata(table, templates, choice)
    assert [relation["states"] for relation in automaton["equal"]] == [["sent", "confirmed"]]


def test_too_few_transactions_make_no_automaton() -> None:
    table = generate(9, 45, 0.0).table
    assert learn_automata(table, TEMPLATES, CHOICE, LearnSettings(min_transactions=40)) == []


def test_no_events_make_no_automaton() -> None:
    nothing = EventTable(np.array([], np.int32), np.array([], np.int64), np.array([], np.int64))
    assert learn_automata(nothing, TEMPLATES, CHOICE) == []
    assert count_transactions(nothing, len(TEMPLATES), CHOICE) == 0
