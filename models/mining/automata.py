"""From events to the automata of a model: which states a kind of transaction has, and what is normal for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.batches import Int32
from models.mining.bounds import FEWEST, Bounds, learn_bounds
from models.mining.branches import allow_branches
from models.mining.cut_off import find_cut_off
from models.mining.durations import Duration, expires_ms, learn_duration, settle_ms
from models.mining.exclusions import exclusion_faults, mine_excludes
from models.mining.identifier_choice import IdentifierChoice, Visits
from models.mining.relations import count_faults, mine_edge, mine_equal, mine_order, mine_requires, order_faults
from models.mining.silence import split_silent
from models.mining.state_names import name_states, title
from models.mining.ties import has_steps
from models.mining.transactions import (
    EventTable,
    Transactions,
    find_components,
    group_transactions,
    returns,
    split_reused,
)
from models.mining.transitions import mine_graph
from models.visits import full_name

Bools = npt.NDArray[np.bool_]

_RETURNING = 0.002
_JOINED = 0.02


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """What a user may set.

    Attributes:
        min_transactions: kinds of transactions with fewer get no automaton. At least 20: fewer show nothing.
        span_ms: when the log begins and ends, epoch ms; found from the events unless given.
    """

    min_transactions: int = FEWEST
    span_ms: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Learned:
    """All that was learnt of one automaton; states are places in ``seen.templates``.

    ``orderly`` are those that tell the order of states: it does not matter whether the log shows their end. ``open``
    are those that may not have been over when the log ended, where no end state tells so. ``branches`` are the states
    of rare branches, and how many transactions pass them.
    """

    seen: Transactions
    normal: Transactions
    orderly: Transactions
    open: Transactions
    bounds: Bounds
    branches: tuple[tuple[tuple[int, ...], int], ...]
    begins: frozenset[int]
    ends: frozenset[int]
    duration: Duration
    expires_ms: int


def learn_automata(
    table: EventTable,
    templates: Sequence[Mapping[str, Any]],
    choice: IdentifierChoice,
    settings: LearnSettings | None = None,
) -> list[dict[str, Any]]:
    """The automata of a model document, most transactions first.

    Args:
        table: all events, of templates with and without identifier.
        templates: the model document's templates; ``id`` and ``grok`` are read.
        choice: which fields of each template are identifiers of transactions.
        settings: see :class:`LearnSettings`.
    """
    settings = settings or LearnSettings()
    span = settings.span_ms or table.span_ms()
    documents = []
    visits = choice.visits(len(templates))
    for members in find_components(table, visits.kinds):
        learned = _learn(group_transactions(table, members), span, settings)
        if learned is not None:
            documents.append(_document(learned, templates, visits))
    documents.sort(key=lambda document: (-document["support"], document["id"]))
    return documents


def count_transactions(table: EventTable, templates: int, choice: IdentifierChoice) -> int:
    """How many transactions the events hold, in kinds with and without automaton."""
    components = find_components(table, choice.visits(templates).kinds)
    return sum(len(split_silent(split_reused(group_transactions(table, members)))[0]) for members in components)


def _learn(grouped: Transactions, span: tuple[int, int], settings: LearnSettings) -> _Learned | None:
    by_states = split_reused(grouped)
    learned = _learn_from(*split_silent(by_states), span, settings)
    if learned is None or len(by_states) == len(grouped) or not _would_join(grouped, learned):
        return learned
    return _learn_from(*split_silent(grouped), span, settings)


def _would_join(grouped: Transactions, learned: _Learned) -> bool:
    """Whether the engine would take for one transaction what was cut in two, as begin and end tell too little."""
    if learned.begins and learned.ends:
        return False
    again = ~np.isin(learned.seen.starts[:-1], grouped.starts[:-1])
    since = np.diff(learned.seen.begin_ms, prepend=0)[again]
    return bool(len(since)) and float((since <= learned.expires_ms).mean()) > _JOINED


def _learn_from(
    seen: Transactions, silence_ms: int | None, span: tuple[int, int], settings: LearnSettings
) -> _Learned | None:
    if len(seen) < max(FEWEST, settings.min_transactions):
        return None
    counts = seen.counts()
    if not has_steps(counts):
        return None
    cut = find_cut_off(seen, *span)
    branches = allow_branches(learn_bounds(counts, cut.any), counts, cut.any)
    bounds = branches.bounds
    inside = bounds.kept(counts) & ~branches.broken
    whole = ~cut.any & inside
    within = seen.select(whole)
    sound = _of(whole, ~(order_faults(within) | count_faults(within) | exclusion_faults(within)))
    sound |= whole & branches.passing
    kept, begins, ends = _edges(seen.select(sound))
    # What has no clear begin and end is no process in which a rule broken now and then shows a fault.
    crisp = bool(begins and ends)
    if not crisp:
        sound = whole
        kept, begins, ends = _edges(within)
    normal = _of(sound, kept)
    begun = ~cut.no_begin
    if begins:
        begun = _mask(begins, len(seen.templates))[seen.first]
    orderly = begun & bounds.kept(counts, cut.no_end) & ~branches.broken
    if crisp:
        orderly = _of(orderly, ~order_faults(seen.select(orderly)))
    duration = Duration(None, None, 0)
    if begins and ends:
        # Of those that began late, only the short ones have ended.
        timed = normal & ~cut.late if (normal & ~cut.late).sum() >= FEWEST else normal
        duration = learn_duration(seen.duration_ms[timed], span[1] - span[0])
    # Without end states nobody can tell a transaction that is still open when the log ends from one that lacks
    # something: so what a state needs has to hold at any time.
    open_ones = inside & (not ends)
    kept_ones = seen.select(normal)
    expires = expires_ms(duration, kept_ones.duration_ms, silence_ms)
    return _Learned(
        seen,
        kept_ones,
        seen.select(orderly),
        seen.select(open_ones),
        bounds,
        branches.equal,
        begins,
        ends,
        duration,
        expires,
    )


def _of(among: Bools, which: Bools) -> Bools:
    """bool[m]: ``which`` of those ``among`` all."""
    found = np.zeros_like(among)
    found[among] = which
    return found


def _edges(within: Transactions) -> tuple[Bools, frozenset[int], frozenset[int]]:
    """Which transactions keep to the begin and end states, and these."""
    begins, unbegun = mine_edge(within)
    ends, unended = mine_edge(within, last=True)
    keeping = ~(unbegun | unended)
    if begins and ends and _comes_back(within.select(keeping), begins, ends):
        ends = frozenset()
    return keeping, begins, ends


def _comes_back(normal: Transactions, begins: frozenset[int], ends: frozenset[int]) -> bool:
    """Whether normal transactions pass a begin state after an end state: there, a new transaction would be seen."""
    width = len(normal.templates)
    _, owners = returns(normal, _mask(begins, width), _mask(ends, width))
    return len(set(owners.tolist())) > _RETURNING * len(normal)


def _mask(states: frozenset[int], width: int) -> Bools:
    mask = np.zeros(width, dtype=np.bool_)
    mask[list(states)] = True
    return mask


def _document(learned: _Learned, templates: Sequence[Mapping[str, Any]], visits: Visits) -> dict[str, Any]:
    members, normal, bounds = learned.seen.templates, learned.normal, learned.bounds
    groks = [str(templates[visits.template[visit]]["grok"]) for visit in members]
    ids = [str(templates[visits.template[visit]]["id"]) for visit in members]
    # Two automata may share all their templates.
    names_of_visits = [
        name if visit < len(templates) else full_name(name, str(visits.field[visit]))
        for visit, name in zip(members, ids, strict=True)
    ]
    names = name_states(groks)
    always = np.array([low >= 1 for low in bounds.low])
    occurs = (learned.seen.counts() > 0).sum(axis=0)
    graph = mine_graph(normal, learned.duration, crisp=bool(learned.begins and learned.ends))
    states = [
        {
            "id": names[at],
            "template": ids[at],
            "field": visits.field[visit],
            "min": bounds.low[at],
            "max": bounds.high[at],
            "begin": at in learned.begins,
            "end": at in learned.ends,
            "support": int(occurs[at]),
            **({"closed": True} if at in graph.closed else {}),
        }
        for at, visit in enumerate(members)
    ]
    open_counts = learned.open.counts()
    # States read best in the order in which transactions pass them.
    place = _mean_places(learned)
    reading = sorted(range(len(members)), key=lambda at: (place[at], at))
    rank = {at: read for read, at in enumerate(reading)}
    lead = min(learned.begins or range(len(members)), key=lambda at: (-int(occurs[at]), place[at], at))
    return {
        "id": "a-" + hashlib.sha256("\n".join(sorted(names_of_visits)).encode()).hexdigest()[:8],
        "name": title(groks, lead),
        "support": len(learned.seen),
        "states": [states[at] for at in reading],
        "order": [
            {"before": names[r.a], "after": names[r.b], "support": r.support}
            for r in mine_order(learned.orderly, always)
        ],
        "requires": [
            {"if": names[r.a], "then": names[r.b], "support": r.support}
            for r in mine_requires(normal, always, open_counts)
        ],
        "equal": [
            {"states": [names[at] for at in group], "support": support}
            for group, support in _equal(learned, open_counts)
        ],
        "excludes": [
            {"states": [names[r.a], names[r.b]], "support": r.support} for r in mine_excludes(normal, open_counts)
        ],
        "transitions": [
            {"from": names[t.a], "to": names[t.b], "support": t.support, "min_ms": t.min_ms, "max_ms": t.max_ms}
            for t in sorted(graph.transitions, key=lambda t: (rank[t.a], rank[t.b]))
        ],
        "duration": {
            "min_ms": learned.duration.min_ms,
            "max_ms": learned.duration.max_ms,
            "support": learned.duration.support,
        },
        "settle_ms": settle_ms(normal, learned.ends),
        "expires_ms": learned.expires_ms,
    }


def _equal(learned: _Learned, open_counts: Int32) -> list[tuple[tuple[int, ...], int]]:
    """Groups of states that occur equally often, and those of rare branches, which too few transactions show."""
    mined = mine_equal(learned.normal, open_counts)
    known = [set(group) for group, _ in mined]
    return mined + [(group, n) for group, n in learned.branches if not any(each.issuperset(group) for each in known)]


def _mean_places(learned: _Learned) -> list[float]:
    """The mean place of each state's first pass in a transaction."""
    positions = learned.seen.positions()
    places = []
    for at in range(positions.shape[1]):
        passed = positions[:, at][positions[:, at] >= 0]
        places.append(float(passed.mean()) if len(passed) else float("inf"))
    return places
