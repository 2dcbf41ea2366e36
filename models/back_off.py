"""When to try again: pauses that double, with jitter, so that many senders do not come back at the same moment."""

from __future__ import annotations

from collections.abc import Callable

FIRST_S = 0.2
LONGEST_S = 10.0


class BackOff:
    """The pauses of one sender.

    Args:
        clock: seconds that only grow, as ``time.monotonic``.
        chance: a random number from 0 to 1, as ``random.random``.
    """

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._pause = FIRST_S
        self._until = 0.0
        self.failing = False
        """Whether the last attempt failed."""

    def failed(self) -> None:
        """An attempt has failed: pause from half to the whole of the time that is next."""
        self._until = self._clock() + self._pause * (0.5 + 0.5 * self._chance())
        self._pause = min(2 * self._pause, LONGEST_S)
        self.failing = True

    def succeeded(self) -> None:
        """An attempt has succeeded: no more pauses."""
        self._pause, self._until, self.failing = FIRST_S, 0.0, False

    def remaining(self) -> float:
        """Seconds until the next attempt; 0 for now."""
        return max(0.0, self._until - self._clock()) if self.failing else 0.0
