"""A command that is asked to stop: it comes to its end in order, and at the second asking at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """While entered, Ctrl-C and SIGTERM set the event, the first time; then they do again what they did before.

    An exception out of a signal's handler would tear calls into Flink apart, which then complain in traces.
    """
    asked = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        restore()

    for number in numbers:
        before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        restore()
