"""Events that wait until the watermark has passed them, and come out in one order whatever the order they came in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from models.automata.transaction import Line
from models.batches import Int32, Int64

Mask: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.intp]

LAST = 2**63 - 1
"""The largest order time and watermark."""

END_POSITION = 2**62
"""The position of the marker that a source has ended: after all its lines of that time."""


@dataclass(slots=True)
class Chunk:
    """Events of one source, sorted by (order_ms, position); ``start`` is the first one still waiting."""

    source: str
    order: Int64
    event: Int64
    position: Int64
    slot: Int32
    transaction: list[bytes]
    text: list[bytes]
    start: int = 0

    def __len__(self) -> int:
        return len(self.order) - self.start

    @property
    def is_end(self) -> bool:
        """Whether it is a marker, see :func:`end_marker`, and no events."""
        return int(self.position[-1]) == END_POSITION

    def where(self, mask: Mask) -> Chunk:
        """The events that ``mask`` (bool[n]) marks, of a chunk of which none was taken yet."""
        return self.at(np.flatnonzero(mask))

    def at(self, places: Places) -> Chunk:
        """The events at ``places`` (intp[k]), in that order."""
        chosen = places.tolist()
        return Chunk(
            self.source,
            self.order[places],
            self.event[places],
            self.position[places],
            self.slot[places],
            [self.transaction[i] for i in chosen],
            [self.text[i] for i in chosen],
        )

    def lines(self, begin: int, end: int) -> Iterator[Line]:
        """The events from place ``begin`` to before ``end``."""
        order, event = self.order[begin:end], self.event[begin:end]
        orders = order.tolist()
        # Mostly they are the same numbers; then let them be the same objects, since many of them are kept for long.
        events = orders if np.array_equal(order, event) else event.tolist()
        return zip(
            orders,
            self.slot[begin:end].tolist(),
            self.transaction[begin:end],
            events,
            self.position[begin:end].tolist(),
            repeat(self.source),
            self.text[begin:end],
            strict=False,
        )


def end_marker(source: str, order_ms: int, slot: int) -> Chunk:
    """The marker that a source has ended at ``order_ms``; it waits and comes out like an event, of the given slot."""
    order = np.array([order_ms], dtype=np.int64)
    position = np.array([END_POSITION], dtype=np.int64)
    return Chunk(source, order, order, position, np.array([slot], dtype=np.int32), [b""], [b""])


class Pending:
    """The waiting events of one shard.

    Attributes:
        count: how many events wait.
        earliest: the smallest order time among them, None if none waits.
        chunks: the events, as they came in.
    """

    def __init__(self) -> None:
        self.count = 0
        self.earliest: int | None = None
        self.chunks: list[Chunk] = []

    def add(self, chunk: Chunk) -> None:
        """Let events wait. Takes the chunk over and sorts it if it is not sorted."""
        if not len(chunk):
            return
        order, position = chunk.order, chunk.position
        step = np.diff(order)
        if (step < 0).any() or (np.diff(position)[step == 0] < 0).any():
            chunk = chunk.at(np.lexsort((position, order)))
        self.chunks.append(chunk)
        self.count += len(chunk)
        first = int(chunk.order[0])
        if self.earliest is None or first < self.earliest:
            self.earliest = first

    def take(self, watermark: int) -> Iterable[Line]:
        """All events before ``watermark`` (all at its last value), sorted by (order_ms, source, position)."""
        if self.earliest is None or (watermark <= self.earliest and watermark < LAST):
            return ()
        side: Literal["left", "right"] = "left" if watermark < LAST else "right"
        parts: list[tuple[Chunk, int, int]] = []
        kept: list[Chunk] = []
        for chunk in self.chunks:
            begin = chunk.start
            end = begin + int(np.searchsorted(chunk.order[begin:], watermark, side))
            if end > begin:
                parts.append((chunk, begin, end))
                chunk.start = end
                self.count -= end - begin
            if end < len(chunk.order):
                kept.append(chunk)
        self.chunks = kept
        self.earliest = min((int(chunk.order[chunk.start]) for chunk in kept), default=None)
        return parts[0][0].lines(*parts[0][1:]) if len(parts) == 1 else _merge(parts)


def _merge(parts: list[tuple[Chunk, int, int]]) -> Iterable[Line]:
    order = np.concatenate([chunk.order[begin:end] for chunk, begin, end in parts])
    position = np.concatenate([chunk.position[begin:end] for chunk, begin, end in parts])
    names = sorted({chunk.source for chunk, _, _ in parts})
    rank = {name: at for at, name in enumerate(names)}
    source = np.repeat([rank[chunk.source] for chunk, _, _ in parts], [end - begin for _, begin, end in parts])
    lines = [line for chunk, begin, end in parts for line in chunk.lines(begin, end)]
    at = np.lexsort((position, source, order))
    return map(lines.__getitem__, at.tolist())
