"""What is remembered of one transaction: how often it passed each state, and the lines that show it.

Its memory is bounded however many events it has: counts are exact, while of lines and of the path the first and the
last are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Final, TypeAlias

from models.automata.graph import Graph, Steps, note

Line: TypeAlias = tuple[int, int, bytes, int, int, str, bytes]
"""An event: order_ms, slot, transaction identifier, event_ms, position, source, text."""

ORDER: Final = 0
SLOT: Final = 1
IDENTIFIER: Final = 2
EVENT: Final = 3
POSITION: Final = 4
SOURCE: Final = 5
TEXT: Final = 6

_event_ms = itemgetter(EVENT)

PATH_SHOWN = 100
"""As many states of a transaction's path are shown at most."""

_PATH_KEPT = 2 * PATH_SHOWN
_FIRST = PATH_SHOWN // 2


class Keeping:
    """What is kept of each transaction of an automaton.

    Args:
        evidence: how many lines an anomaly shows at most.
        graph: the automaton's transitions, None if nothing is to be judged of them.
        linking: the slots whose lines name linked transactions.

    Attributes:
        graph, linking: as given.
        head, tail: how many of the first and of the last lines survive.
        most: with more lines than this the middle ones are dropped.
    """

    __slots__ = ("graph", "head", "linking", "most", "tail")

    def __init__(self, evidence: int, graph: Graph | None = None, linking: frozenset[int] = frozenset()) -> None:
        self.graph = graph
        self.linking = linking
        # The first line identifies the transaction and the last one dates it: both stay even if no evidence is wanted.
        self.head = max(1, (evidence + 1) // 2)
        self.tail = max(1, evidence // 2)
        self.most = 2 * (self.head + self.tail)


class Transaction:
    """The record of one transaction, open or waiting as a tombstone for a late end.

    There may be millions of them, and the processor waits for each part of one that an event touches: few parts, then.

    Attributes:
        keeping: what is kept of it.
        lines: its events; once there are more than twice the evidence, the middle ones are dropped, but for the first
            few that name linked transactions.
        path: the states in order of passing; of a long path the middle is dropped.
        skipped: how many were dropped from ``path``.
        passed: passes of the states dropped from ``path``, in order of the first one; None if there are none.
        deadline: the last order time at which an event still belongs to it.
        ended: an end state was passed.
        long_told: its being too long was told.
        end_missed: it was told that its end is missing; the record is a tombstone.
        noted: the transitions that stood out up to the line ``looked``, None before lines were dropped.
        looked: the place in ``lines`` of the last one of which ``noted`` knows.
    """

    __slots__ = (
        "deadline", "end_missed", "ended", "keeping", "lines", "long_told", "looked", "noted", "passed", "path",
        "skipped",
    )  # fmt: skip

    def __init__(self, deadline: int, keeping: Keeping) -> None:
        self.lines: list[Line] = []
        self.path: list[int] = []
        self.skipped = 0
        self.passed: dict[int, int] | None = None
        self.deadline = deadline
        self.ended = False
        self.long_told = False
        self.end_missed = False
        self.keeping = keeping
        self.noted: Steps | None = None
        self.looked = 0

    def record(self, line: Line, state: int) -> None:
        """Note one event, which passes ``state``."""
        lines = self.lines
        lines.append(line)
        self.path.append(state)
        if len(lines) > self.keeping.most:
            self._drop_middle()

    def _drop_middle(self) -> None:
        keeping = self.keeping
        if keeping.graph is not None:
            self.noted = self.stand_out()
        middle = self.lines[keeping.head : -keeping.tail] if keeping.linking else ()
        self.lines[keeping.head : -keeping.tail] = [line for line in middle if line[SLOT] in keeping.linking][
            : keeping.head
        ]
        # What is kept of the middle does not follow each other: looking goes on from the last line.
        self.looked = len(self.lines) - 1
        path = self.path
        excess = len(path) - PATH_SHOWN
        if excess > _PATH_KEPT - PATH_SHOWN:
            dropped = slice(_FIRST, _FIRST + excess)
            self.passed = _count(path[dropped], self.passed or {})
            del path[dropped]
            self.skipped += excess

    @property
    def counts(self) -> dict[int, int]:
        """Passes of each state (its place in the automaton), in order of the first pass."""
        if self.passed is None:
            return _count(self.path, {})
        found = _count(self.path[:_FIRST], {})
        for state, count in self.passed.items():
            found[state] = found.get(state, 0) + count
        return _count(self.path[_FIRST:], found)

    def restore(self, path: list[int], skipped: int, counts: Mapping[int, int]) -> None:
        """Take in what :attr:`path`, :attr:`skipped` and :attr:`counts` were."""
        self.path, self.skipped = path, skipped
        kept = _count(path, {})
        passed = {state: count - kept.get(state, 0) for state, count in counts.items() if count > kept.get(state, 0)}
        self.passed = passed or None

    def stand_out(self) -> Steps:
        """The transitions so far that no normal transaction has, or that took longer or less long than normal ones.

        What was noted under another model may be normal by now; it is judged again.
        """
        found: Steps = {}
        graph = self.keeping.graph
        if graph is None:
            return found
        for pair, (least_ms, most_ms) in (self.noted or {}).items():
            if graph.stands_out(pair, least_ms, most_ms):
                note(found, pair, least_ms, most_ms)
        lines = self.lines[self.looked :] if self.looked else self.lines
        if len(lines) > 1:
            # Of the path the middle may be gone; its last states are those of the last lines.
            path = self.path if len(self.path) == len(lines) else self.path[-len(lines) :]
            graph.look(path, list(map(_event_ms, lines)), found)
        return found

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
        return self.path[:_FIRST], self.events - 2 * _FIRST, self.path[-_FIRST:]

    def evidence(self, limit: int, offending: frozenset[int], state_of_slot: list[int]) -> list[Line]:
        """At most ``limit`` lines: up to half for the latest in ``offending`` states, the others from both ends.

        The first one that names a linked transaction is among them, unless hardly any are wanted.
        """
        lines = self.lines
        if len(lines) <= limit:
            return lines
        chosen = [at for at, line in enumerate(lines) if state_of_slot[line[SLOT]] in offending]
        picked = set(chosen[len(chosen) - limit // 2 :] if len(chosen) > limit // 2 else chosen)
        linking = self.keeping.linking
        if linking and limit > 3:
            picked.update([at for at, line in enumerate(lines) if line[SLOT] in linking][:1])
        for step in range(len(lines)):
            if len(picked) >= limit:
                break
            picked.add(step // 2 if step % 2 == 0 else len(lines) - 1 - step // 2)
        return [lines[at] for at in sorted(picked)]


def _count(states: Iterable[int], counts: dict[int, int]) -> dict[int, int]:
    """``counts``, with these passes added."""
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts
