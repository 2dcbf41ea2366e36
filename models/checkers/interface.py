"""``ViolationChecker``: what a plug-in implements, in one kind or several of them.

- :class:`LineChecker` remembers nothing and sees lines, each by itself.
- :class:`TransactionChecker` remembers nothing and sees transactions as they close.
- :class:`KeyedChecker` remembers something for each value of a field, and sees the lines with that value in order of
  their time, and deadlines that it has set.

A checker has to be a pure function of what it is given: no clock, no chance, nothing kept in attributes between calls.
Then what it finds is the same whatever the parallelism, the batches and the restarts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from models.checkers.events import ClosedTransaction, Event, EvidenceLine
from models.checkers.facts import ModelFacts


class SettingsError(ValueError):
    """A setting of a checker is wrong.

    Args:
        field: the setting as a path, such as ``limit`` or ``groups[0].name``; "" for all of them.
        message: what is wrong, and how to mend it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Violation:
    """What a checker has found.

    Attributes:
        reason: one sentence that says the whole.
        score: how severe it is, 0 to 1.
        name: which of the checker's rules was broken, for those that have several; part of the anomaly's id.
        actual: what was seen, in words.
        typical: what is normal, in words.
        evidence: lines that show it, from :meth:`~models.checkers.events.Event.line`; empty: the line at hand, or the
            key's last one. Of a transaction, its lines are shown whatever stands here.

    Raises:
        ValueError: there is no reason, or the score is not within 0 to 1.
    """

    reason: str
    score: float
    name: str = ""
    actual: str = ""
    typical: str = ""
    evidence: Sequence[EvidenceLine] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise ValueError("a violation has no reason; say in a sentence what is wrong")
        if not 0 <= self.score <= 1:
            raise ValueError(f"a violation has the score {self.score}; it has to be within 0 to 1")


class ViolationChecker(ABC):  # noqa: B024  (its kinds say what is to be written)
    """Base of all kinds.

    Args:
        settings: what the configuration says for this checker, JSON data that agree with ``settings_schema``.

    Raises:
        SettingsError: a setting is wrong in a way that the schema cannot tell.

    Attributes:
        settings_schema: JSON Schema of the settings; an empty one allows everything.
        settings: as given.
    """

    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings


class _LineViewer(ViolationChecker):
    """What kinds that see lines have in common.

    Attributes:
        fields: names of the fields that it needs.
    """

    fields: Sequence[str] = ()

    def templates(self, model: ModelFacts) -> Mapping[str, Sequence[str]]:
        """Which lines it wants to see: id of the template → the fields to be cut out.

        Lines of other templates cost nothing. Asked once for each model that comes into force. Unless overridden: all
        templates that have all of ``fields``.
        """
        return model.with_fields(*self.fields)


class LineChecker(_LineViewer):
    """Sees lines, each by itself, where they are parsed."""

    @abstractmethod
    def check_line(self, event: Event) -> Iterable[Violation] | None:
        """What is wrong with a line."""


class TransactionChecker(ViolationChecker):
    """Sees transactions as they close."""

    def automata(self, model: ModelFacts) -> Iterable[str]:
        """Ids of the automata whose transactions it wants to see; unless overridden all."""
        return model.automata

    @abstractmethod
    def check_transaction(self, transaction: ClosedTransaction) -> Iterable[Violation] | None:
        """What is wrong with a transaction. A late event after it has closed is not told."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline that has passed: its name, and its time, epoch ms, as it was set."""

    name: str
    time_ms: int


class Memory:
    """What is remembered of one key while a checker looks at it; nothing of it changes if the checker raises.

    Attributes:
        key: the value of the key's field, as in the log.
        state: JSON data, None at first; what it is after the call is kept. With None and without deadlines the key is
            forgotten.
    """

    __slots__ = ("_deadlines", "_may_set", "key", "state")

    def __init__(self, key: str, state: Any, deadlines: Mapping[str, int], may_set: bool) -> None:
        self.key = key
        self.state = state
        self._deadlines = dict(deadlines)
        self._may_set = may_set

    @property
    def deadlines(self) -> Mapping[str, int]:
        """The deadlines that are set: name → epoch ms."""
        return self._deadlines

    def call_at(self, time_ms: int, name: str = "deadline") -> None:
        """Set a deadline, in place of one of the same name: ``on_time`` is called once the clock has passed it.

        Events of that very millisecond still come before. At the end of the input all deadlines pass.

        Args:
            time_ms: on the clock of ``order_ms``, epoch ms.
            name: tells several apart; not empty.

        Raises:
            ValueError: the name is empty, or a deadline is set by ``on_time``: how many would have passed at the end
                of the input then depended on when time was looked at.
        """
        if not name:
            raise ValueError("a deadline has an empty name")
        if not self._may_set:
            raise ValueError("on_time may cancel deadlines and not set them; set them in on_event, under several names")
        self._deadlines[name] = int(time_ms)

    def cancel(self, name: str = "deadline") -> None:
        """Take a deadline back, if it is set."""
        self._deadlines.pop(name, None)


class KeyedChecker(_LineViewer):
    """Sees the lines of each value of a field in order of time, from whatever sources, and remembers.

    Attributes:
        key: name of the field; lines without it are not seen.
        state_version: version of the layout of the state that this code writes; :meth:`upgrade` reads older ones.
        forget_ms: a key without an event for longer is forgotten; None: never.
    """

    key: str = ""
    state_version: int = 1
    forget_ms: int | None = None

    def templates(self, model: ModelFacts) -> Mapping[str, Sequence[str]]:
        """See :meth:`_LineViewer.templates`; the key's field counts among ``fields``."""
        return model.with_fields(*dict.fromkeys((self.key, *self.fields)))

    @abstractmethod
    def on_event(self, event: Event, memory: Memory) -> Iterable[Violation] | None:
        """A line of the key; events come in order of (order_ms, source, position)."""

    def on_time(self, deadline: Deadline, memory: Memory) -> Iterable[Violation] | None:
        """A deadline has passed."""

    def upgrade(self, version: int, state: Any) -> Any:  # noqa: ARG002  (for those that override it)
        """The state of a key that was written in an older version, in that of now.

        Raises:
            ValueError: it cannot be read any more; the key begins anew.
        """
        raise ValueError(f"state of version {version} cannot be read by version {self.state_version}")
