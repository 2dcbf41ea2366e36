"""Sums of floating-point numbers that come out the same in whatever order they are added.

A sum is kept exactly, as ``mantissa * 2**exponent`` with a whole mantissa of any size, and rounded once when it is
read. Rounding after each addition would make the result depend on how lines were cut into batches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_MANTISSA_BITS = 53
_HALF_BITS = 27
_HALF = (1 << _HALF_BITS) - 1


class ExactSum(NamedTuple):
    """``mantissa * 2**exponent``; the mantissa is odd, or both are 0, so that equal sums are equal records."""

    mantissa: int = 0
    exponent: int = 0

    @classmethod
    def of(cls, mantissa: int, exponent: int) -> ExactSum:
        """The sum in its one form."""
        if not mantissa:
            return cls()
        zeros = (mantissa & -mantissa).bit_length() - 1
        return cls(mantissa >> zeros, exponent + zeros)

    def plus(self, other: ExactSum) -> ExactSum:
        """Both together."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        low = min(self.exponent, other.exponent)
        total = (self.mantissa << (self.exponent - low)) + (other.mantissa << (other.exponent - low))
        return ExactSum.of(total, low)

    def value(self) -> float:
        """The sum, rounded to the nearest float; infinite beyond the largest."""
        try:
            if self.exponent >= 0:
                return float(self.mantissa << self.exponent)
            return self.mantissa / (1 << -self.exponent)
        except OverflowError:
            return float("inf") if self.mantissa > 0 else float("-inf")


def exact_sums(values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], count: int) -> list[ExactSum]:
    """The exact sum of each group of values.

    Args:
        values: float64[n], all finite; n below 2**26.
        groups: int64[n], the group of each, 0 to ``count`` - 1.
        count: how many groups there are.
    """
    fractions, exponents = np.frexp(values)
    whole = np.ldexp(fractions, _MANTISSA_BITS).astype(np.int64)
    low_exponent = int(exponents.min(initial=0))
    width = int(exponents.max(initial=0)) - low_exponent + 1
    place = groups * width + (exponents - low_exponent)
    cells = np.arange(count * width)
    if len(cells) > 4 * len(values) + 1024:
        cells, place = np.unique(place, return_inverse=True)
    # Halves of 27 bits: floating-point numbers hold the sums of so many of them exactly.
    high = np.bincount(place, whole >> _HALF_BITS, len(cells)).astype(np.int64)
    low = np.bincount(place, whole & _HALF, len(cells)).astype(np.int64)
    some = np.flatnonzero(high | low)
    cells, high, low = cells[some], high[some], low[some]
    sums = [ExactSum()] * count
    for cell, part_high, part_low in zip(cells.tolist(), high.tolist(), low.tolist(), strict=True):
        group, step = divmod(cell, width)
        part = ExactSum.of((part_high << _HALF_BITS) + part_low, low_exponent + step - _MANTISSA_BITS)
        sums[group] = sums[group].plus(part)
    return sums
