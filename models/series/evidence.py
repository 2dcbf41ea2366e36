"""Evidence that a row is anomalous: what the channels say, added, and held for a few rows.

A channel counts by how far its rarity lies above a bar; averages of channels do not work, since most anomalies are seen
by one or two of them. Channels seldom speak in the very same row (a mean lags behind a value), so each one's evidence
is held for some rows, and adds to what the others say then. A row in which no channel speaks has no evidence. A channel
that gives several rarities counts by the mean of what they have above the bar.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from models.series.settings import Settings


class Evidence:
    """Adds up evidence row by row.

    Args:
        settings: weights, bar and rows held.
        held: what :meth:`held` said before.
    """

    __slots__ = ("_bar", "_held", "_held_rows", "_weights")

    def __init__(self, settings: Settings, held: Sequence[tuple[int, Sequence[float]]] = ()) -> None:
        self._weights, self._bar, self._held_rows = settings.shares(), settings.bar, settings.held_rows
        self._held: deque[tuple[int, list[float]]] = deque((row, list(evidence)) for row, evidence in held)

    def add(self, row: int, rarities: Sequence[float]) -> float:
        """The evidence of a row.

        Args:
            row: its number; they rise.
            rarities: of each channel, as :meth:`models.series.channels.Channels.judge` gives them.
        """
        bar = self._bar
        if max(rarities) <= bar:
            return 0.0
        fresh = [
            weight * (rarity - bar) if rarity > bar else 0.0
            for weight, rarity in zip(self._weights, rarities, strict=True)
        ]
        held = self._held
        while held and row - held[0][0] > self._held_rows:
            held.popleft()
        total = sum(map(max, fresh, *(evidence for _, evidence in held))) if held else sum(fresh)
        held.append((row, fresh))
        return total

    def held(self) -> list[tuple[int, list[float]]]:
        """The rows whose evidence may still count, and what each channel gave in them."""
        return list(self._held)
