"""What is remembered of one transaction: how often it passed each state, and the lines that show it.

Its memory is bounded however many events it has: counts are exact, while of lines and of the path the first and the
last are kept.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Line: TypeAlias = tuple[int, int, bytes, int, int, str, bytes]
"""An event: order_ms, slot, transaction identifier, event_ms, position, source, text."""

ORDER: Final = 0
SLOT: Final = 1
IDENTIFIER: Final = 2
EVENT: Final = 3
POSITION: Final = 4
SOURCE: Final = 5
TEXT: Final = 6

PATH_SHOWN = 100
"""As many states of a transaction's path are shown at most."""

_PATH_KEPT = 2 * PATH_SHOWN


class Transaction:
    """The record of one transaction, open or waiting as a tombstone for a late end.

    Attributes:
        counts: passes of each state (its place in the automaton), in order of the first pass.
        lines: its events; once there are more than twice ``evidence``, the middle ones are dropped, but for the first
            few in ``linking`` slots.
        path: the states in order of passing; of a long path the middle is dropped.
        skipped: how many were dropped from ``path``.
        head: how many of the first lines survive.
        linking: the slots whose lines name linked transactions.
        deadline: the last order time at which an event still belongs to it.
        ended: an end state was passed.
        long_told: its being too long was told.
        end_missed: it was told that its end is missing; the record is a tombstone.
    """

    __slots__ = (
        "counts",
        "deadline",
        "end_missed",
        "ended",
        "head",
        "lines",
        "linking",
        "long_told",
        "path",
        "skipped",
        "tail",
    )

    def __init__(self, deadline: int, evidence: int, linking: frozenset[int] = frozenset()) -> None:
        self.counts: dict[int, int] = {}
        self.lines: list[Line] = []
        self.path: list[int] = []
        self.skipped = 0
        self.deadline = deadline
        self.ended = False
        self.long_told = False
        self.end_missed = False
        # The first line identifies the transaction and the last one dates it: both stay even if no evidence is wanted.
        self.head = max(1, (evidence + 1) // 2)
        self.tail = max(1, evidence // 2)
        self.linking = linking

    def record(self, line: Line, state: int) -> None:
        """Note one event, which passes ``state``."""
        counts = self.counts
        counts[state] = counts.get(state, 0) + 1
        lines = self.lines
        lines.append(line)
        self.path.append(state)
        if len(lines) > 2 * (self.head + self.tail):
            self._drop_middle()

    def _drop_middle(self) -> None:
        middle = self.lines[self.head : -self.tail] if self.linking else ()
        self.lines[self.head : -self.tail] = [line for line in middle if line[SLOT] in self.linking][: self.head]
        path = self.path
        excess = len(path) - PATH_SHOWN
        if excess > _PATH_KEPT - PATH_SHOWN:
            half = PATH_SHOWN // 2
            del path[half : half + excess]
            self.skipped += excess

    @property
    def events(self) -> int:
        """How many events it has had."""
        return len(self.path) + self.skipped

    @property
    def duration_ms(self) -> int:
        """Event time from the first event to the last, never below 0 (a clock that jumps back shows nothing)."""
        return max(0, self.lines[-1][EVENT] - self.lines[0][EVENT])

    def shown_path(self) -> tuple[list[int], int, list[int]]:
        """The path as it is shown: first states, how many are left out, last states."""
        if self.events <= PATH_SHOWN:
            return self.path, 0, []
        half = PATH_SHOWN // 2
        return self.path[:half], self.events - 2 * half, self.path[-half:]

    def evidence(self, limit: int, offending: frozenset[int], state_of_slot: list[int]) -> list[Line]:
        """At most ``limit`` lines: up to half for the latest in ``offending`` states, the others from both ends.

        The first one that names a linked transaction is among them, unless hardly any are wanted.
        """
        lines = self.lines
        if len(lines) <= limit:
            return lines
        chosen = [at for at, line in enumerate(lines) if state_of_slot[line[SLOT]] in offending]
        picked = set(chosen[len(chosen) - limit // 2 :] if len(chosen) > limit // 2 else chosen)
        if self.linking and limit > 3:
            picked.update([at for at, line in enumerate(lines) if line[SLOT] in self.linking][:1])
        for step in range(len(lines)):
            if len(picked) >= limit:
                break
            picked.add(step // 2 if step % 2 == 0 else len(lines) - 1 - step // 2)
        return [lines[at] for at in sorted(picked)]
