"""The visits of transactions, sampled by transaction: mergeable and bounded.

Where there are more visits than may be held, whole transactions are left out: those are held whose identifier hashes
below a threshold, which is halved until they fit. So what is held depends on the lines alone, and each transaction that
is held is held whole (Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries", VLDB 2001).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int64, pack_columns, unpack_columns
from models.mining.identifier_choice import IdentifierChoice, Visits
from models.mining.transactions import EventTable
from models.parser import LineParser, Parsed
from models.source_reader import Events

_MARK_BITS = 63
_EDGE = 7
_COLUMNS = 6
_ORDER_MS, _SOURCE, _LINE, _TEMPLATE, _TRANSACTION, _EVENT_MS = range(_COLUMNS)


@dataclass(frozen=True, slots=True)
class VisitReading:
    """How visits are read from lines.

    Attributes:
        groks: Grok of each template.
        choice: which fields hold identifiers of transactions.
        patterns: Grok patterns of the model's own.
        most: how many visits are held.
    """

    groks: tuple[str, ...]
    choice: IdentifierChoice
    patterns: tuple[tuple[str, str], ...]
    most: int

    def parser(self, more: Mapping[int, Sequence[str]] | None = None) -> VisitParser:
        """What finds the visits; of some templates it cuts out ``more`` fields, which are no identifiers."""
        identifiers = [self.choice.fields_of(at) for at in range(len(self.groks))]
        wanted = tuple((*names, *(more or {}).get(at, ())) for at, names in enumerate(identifiers))
        lines = LineParser(self.groks, wanted, dict(self.patterns))
        # One more for lines that fit no template, whose number is -1.
        held = np.array([*map(len, identifiers), 0], np.int64)
        return VisitParser(lines, self.choice.visits(len(self.groks)), wanted, held)


@dataclass(frozen=True, slots=True)
class VisitParser:
    """Finds the visits of lines.

    Attributes:
        lines: cuts out the wanted fields.
        visits: numbers what lines visit.
        wanted: for each template the fields that are cut out, identifiers first.
        identifiers: int64[templates + 1], how many of them are identifiers; 0 for lines of no template, at the end.
    """

    lines: LineParser
    visits: Visits
    wanted: tuple[tuple[str, ...], ...]
    identifiers: Int64

    def parse(self, events: Events) -> Parsed:
        """The events with the wanted fields cut out."""
        return self.lines.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)

    def held(self, parsed: Parsed) -> npt.NDArray[np.bool_]:
        """bool[k, n]: whether each event holds the k-th identifier of its template."""
        width = max(1, int(self.identifiers.max()))
        return (parsed.begin[:width] >= 0) & (np.arange(width)[:, None] < self.identifiers[parsed.template])


class VisitSummary:
    """Visits of the lines added so far.

    Args:
        most: how many visits are held.
    """

    VERSION = 1

    def __init__(self, most: int) -> None:
        self._most = most
        self._level = 0
        self._sources: dict[str, int] = {}
        self._pieces: list[Int64] = []
        self._held = 0
        self._edge = np.empty((0, _COLUMNS), np.int64)

    @property
    def share(self) -> float:
        """The share of all transactions that are held, 0 to 1."""
        return 0.5**self._level

    def add(self, source: str, events: Events, parser: VisitParser, parsed: Parsed | None = None) -> None:
        """Add events of a source.

        Args:
            source: its name.
            events: the events.
            parser: that of the same :class:`VisitReading` for all.
            parsed: the events as it parses them; None: it is yet to parse them.
        """
        parsed = parser.parse(events) if parsed is None else parsed
        known = np.flatnonzero(parsed.template >= 0)
        if not len(known):
            return
        table = np.empty((len(events), _COLUMNS), np.int64)
        table[:, _ORDER_MS] = events.order_ms
        table[:, _SOURCE] = self._sources.setdefault(source, len(self._sources))
        table[:, _LINE] = events.line
        table[:, _TEMPLATE] = parsed.template
        table[:, _TRANSACTION] = -1
        table[:, _EVENT_MS] = events.event_ms
        self._edge = self._edges(np.concatenate((self._edge, table[known])))
        held = parser.held(parsed)
        event, place, visit = parser.visits.of(parsed.template, held)
        named = np.flatnonzero(held[place, event] & (visit >= 0))
        event, place = event[named], place[named]
        raw = events.data.tobytes()
        spans = zip(parsed.begin[place, event].tolist(), parsed.end[place, event].tolist(), strict=True)
        found = [raw[a:b] for a, b in spans]
        marks = {identifier: _mark(identifier) for identifier in set(found)}
        visits = table[event]
        visits[:, _TEMPLATE] = visit[named]
        visits[:, _TRANSACTION] = [marks[identifier] for identifier in found]
        self._keep(visits[_below(visits[:, _TRANSACTION], self._level)])
        self._fit()

    def merge(self, other: VisitSummary) -> None:
        """Add all that another summary with the same bound holds."""
        if other._level > self._level:
            self._level = other._level
            self._press()
        numbers = np.array([self._sources.setdefault(name, len(self._sources)) for name in other._sources], np.int64)
        for piece in other._pieces:
            self._keep(_numbered(piece[_below(piece[:, _TRANSACTION], self._level)], numbers))
        self._edge = self._edges(np.concatenate((self._edge, _numbered(other._edge, numbers))))
        self._fit()

    def table(self) -> tuple[EventTable, tuple[int, int]]:
        """The visits in order of (order time, source, position), and when the log begins and ends, epoch ms.

        Identifiers are numbered in the order of their hashes. Single lines with a wrong time at the edges of the log
        do not count; it is (0, 0) where no line fits a template.
        """
        places = self._places()
        everything = np.concatenate([*self._pieces, np.empty((0, _COLUMNS), np.int64)])
        everything, edge = _numbered(everything, places), _numbered(self._edge, places)
        everything = everything[_in_order(everything)]
        _, transaction = np.unique(everything[:, _TRANSACTION], return_inverse=True)
        edge = edge[_in_order(edge)]
        span = (0, 0)
        if len(edge):
            span = int(np.median(edge[:_EDGE, _EVENT_MS])), int(np.median(edge[-_EDGE:, _EVENT_MS]))
        return (
            EventTable(
                everything[:, _TEMPLATE].astype(np.int32),
                transaction.astype(np.int64),
                everything[:, _EVENT_MS].copy(),
                np.cumsum((np.diff(everything[:, (_SOURCE, _LINE)], axis=0, prepend=-1) != 0).any(axis=1)),
            ),
            span,
        )

    def to_record(self) -> bytes:
        """The summary as one plain, versioned record."""
        return self.to_records(1 << 62)[0]

    def to_records(self, most: int) -> list[bytes]:
        """The summary in records of at most so many visits; merged, they are the summary."""
        everything = np.concatenate([*self._pieces, np.empty((0, _COLUMNS), np.int64)])
        everything = everything[_in_order(everything)]
        edge, records = self._edge, []
        for at in range(0, max(len(everything), 1), most):
            head: dict[str, object] = {"most": self._most, "level": self._level, "sources": list(self._sources)}
            records.append(pack_columns(self.VERSION, head, [everything[at : at + most].tobytes(), edge.tobytes()]))
            edge = edge[:0]
        return records

    @classmethod
    def from_record(cls, record: bytes) -> VisitSummary:
        """Undo :meth:`to_record`; raises :class:`~models.batches.BatchError`."""
        head, (visits, edge) = unpack_columns(record, cls.VERSION)
        made = cls(int(str(head["most"])))
        made._level = int(str(head["level"]))
        made._sources = {name: number for number, name in enumerate(head["sources"])}  # type: ignore[arg-type, var-annotated]
        made._keep(np.frombuffer(visits, np.int64).reshape(-1, _COLUMNS))
        made._edge = np.frombuffer(edge, np.int64).reshape(-1, _COLUMNS)
        return made

    def _keep(self, visits: Int64) -> None:
        if len(visits):
            self._pieces.append(visits)
            self._held += len(visits)

    def _fit(self) -> None:
        while self._held > self._most and self._level < _MARK_BITS:
            self._level += 1
            self._press()

    def _press(self) -> None:
        """Drop what the threshold leaves out."""
        pieces, self._pieces, self._held = self._pieces, [], 0
        for piece in pieces:
            self._keep(piece[_below(piece[:, _TRANSACTION], self._level)])

    def _edges(self, table: Int64) -> Int64:
        """The first and the last few lines."""
        if len(table) <= 2 * _EDGE:
            return table
        order = np.lexsort((table[:, _LINE], self._places()[table[:, _SOURCE]], table[:, _ORDER_MS]))
        return table[np.r_[order[:_EDGE], order[-_EDGE:]]]

    def _places(self) -> Int64:
        """For each source's number its place among all names."""
        order = sorted(self._sources)
        places = np.empty(len(order), np.int64)
        places[[self._sources[name] for name in order]] = np.arange(len(order))
        return places


def _numbered(table: Int64, numbers: Sequence[int] | Int64) -> Int64:
    """The table with other numbers of sources."""
    if not len(table):
        return table
    table = table.copy()
    table[:, _SOURCE] = np.asarray(numbers)[table[:, _SOURCE]]
    return table


def _in_order(table: Int64) -> Int64:
    return np.lexsort((table[:, _TRANSACTION], table[:, _LINE], table[:, _SOURCE], table[:, _ORDER_MS]))


def _below(marks: Int64, level: int) -> npt.NDArray[np.bool_]:
    """Which identifiers are below the threshold: those whose first ``level`` bits are 0; marks have 63 bits."""
    return marks >> (_MARK_BITS - level) == 0


def _mark(identifier: bytes) -> int:
    """A number of 63 bits for an identifier; two of a million have the same one with a chance of 1 in 10 million."""
    return int.from_bytes(hashlib.blake2b(identifier, digest_size=8).digest(), "big") >> 1
