"""Calls checkers so that what they do wrong harms nobody but themselves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import PurePath
from types import TracebackType
from typing import Any

from models.anomalies import Document
from models.checkers.interface import Violation
from models.checkers.spec import CheckerSpec

_LOG = logging.getLogger(__name__)
_LONGEST_ERROR = 500
_DEEPEST = 100


class Guard:
    """Counts what a checker finds, how often it fails, and how long it takes; switches it off when it fails for good.

    The time taken decides nothing.

    Args:
        spec: the checker.

    Attributes:
        is_off: it has failed too often in a row and is not called any more.
        violations, failures, busy_ns: counted so far; for the caller to take away.
    """

    def __init__(self, spec: CheckerSpec) -> None:
        self.spec = spec
        self.is_off = False
        self.violations = self.failures = self.busy_ns = 0
        self._in_a_row = 0

    def call(
        self,
        look: Callable[[], Iterable[Violation] | None],
        tell: Callable[[Violation, int], Document],
        *,
        silent: bool = False,
    ) -> tuple[list[Document], str]:
        """Let a checker look at something.

        Args:
            look: what it does.
            tell: the document of a violation, and which it is of those with its name, from 0.
            silent: it was called with the same before: nothing is counted or told anew.

        Returns:
            The documents, and why it failed, or "". One that is switched off finds nothing.
        """
        if self.is_off:
            return [], ""
        begin = time.perf_counter_ns()
        try:
            found = self._documents(look(), tell)
        except Exception as error:  # noqa: BLE001  (whatever a plug-in does, the job goes on)
            return [], "failed as before" if silent else self._failed(error)
        finally:
            self.busy_ns += time.perf_counter_ns() - begin
        if not silent:
            self._in_a_row = 0
            self.violations += len(found)
        return found, ""

    def fail(self, error: Exception) -> str:
        """Count a failure that happened elsewhere; why it failed."""
        return self._failed(error)

    def _documents(
        self, found: Iterable[Violation] | None, tell: Callable[[Violation, int], Document]
    ) -> list[Document]:
        if found is None:
            return []
        names: dict[str, int] = {}
        documents = []
        for violation in found:
            if not isinstance(violation, Violation):
                raise TypeError(f"it gave {type(violation).__name__} where a Violation is wanted")
            number = names[violation.name] = names.get(violation.name, -1) + 1
            documents.append(tell(violation, number))
        return documents

    def _failed(self, error: Exception) -> str:
        self.failures += 1
        self._in_a_row += 1
        reason = f"checker {self.spec.id} failed{_where(error.__traceback__)}: {type(error).__name__}: {error}"
        reason = reason if len(reason) <= _LONGEST_ERROR else reason[: _LONGEST_ERROR - 1] + "…"
        if self._in_a_row >= self.spec.max_failures:
            self.is_off = True
            times = "at once" if self._in_a_row == 1 else f"{self._in_a_row} times in a row"
            reason += f"; as it has failed {times}, it is switched off here until the next start"
            _LOG.warning("%s", reason)
        return reason


def _where(traceback: TracebackType | None) -> str:
    """The last line of code that a failure passed through, without folders."""
    steps: Any = traceback
    for _ in range(_DEEPEST):
        if steps is None or steps.tb_next is None:
            break
        steps = steps.tb_next
    if steps is None:
        return ""
    return f" ({PurePath(steps.tb_frame.f_code.co_filename).name}, line {steps.tb_lineno})"
