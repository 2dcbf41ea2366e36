"""Which transactions lead to which others: lines that name two of different kinds.

Of two kinds that lines name together, the parent is the one of whose transactions each goes with more of the other kind
(a session has several orders); where both go with as many, the one that begins earlier, then the one that ends later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from models.batches import Int64
from models.mining.identifier_choice import IdentifierChoice, Visits
from models.mining.transactions import EventTable

_FEWEST = 5
_MORE = 1.05
"""So many times more of the other kind make a parent."""


@dataclass(slots=True)
class _Pairs:
    """What is known of two automata that lines name together; the sums are over all their templates."""

    templates: list[tuple[int, int, int]] = field(default_factory=list)
    """The visits of both automata that are of one template, and how many pairs of transactions show it."""
    one: list[Int64] = field(default_factory=list)
    two: list[Int64] = field(default_factory=list)


def learn_links(
    table: EventTable,
    templates: Sequence[Mapping[str, Any]],
    choice: IdentifierChoice,
    automata: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The links of a model document, in the order of the templates.

    Args:
        table: all visits, with the lines that make them.
        templates: the model document's templates; ``id`` is read.
        choice: which fields of each template are identifiers of transactions.
        automata: the model document's automata; ``id`` and ``states`` are read.
    """
    if table.line is None:
        return []
    visits = choice.visits(len(templates))
    owner = _owners(visits, templates, automata)
    by_template: dict[int, list[int]] = {}
    for visit in sorted(owner):
        by_template.setdefault(visits.template[visit], []).append(visit)
    found: dict[tuple[int, int], _Pairs] = {}
    for members in by_template.values():
        for one, two in combinations(sorted(members, key=lambda visit: (owner[visit], visit)), 2):
            if owner[one] != owner[two]:
                pairs = found.setdefault((owner[one], owner[two]), _Pairs())
                _count(table, one, two, pairs)
    links = []
    for (first, second), pairs in sorted(found.items()):
        if not pairs.templates:
            continue
        leads = _first_leads(table, pairs, visits, owner, first, second)
        for one, two, support in pairs.templates:
            parent, child = (one, two) if leads else (two, one)
            links.append(
                {
                    "template": str(templates[visits.template[one]]["id"]),
                    "parent": str(automata[owner[parent]]["id"]),
                    "parent_field": visits.field[parent],
                    "child": str(automata[owner[child]]["id"]),
                    "child_field": visits.field[child],
                    "support": support,
                }
            )
    place = {str(template["id"]): at for at, template in enumerate(templates)}
    return sorted(links, key=lambda link: (place[link["template"]], link["parent_field"], link["child_field"]))


def _owners(
    visits: Visits, templates: Sequence[Mapping[str, Any]], automata: Sequence[Mapping[str, Any]]
) -> dict[int, int]:
    """The automaton of each visit that is one of its states."""
    states = {
        (str(state["template"]), str(state["field"])): at
        for at, automaton in enumerate(automata)
        for state in automaton["states"]
    }
    names = [(str(templates[at]["id"]), str(name)) for at, name in zip(visits.template, visits.field, strict=True)]
    return {visit: states[name] for visit, name in enumerate(names) if name in states}


def _count(table: EventTable, one: int, two: int, pairs: _Pairs) -> None:
    """Note the pairs of transactions that lines of a template name through two visits."""
    assert table.line is not None
    named = table.transaction >= 0
    first, second = (np.flatnonzero(named & (table.template == visit)) for visit in (one, two))
    _, at_first, at_second = np.intersect1d(
        table.line[first], table.line[second], assume_unique=True, return_indices=True
    )
    both = np.unique(
        np.stack((table.transaction[first[at_first]], table.transaction[second[at_second]]), axis=1), axis=0
    )
    if len(both) >= _FEWEST:
        pairs.templates.append((one, two, len(both)))
        pairs.one.append(both[:, 0])
        pairs.two.append(both[:, 1])


def _first_leads(
    table: EventTable, pairs: _Pairs, visits: Visits, owner: Mapping[int, int], first: int, second: int
) -> bool:
    """Whether the first of two automata is the parent."""
    both = np.unique(np.stack((np.concatenate(pairs.one), np.concatenate(pairs.two)), axis=1), axis=0)
    per_one = len(both) / len(np.unique(both[:, 0]))
    per_two = len(both) / len(np.unique(both[:, 1]))
    if per_one >= _MORE * per_two or per_two >= _MORE * per_one:
        return per_one > per_two
    begin_one, end_one = (edge[both[:, 0]] for edge in _spans(table, visits, owner, first))
    begin_two, end_two = (edge[both[:, 1]] for edge in _spans(table, visits, owner, second))
    earlier, later = int((begin_one < begin_two).sum()), int((begin_one > begin_two).sum())
    if earlier != later:
        return earlier > later
    return int((end_one > end_two).sum()) >= int((end_one < end_two).sum())


def _spans(
    table: EventTable, visits: Visits, owner: Mapping[int, int], automaton: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first and the last line of each transaction of an automaton, by the number of its identifier."""
    mine = np.zeros(len(visits), np.bool_)
    mine[[visit for visit, at in owner.items() if at == automaton]] = True
    rows = np.flatnonzero((table.transaction >= 0) & (table.template >= 0))
    rows = rows[mine[table.template[rows]]]
    assert table.line is not None
    transaction, line = table.transaction[rows], table.line[rows]
    size = int(table.transaction.max(initial=0)) + 1
    begin, end = np.full(size, np.iinfo(np.intp).max, np.intp), np.full(size, -1, np.intp)
    np.minimum.at(begin, transaction, line)
    np.maximum.at(end, transaction, line)
    return begin, end
