"""Automata made ready for stepping: what the model document says, by number instead of by name.

States of all automata are numbered through (*slots*), so that one look-up leads from an event's template to all that
the engine has to know about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.automata.graph import Graph, Limits
from models.batches import Int32
from models.document import ModelDocument
from models.phrases import phrases

NO_SLOT = -1


@dataclass(frozen=True, slots=True)
class State:
    """One state of an automaton.

    Attributes:
        id: the state's name in its automaton.
        text: what its template says, for people.
        low: how often it occurs at least in a complete transaction.
        high: how often at most; None for no bound.
        begin: a transaction may begin with it.
        end: a transaction may end with it.
        support: in how many transactions it was seen.
    """

    id: str
    text: str
    low: int
    high: int | None
    begin: bool
    end: bool
    support: int


@dataclass(frozen=True, slots=True)
class Automaton:
    """One kind of transaction: its states, how they are related, and how long it lives.

    States are named by their place in ``states``. ``order`` holds (before, after, support), ``requires`` (if, then,
    support), ``equal`` (states, support), ``excludes`` (one, other, support). ``graph`` holds what is judged of the
    transitions. ``min_ms`` and ``max_ms`` bound the duration, None for no bound.
    ``verdicts`` remembers judgements (see :func:`models.automata.judge.judge_passes`); it changes no result.
    """

    id: str
    name: str
    support: int
    states: tuple[State, ...]
    order: tuple[tuple[int, int, int], ...]
    requires: tuple[tuple[int, int, int], ...]
    equal: tuple[tuple[tuple[int, ...], int], ...]
    min_ms: int | None
    max_ms: int | None
    duration_support: int
    settle_ms: int
    expires_ms: int
    begins: frozenset[int]
    ends: frozenset[int]
    excludes: tuple[tuple[int, int, int], ...] = ()
    graph: Graph = field(default_factory=lambda: Graph({}, {}, {}))
    verdicts: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


class CompiledAutomata:
    """The automata of one model, built once and shared by all shards.

    Attributes:
        id, version: the model's.
        automata: all automata, in the document's order.
        template_ids: id of each template, by template index.
        slot_of_template: int32[templates], the state that a template is, :data:`NO_SLOT` if none.
        slot_of_id: the state that a template is, by the template's id; templates of no state are left out.
        slots: for each slot its automaton and its state, as places in ``automata`` and ``states``.
        end_slot: the number after the last slot: that of the marker that a source has ended.
        state_of_slot: for each slot the place of its state; one more at the end, so that NO_SLOT is no state.
        template_of_slot: for each slot its template's index, -1 if the model does not hold that template.
    """

    def __init__(self, model: ModelDocument | Mapping[str, Any]) -> None:
        """Build from a checked model, or from its JSON."""
        document = model.to_json() if isinstance(model, ModelDocument) else model
        self.id: str = document["id"]
        self.version: int = document["version"]
        templates = document["templates"]
        self.template_ids: list[str] = [template["id"] for template in templates]
        groks = {template["id"]: template["grok"] for template in templates}
        index = {name: at for at, name in enumerate(self.template_ids)}
        self.automata: list[Automaton] = []
        self.slots: list[tuple[int, int]] = []
        self.template_of_slot: list[int] = []
        self.slot_of_id: dict[str, int] = {}
        for at, entry in enumerate(document["automata"]):
            for place, state in enumerate(entry["states"]):
                if state["template"] in index:
                    self.slot_of_id[state["template"]] = len(self.slots)
                self.slots.append((at, place))
                self.template_of_slot.append(index.get(state["template"], -1))
            self.automata.append(_automaton(entry, groks))
        self.slot_of_template = self.slots_of_ids(self.template_ids, np.arange(len(templates), dtype=np.int32))
        self.end_slot = len(self.slots)
        self.state_of_slot: list[int] = [*(place for _, place in self.slots), NO_SLOT]

    def steps_like(self, other: CompiledAutomata) -> bool:
        """Whether all events step the same with both, and are told of in the same words."""
        return self.automata == other.automata and self.slot_of_id == other.slot_of_id

    def slots_of_ids(self, template_ids: Iterable[str], template: Int32) -> Int32:
        """The slot of each of some templates that are named through a list.

        Args:
            template_ids: ids, of this model's templates or of another's.
            template: int32[n], places in ``template_ids``.

        Returns:
            int32[n]; :data:`NO_SLOT` for templates that are no state here, and for places outside of the list.
        """
        slot_of = self.slot_of_id.get
        slots = np.array([NO_SLOT, *(slot_of(name, NO_SLOT) for name in template_ids), NO_SLOT], dtype=np.int32)
        found: Int32 = slots.take(template + 1, mode="clip")
        return found


def _automaton(entry: Mapping[str, Any], groks: Mapping[str, str]) -> Automaton:
    texts = phrases([groks.get(state["template"], state["id"]) for state in entry["states"]])
    states = tuple(
        State(
            id=state["id"],
            text=text,
            low=state["min"],
            high=state["max"],
            begin=state.get("begin", False),
            end=state.get("end", False),
            support=state.get("support", 0),
        )
        for state, text in zip(entry["states"], texts, strict=True)
    )
    place = {state.id: at for at, state in enumerate(states)}
    support = entry.get("support", 0)
    duration = entry.get("duration") or {}
    return Automaton(
        id=entry["id"],
        name=entry.get("name") or entry["id"],
        support=support,
        states=states,
        order=tuple((place[r["before"]], place[r["after"]], r.get("support", 0)) for r in entry.get("order", ())),
        requires=tuple((place[r["if"]], place[r["then"]], r.get("support", 0)) for r in entry.get("requires", ())),
        equal=tuple((tuple(place[s] for s in r["states"]), r.get("support", 0)) for r in entry.get("equal", ())),
        min_ms=duration.get("min_ms"),
        max_ms=duration.get("max_ms"),
        duration_support=duration.get("support", support),
        settle_ms=entry["settle_ms"],
        expires_ms=entry["expires_ms"],
        begins=frozenset(at for at, state in enumerate(states) if state.begin),
        ends=frozenset(at for at, state in enumerate(states) if state.end),
        excludes=tuple(
            (place[one], place[other], r.get("support", 0))
            for r in entry.get("excludes", ())
            for one, other in [r["states"]]
        ),
        graph=_graph(entry, place),
    )


def _graph(entry: Mapping[str, Any], place: Mapping[str, int]) -> Graph:
    after: dict[int, set[int]] = {place[state["id"]]: set() for state in entry["states"] if state.get("closed", False)}
    support = dict.fromkeys(after, 0)
    limits: dict[tuple[int, int], Limits] = {}
    for transition in entry.get("transitions", ()):
        pair = place[transition["from"]], place[transition["to"]]
        seen = transition.get("support", 0)
        low, high = transition.get("min_ms"), transition.get("max_ms")
        if pair[0] in after:
            after[pair[0]].add(pair[1])
            support[pair[0]] += seen
        if low is not None or high is not None:
            limits[pair] = Limits(low, high, seen)
    # A transaction may leave a state more than once.
    support = {at: min(seen, entry.get("support", seen)) for at, seen in support.items()}
    return Graph({at: frozenset(states) for at, states in after.items()}, limits, support)
