"""What is counted in one slot of one series, so that parts of it add up to the same in whatever order."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

from models.slots.exact import ExactSum

MOST_UNKNOWN = 20
"""Of the values of a field that nobody named, so many are told one by one: those with the smallest checksums. Unlike
the choice of the most frequent ones, this comes out the same however the lines were cut into batches."""

MOST_VALUE_BYTES = 128
"""Longer values are cut off."""


@dataclass(slots=True)
class Numbers:
    """Sums over the numbers of a field: exact, with the squares each rounded before; the smallest and the largest."""

    total: ExactSum
    squares: ExactSum
    low: float
    high: float

    def plus(self, other: Numbers) -> Numbers:
        """Both together."""
        return Numbers(
            self.total.plus(other.total),
            self.squares.plus(other.squares),
            min(self.low, other.low),
            max(self.high, other.high),
        )


@dataclass(slots=True)
class Cell:
    """One slot of one series.

    Attributes:
        lines: how many lines; of a field, those that have a value there, of a metric those with a finite number.
        values: of a category, value → lines; the lines that are in none of them have other values.
        numbers: of a metric; None while there are no lines.
    """

    lines: int = 0
    values: dict[str, int] = field(default_factory=dict)
    numbers: Numbers | None = None

    def add(self, other: Cell, known: Collection[str] = ()) -> None:
        """Add another part of the same slot.

        Args:
            other: the other part.
            known: the values that are told one by one whatever else occurs.
        """
        self.lines += other.lines
        for value, lines in other.values.items():
            self.values[value] = self.values.get(value, 0) + lines
        if len(self.values) > MOST_UNKNOWN:
            self.values = bounded(self.values, known)
        if other.numbers is not None:
            self.numbers = other.numbers if self.numbers is None else self.numbers.plus(other.numbers)


def bounded(values: dict[str, int], known: Collection[str]) -> dict[str, int]:
    """The known values, and of the others the few that are told one by one."""
    unknown = [value for value in values if value not in known]
    if len(unknown) <= MOST_UNKNOWN:
        return values
    unknown.sort(key=lambda value: (zlib.crc32(value.encode("utf-8", "surrogatepass")), value))
    gone = set(unknown[MOST_UNKNOWN:])
    return {value: lines for value, lines in values.items() if value not in gone}
