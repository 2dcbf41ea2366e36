"""Automata made ready for stepping: what the model document says, by number instead of by name.

States of all automata are numbered through (*slots*), so that one look-up leads from a visit's name
(:mod:`models.visits`) to all that the engine has to know about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from models.allow import AllowList
from models.automata.graph import Graph, Limits
from models.automata.links import Links
from models.batches import Int32
from models.document import ModelDocument
from models.document_content import AllowEntry
from models.phrases import phrases
from models.visits import full_name

if TYPE_CHECKING:
    from models.anomalies import Document
    from models.automata.judge import Finding
    from models.automata.transaction import Transaction

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


class ClosingChecks(Protocol):
    """What looks at transactions as they close; see :class:`models.checkers.transaction_checks.TransactionChecks`."""

    def look(
        self,
        model: CompiledAutomata,
        automaton: Automaton,
        transaction: Transaction,
        findings: Sequence[Finding],
        max_evidence: int,
    ) -> list[Document]:
        """The anomalies found besides those of the automaton, which are ``findings``."""


class CompiledAutomata:
    """The automata of one model, built once and shared by all shards.

    Attributes:
        id, version: the model's.
        automata: all automata, in the document's order.
        template_ids: id of each template, by template index.
        slot_of_template: int32[templates], the (first) state that a template is, :data:`NO_SLOT` if none.
        slot_of_name: the state that is visited, by the visit's name; a template that is several states names the first.
        visit_names: for each slot the name of a visit, "" if the model does not hold its template.
        links: what leads from one transaction to another, see :mod:`models.automata.links`.
        slots: for each slot its automaton and its state, as places in ``automata`` and ``states``.
        end_slot: the number after the last slot: that of the marker that a source has ended.
        state_of_slot: for each slot the place of its state; one more at the end, so that NO_SLOT is no state.
        allow: the findings that are not told.
        checks: looks at each transaction that closes, and gives further anomalies; None: nothing does.
    """

    def __init__(self, model: ModelDocument | Mapping[str, Any]) -> None:
        """Build from a checked model, or from its JSON."""
        document = model.to_json() if isinstance(model, ModelDocument) else model
        self.id: str = document["id"]
        self.version: int = document["version"]
        entries = [AllowEntry(**entry) for entry in document.get("allow", ())]
        self.allow = AllowList(entries, document)
        self.checks: ClosingChecks | None = None
        templates = document["templates"]
        self.template_ids: list[str] = [template["id"] for template in templates]
        groks = {template["id"]: template["grok"] for template in templates}
        index = {name: at for at, name in enumerate(self.template_ids)}
        self.automata: list[Automaton] = []
        self.slots: list[tuple[int, int]] = []
        pairs = [(s["template"], s["field"]) for entry in document["automata"] for s in entry["states"]]
        times = Counter(template for template, _ in pairs)
        self.visit_names: list[str] = []
        self.slot_of_name: dict[str, int] = {}
        self._slot_of_pair: dict[str, int] = {}
        for slot, (template, field_name) in enumerate(pairs):
            known, pair = template in index, full_name(template, field_name)
            self.visit_names.append("" if not known else template if times[template] == 1 else pair)
            if known:
                self.slot_of_name.setdefault(template, slot)
                self.slot_of_name.setdefault(self.visit_names[slot], slot)
                self._slot_of_pair[pair] = slot
        for at, entry in enumerate(document["automata"]):
            self.slots.extend((at, place) for place in range(len(entry["states"])))
            self.automata.append(_automaton(entry, groks))
        owners = [entry["id"] for entry in document["automata"] for _ in entry["states"]]
        self.links = Links(document, [(owner, *pair) for owner, pair in zip(owners, pairs, strict=True)])
        self.slot_of_template = self.slots_of_names(self.template_ids, np.arange(len(templates), dtype=np.int32))
        self.end_slot = len(self.slots)
        self.state_of_slot: list[int] = [*(place for _, place in self.slots), NO_SLOT]

    def steps_like(self, other: CompiledAutomata) -> bool:
        """Whether all events step the same with both, and are told of in the same words."""
        alike = self.automata == other.automata and self.slot_of_name == other.slot_of_name
        return alike and self.links.alike(other.links)

    def slots_of_names(self, names: Iterable[str], visit: Int32) -> Int32:
        """The slot of each of some visits that are named through a list.

        Args:
            names: names of visits (:mod:`models.visits`), by this model or by another.
            visit: int32[n], places in ``names``.

        Returns:
            int32[n]; :data:`NO_SLOT` for visits of no state here, and for places outside of the list.
        """
        slots = np.array([NO_SLOT, *map(self._slot_of, names), NO_SLOT], dtype=np.int32)
        found: Int32 = slots.take(visit + 1, mode="clip")
        return found

    def _slot_of(self, name: str) -> int:
        slot = self.slot_of_name.get(name)
        return self._slot_of_pair.get(name, NO_SLOT) if slot is None else slot


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
