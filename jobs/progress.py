"""Progress of long work, on standard error: one line that moves on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_FIRST_S, _TERMINAL_S, _ELSEWHERE_S = 1.0, 0.2, 10.0


class Progress:
    """Shows progress once work has taken a second.

    Args:
        quiet: show nothing.
        stream: where to; standard error unless given.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._moving = self._stream.isatty()
        self._next = time.monotonic() + _FIRST_S
        self._shown = 0

    def stage(self, name: str, done: int, total: int) -> None:
        """Work on a stage: ``done`` of ``total`` bytes; of a stage with none, only its name is shown."""
        if not self._due():
            return
        if not total:
            self._show(name)
            return
        share = f"{done / total:4.0%}"
        self._show(f"{name} {share} ({done / 1e6:,.0f} of {total / 1e6:,.0f} MB)")

    def text(self, text: str) -> None:
        """Say how far the work is, in words."""
        if self._due():
            self._show(text)

    def close(self) -> None:
        """Wipe what moves."""
        if self._shown and self._moving:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
        self._shown = 0

    def _due(self) -> bool:
        now = time.monotonic()
        if self._quiet or now < self._next:
            return False
        self._next = now + (_TERMINAL_S if self._moving else _ELSEWHERE_S)
        return True

    def _show(self, text: str) -> None:
        if self._moving:
            self._stream.write("\r" + text.ljust(self._shown))
        else:
            self._stream.write(text + "\n")
        self._stream.flush()
        self._shown = len(text)
