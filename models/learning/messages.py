"""What the first pass over the logs brings: counts, the distinct messages, a stretch of lines to look at closely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from models.batches import BatchError, pack_columns, unpack_columns
from models.learning.folds import FoldSummary
from models.learning.options import LearnLimits
from models.learning.stretch import StretchSummary
from models.parser import LineParser
from models.source_reader import Events

_PART_LINES = 5_000


class MessageSummary:
    """A summary of lines, which merges with those of other lines to the same as if one had seen all.

    Attributes:
        lines, continued, dead_letters: counts of lines.
        from_ms, to_ms: the earliest and the latest event, epoch ms; None without events.
        known: lines of each template that is known already, by its place.
        broken: why the rest of a source cannot be read, by the source's name.
        folds: the distinct folds of lines of no known template.
        stretch: lines at the beginning of each source.

    Args:
        limits: what is held; the same for all summaries that are to be merged.
    """

    VERSION = 1

    def __init__(self, limits: LearnLimits) -> None:
        self.lines = self.continued = self.dead_letters = 0
        self.from_ms: int | None = None
        self.to_ms: int | None = None
        self.known: Counter[int] = Counter()
        self.broken: dict[str, str] = {}
        self._limits = limits
        self.folds = FoldSummary(limits.folds)
        self.stretch = StretchSummary(limits.stretch)

    @property
    def events(self) -> int:
        """Lines that begin an event."""
        return self.folds.lines + self.known.total()

    def add(self, source: str, events: Events, known: LineParser | None = None) -> None:
        """Add what a batch completed; ``known`` finds templates that need not be learnt."""
        self.lines += events.lines
        self.continued += events.continued
        self.dead_letters += len(events.dead)
        if not len(events):
            return
        self._span(int(events.event_ms.min()), int(events.event_ms.max()))
        self.stretch.add(source, events)
        if known is None:
            self.folds.add(events)
            return
        found = known.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends).template
        numbers, counts = np.unique(found[found >= 0], return_counts=True)
        self.known.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        self.folds.add(events, np.flatnonzero(found < 0))

    def merge(self, other: MessageSummary) -> None:
        """Add all that another summary holds."""
        self.lines += other.lines
        self.continued += other.continued
        self.dead_letters += other.dead_letters
        if other.from_ms is not None and other.to_ms is not None:
            self._span(other.from_ms, other.to_ms)
        self.known.update(other.known)
        self.broken.update(other.broken)
        self.folds.merge(other.folds)
        self.stretch.merge(other.stretch)

    def _span(self, first_ms: int, last_ms: int) -> None:
        self.from_ms = first_ms if self.from_ms is None else min(self.from_ms, first_ms)
        self.to_ms = last_ms if self.to_ms is None else max(self.to_ms, last_ms)

    def to_record(self) -> bytes:
        """The summary as one plain, versioned record."""
        return next(self.to_records(1 << 62))

    def to_records(self, most: int = _PART_LINES) -> Iterator[bytes]:
        """The summary in records of at most so many folds and lines each; merged, they are the summary."""
        head: dict[str, object] = {
            "lines": self.lines,
            "continued": self.continued,
            "dead_letters": self.dead_letters,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "known": sorted(self.known.items()),
            "broken": self.broken,
        }
        limits = {"folds": self._limits.folds, "stretch": self._limits.stretch, "visits": self._limits.visits}
        none: dict[str, object] = {
            "lines": 0, "continued": 0, "dead_letters": 0, "from_ms": None, "to_ms": None, "known": [], "broken": {}
        }  # fmt: skip
        folds, stretch = self.folds.to_records(most), self.stretch.to_records(most)
        while True:
            part = next(folds, b""), next(stretch, b"")
            if not any(part):
                return
            yield pack_columns(self.VERSION, head | {"limits": limits}, part)
            head = none

    @classmethod
    def from_record(cls, record: bytes) -> MessageSummary:
        """Undo :meth:`to_record`; raises :class:`~models.batches.BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        if len(columns) != 2:
            raise BatchError("a summary of messages is cut off")
        head: dict[str, Any] = found
        made = cls(LearnLimits(**head["limits"]))
        made.lines, made.continued, made.dead_letters = head["lines"], head["continued"], head["dead_letters"]
        made.from_ms, made.to_ms = head["from_ms"], head["to_ms"]
        made.known = Counter(dict(head["known"]))
        made.broken = head["broken"]
        folds, stretch = (bytes(column) for column in columns)
        if folds:
            made.folds = FoldSummary.from_record(folds)
        if stretch:
            made.stretch = StretchSummary.from_record(stretch)
        return made
