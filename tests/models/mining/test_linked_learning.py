"""From the text of a log to a model with several identifiers a line, links, and the anomalies that it finds."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.document import ModelDocument
from models.learner import LearnOptions, learn
from tests.models.linked_model import anomalies
from tests.models.mining.linked_logs import LOGS, Event, Log

PARENTS = {"cloud": ("instance", "request"), "shop": ("session", "order"), "jobs": ("job", "task"), "calls": None,
           "pool": ("conn", "unit")}  # fmt: skip
"""For each log which kind leads to which: an instance to the requests that make and remove it."""


def learnt(folder: Path, log: Log) -> ModelDocument:
    path = folder / "log"
    path.write_text("\n".join(log.lines()) + "\n")
    return learn([("log", str(path))], LearnOptions(model_id="made"))[0]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("name", sorted(LOGS))
def test_each_kind_is_an_automaton_and_parents_lead_to_children(
    name: str, noise: float, seed: int, tmp_path: Path
) -> None:
    log = LOGS[name](seed).noisy(Random(seed), noise)
    model = learnt(tmp_path, log)
    kinds = {kind for wanted in log.wanted().values() for kind in wanted.values()}
    assert len(model.automata) == len(kinds)
    states = {(a.id, s.template, s.field) for a in model.automata for s in a.states}
    assert len(states) == sum(len(wanted) for wanted in log.wanted().values())
    several = {t for _, t, _ in states if sum(1 for _, other, _ in states if other == t) > 1}
    assert {link.template for link in model.links} == several
    pair = PARENTS[name]
    if pair is None:
        assert model.links == []
        return
    ends = {(link.parent, link.child) for link in model.links}
    ((parent, child),) = ends
    support = {a.id: a.support for a in model.automata}
    named = {kind: len({e.fields[f] for e in log.events for f, k in log.messages[e.message][1].items() if k == kind})
             for kind in pair}  # fmt: skip
    # There are more children than parents in all of these logs; a reused name counts several times.
    assert support[parent] < support[child]
    assert [named[kind] <= support[at] * 1.02 for kind, at in zip(pair, (parent, child), strict=True)] == [True, True]


def faulty(log: Log, drop: dict[int, str]) -> tuple[list[bytes], dict[int, dict[str, str]]]:
    """The log as lines, without the first event of some messages; and what the lost events named."""
    lost: dict[int, dict[str, str]] = {}
    kept = Log(log.messages)
    for place, event in enumerate(log.events):
        if event.message in drop and event.message not in lost and place > len(log.events) // 3:
            lost[event.message] = dict(event.fields)
        else:
            kept.events.append(event)
    return [line.encode() + b"\n" for line in kept.lines()], lost


@pytest.mark.parametrize(("name", "missing"), [("shop", {3: "order", 5: "session"}), ("jobs", {4: "job"})])
def test_what_is_lost_is_told_of_its_own_transaction_with_the_linked_ones(
    name: str, missing: dict[int, str], tmp_path: Path
) -> None:
    model = learnt(tmp_path, LOGS[name](1))
    watched, lost = faulty(LOGS[name](2), missing)
    found = anomalies(model.to_json(), watched, [100, 900])
    told = {a["transaction"]["id"] for a in found}
    wanted = {lost[message][kind] for message, kind in missing.items()}
    assert wanted <= told
    assert len(told - wanted) <= 3  # a few normal ones of hundreds take a little longer than those learnt from
    parent = model.links[0].parent
    for anomaly in found:
        linked: list[dict[str, Any]] = anomaly["transaction"]["linked"]
        assert {other["role"] for other in linked} == {
            "child" if anomaly["transaction"]["automaton"] == parent else "parent"
        }


def test_a_line_lost_that_names_parent_and_child_is_told_of_both(tmp_path: Path) -> None:
    """The order is placed in a line of the session, so without it both lack something."""
    model = learnt(tmp_path, LOGS["shop"](1))
    log = LOGS["shop"](2)
    once: dict[str, list[Event]] = {}
    for event in log.events:
        if event.message == 2:
            once.setdefault(event.fields["session"], []).append(event)
    lone = next(events[0] for events in once.values() if len(events) == 1)
    log.events.remove(lone)
    found = anomalies(model.to_json(), [line.encode() + b"\n" for line in log.lines()])
    types = {(a["transaction"]["id"], a["type"]) for a in found}
    assert (lone.fields["session"], "missing_state") in types
    assert (lone.fields["order"], "missing_begin") in types
