"""Which lines begin an event where the timestamps do not tell: the model's ``multiline`` section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import UserError
from models.linear import LinearError, LinearRegex

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class MultilineError(UserError):
    """The section is not valid; ``path`` is the key that is wrong, below ``multiline``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"multiline{path} {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class MultilineSettings:
    """How lines are joined to events. Both expressions are matched at the beginning of a line, not to its end.

    Attributes:
        start: lines that match begin an event, all others continue one, with a timestamp or without; None: not used.
        continues: lines that match continue an event, and so do blank ones; all others begin one; None: not used.
        max_lines: this many lines of an event are kept as evidence.
        max_bytes: this many bytes of an event are kept as evidence; the job's own limit holds as well.

    Raises:
        MultilineError: something in it is not valid.
    """

    start: str | None = None
    continues: str | None = None
    max_lines: int = 500
    max_bytes: int = 1 << 16

    def __post_init__(self) -> None:
        if (self.start is None) == (self.continues is None):
            raise MultilineError(
                "", 'needs "start" or "continues", and not both: which lines begin or continue an event'
            )
        name = "start" if self.start is not None else "continues"
        try:
            self.expression()
        except LinearError as error:
            raise MultilineError(f".{name}", f"is no usable regular expression: {error}; mend it") from None

    def expression(self) -> LinearRegex:
        """The expression."""
        return LinearRegex(self.start if self.start is not None else self.continues or "")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> MultilineSettings:
        """Read the ``multiline`` section of a model document, which the schema has accepted."""
        return cls(**document)

    def to_document(self) -> dict[str, Any]:
        """The section; undoes :meth:`from_document`. What is as usual is left out."""
        usual = MultilineSettings(start="")
        document: dict[str, Any] = {
            name: getattr(self, name) for name in ("start", "continues") if getattr(self, name) is not None
        }
        return document | {
            name: getattr(self, name)
            for name in ("max_lines", "max_bytes")
            if getattr(self, name) != getattr(usual, name)
        }

    def describe(self) -> str:
        """One line for humans."""
        if self.start is not None:
            return f"an event begins with a line like {self.start}"
        return f"lines like {self.continues} continue the event before"


class LineJoiner:
    """Decides which lines begin an event.

    Args:
        settings: how.
    """

    def __init__(self, settings: MultilineSettings) -> None:
        self._match = settings.expression().match
        self._begins = settings.start is not None

    def begins(self, raw: bytes, starts: Int64, ends: Int64) -> BoolArray:
        """bool[n]: the lines ``raw[starts[i]:ends[i]]`` that begin an event."""
        match = self._match
        found = np.fromiter(
            (match(raw[a:b]) is not None for a, b in zip(starts.tolist(), ends.tolist(), strict=True)),
            np.bool_,
            len(starts),
        )
        if self._begins:
            return found
        blank = np.fromiter(
            (not raw[a:b].strip() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)), np.bool_, len(starts)
        )
        begins: BoolArray = ~found & ~blank
        return begins
