"""The last slots of each series of a fleet, as they are shown beside an incident: value, expectation and bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.batches import BatchError
from models.series.detectors.columns import Floats, Ints

SLOTS = 120
"""So many are kept of each series: 1.9 kB."""

_NUMBERS = 4

Recent = tuple[int, float, float, float, float]
"""Begin (epoch ms), value, what was expected, lower and upper bound; NaN for nothing."""


class RecentSlots:
    """Rings of slots that follow each other, one a row.

    Args:
        slot_ms: length of a slot.

    Attributes:
        seen: how many slots each row was given.
        valued: and how many of them were not passed over.
        last_ms: begin of the last of them, epoch ms.
    """

    def __init__(self, slot_ms: int) -> None:
        self._slot_ms = slot_ms
        self._rings: npt.NDArray[np.float32] = np.zeros((0, SLOTS, _NUMBERS), np.float32)
        self.seen: Ints = np.zeros(0, np.int64)
        self.valued: Ints = np.zeros(0, np.int64)
        self.last_ms: Ints = np.zeros(0, np.int64)

    def grow(self, rows: int) -> None:
        """Add so many new series at the end."""
        self._rings = np.concatenate([self._rings, np.zeros((rows, SLOTS, _NUMBERS), np.float32)])
        self.seen = np.concatenate([self.seen, np.zeros(rows, np.int64)])
        self.valued = np.concatenate([self.valued, np.zeros(rows, np.int64)])
        self.last_ms = np.concatenate([self.last_ms, np.zeros(rows, np.int64)])

    def forget(self, row: int) -> None:
        """Make a row ready for another series."""
        self.seen[row] = self.valued[row] = self.last_ms[row] = 0

    def add(self, rows: Ints, begin_ms: int, numbers: tuple[Floats, Floats, Floats, Floats]) -> None:
        """Take in a slot of some rows; each begins where the last one of its row ended.

        Args:
            rows: which, each once.
            begin_ms: where the slot begins, epoch ms.
            numbers: values, expectations, lower and upper bounds, one a row.
        """
        with np.errstate(over="ignore"):
            self._rings[rows, self.seen[rows] % SLOTS] = np.column_stack(numbers).astype(np.float32)
        self.seen[rows] += 1
        self.valued[rows] += 1
        self.last_ms[rows] = begin_ms

    def skip(self, rows: Ints, begin_ms: int) -> None:
        """Pass over a slot of some rows."""
        self._rings[rows, self.seen[rows] % SLOTS] = np.nan
        self.seen[rows] += 1
        self.last_ms[rows] = begin_ms

    def of(self, row: int) -> list[Recent]:
        """The last slots of a row, oldest first."""
        ring = self._in_order(row)
        first = int(self.last_ms[row]) - (len(ring) - 1) * self._slot_ms
        return [(first + at * self._slot_ms, *map(float, numbers)) for at, numbers in enumerate(ring)]  # type: ignore[misc]

    def to_bytes(self, row: int) -> bytes:
        """The last slots of a row, to be kept with its counts."""
        return self._in_order(row).tobytes()

    def from_bytes(self, row: int, counts: tuple[int, int, int], kept: bytes | memoryview) -> None:
        """Undo :meth:`to_bytes`; ``counts`` are ``seen``, ``valued`` and ``last_ms``.

        Raises:
            BatchError: there are not as many numbers as there have to be.
        """
        seen = counts[0]
        numbers = np.frombuffer(kept, np.float32)
        held = min(seen, SLOTS)
        if len(numbers) != held * _NUMBERS:
            raise BatchError("the last slots of a series are damaged")
        self._rings[row, np.arange(seen - held, seen) % SLOTS] = numbers.reshape(held, _NUMBERS)
        self.seen[row], self.valued[row], self.last_ms[row] = counts

    def _in_order(self, row: int) -> npt.NDArray[np.float32]:
        seen = int(self.seen[row])
        found: npt.NDArray[np.float32] = self._rings[row, np.arange(max(0, seen - SLOTS), seen) % SLOTS]
        return found
