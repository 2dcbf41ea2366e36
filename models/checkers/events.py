"""What checkers see: lines that were parsed, and transactions that have closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from models.grok import Value

Fields: TypeAlias = Mapping[str, Value]


class EvidenceLine(TypedDict):
    """A line that shows something, as plain JSON: it may rest in a checker's state until it is told.

    Keys:
        origin: where it comes from, see :mod:`models.origins`.
        position: 1-based line number, or position in a topic, see :mod:`models.positions`.
        time_ms: time written in the line, epoch ms.
        text: the line with those that continue it, cut to a limit.
    """

    origin: str
    position: int
    time_ms: int
    text: str


class Event:
    """A line that fits a template. Its text and its fields are cut out when they are asked for.

    Attributes:
        model: id of the model that it was parsed with.
        template: id of its template.
        source: the file as given, or in a topic the name of the source.
        position: 1-based line number, or position in a topic, see :mod:`models.positions`.
        time_ms: time written in the line, epoch ms.
        order_ms: the time by which events are ordered, epoch ms: ``time_ms``, or the clock of its source if that is
            later.
    """

    __slots__ = (
        "_fields",
        "_text",
        "_whole",
        "model",
        "order_ms",
        "origin",
        "position",
        "source",
        "template",
        "time_ms",
    )

    def __init__(
        self,
        model: str,
        template: str,
        source: str,
        origin: str,
        position: int,
        time_ms: int,
        order_ms: int,
        fields: Fields | Callable[[], Fields],
        text: str | Callable[[], str],
        whole: str | Callable[[], str],
    ) -> None:
        self.model = model
        self.template = template
        self.source = source
        self.origin = origin
        self.position = position
        self.time_ms = time_ms
        self.order_ms = order_ms
        self._fields = fields
        self._text = text
        self._whole = whole

    @property
    def fields(self) -> Fields:
        """The fields that the checker asked for and the line has, in the types of the template."""
        if callable(self._fields):
            self._fields = self._fields()
        return self._fields

    @property
    def text(self) -> str:
        """The line, without those that continue it: how many of them are known may depend on when they arrived."""
        if callable(self._text):
            self._text = self._text()
        return self._text

    def line(self) -> EvidenceLine:
        """The line as evidence."""
        if callable(self._whole):
            self._whole = self._whole()
        return {"origin": self.origin, "position": self.position, "time_ms": self.time_ms, "text": self._whole}


@dataclass(frozen=True, slots=True)
class PassedLine:
    """A line of a transaction: the state that it passed ("" if the model has it no more), its time, epoch ms, and the
    line without those that continue it.
    """

    state: str
    time_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class ClosedTransaction:
    """A transaction that is over.

    Attributes:
        model, automaton: ids.
        id: its identifier, as in the log.
        source: where its first line comes from.
        begin_ms, end_ms: event time of its first and its last event, epoch ms.
        duration_ms: from the one to the other, never below 0.
        counts: state → how often it was passed, in order of the first pass; exact.
        path: the states in order of passing; of a long path the middle is left out.
        left_out: how many are left out.
        ended: a state was passed with which it may end, or there is none.
        lines: its lines; of many the first and the last.
        findings: types of the anomalies that were found in it.
    """

    model: str
    automaton: str
    id: str
    source: str
    begin_ms: int
    end_ms: int
    duration_ms: int
    counts: Mapping[str, int]
    path: tuple[str, ...]
    left_out: int
    ended: bool
    lines: tuple[PassedLine, ...]
    findings: tuple[str, ...]
