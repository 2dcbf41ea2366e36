"""Checkers that tests name by their dotted names."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from models.checkers import (
    KeyedChecker,
    LineChecker,
    SettingsError,
    TransactionChecker,
    Violation,
    ViolationChecker,
)

HERE = __name__


class Shown(LineChecker):
    """Tells of every line that it sees, and fails where it is told to.

    More words, which lists leave out.
    """

    settings_schema: ClassVar = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"fields": {"type": "array", "items": {"type": "string"}}, "fail_at": {"type": "string"}},
    }

    def __init__(self, settings):
        super().__init__(settings)
        self.fields = tuple(settings.get("fields", ("id",)))
        if "no such" in self.fields:
            raise SettingsError("fields[0]", "is none; name another")

    def check_line(self, event):
        if self.settings.get("fail_at", "never") in event.text:
            raise KeyError("as told")
        yield Violation(reason=f"{event.template} {event.fields!r} {event.text}", score=0.25, name="seen")


class Closed(TransactionChecker):
    """Tells of every transaction that closes."""

    settings_schema: ClassVar = {}

    def check_transaction(self, transaction):
        if transaction.id == self.settings.get("fail_at"):
            raise ValueError("as told")
        said = (
            transaction.path,
            dict(transaction.counts),
            transaction.duration_ms,
            transaction.ended,
            transaction.findings,
            [(line.state, line.text) for line in transaction.lines],
        )
        return [Violation(reason=f"{transaction.id} {said!r}", score=1)]


class Recorder(KeyedChecker):
    """Follows the words of lines, and tells of everything that it sees with all that it remembers.

    ``set NAME MS`` sets a deadline so many ms after the event, ``cancel NAME``; ``clear`` forgets; ``fail`` raises
    after a change; all else is remembered.
    """

    settings_schema: ClassVar = {"type": "object"}
    key = "id"
    fields = ("what",)

    def __init__(self, settings):
        super().__init__(settings)
        self.forget_ms = settings.get("forget_ms")

    def on_event(self, event, memory):
        state = memory.state
        word, *rest = str(event.fields["what"]).split()
        if word == "set":
            memory.call_at(event.order_ms + int(rest[1]), rest[0])
        elif word == "cancel":
            memory.cancel(rest[0])
        elif word == "clear":
            memory.state = None
        elif word == "fail":
            memory.state = ["never to be seen"]
            memory.call_at(event.order_ms, "never")
            raise RuntimeError("as told")
        else:
            memory.state = [*(state or []), word]
        said = f"{memory.key} event {event.order_ms} {event.fields['what']} after {state}"
        yield Violation(reason=said, score=0.5, name=word)

    def on_time(self, deadline, memory):
        memory.state = [*(memory.state or []), deadline.name]
        if deadline.name == "bad":
            memory.call_at(deadline.time_ms + 1)
        yield Violation(reason=f"{memory.key} time {deadline.time_ms} {deadline.name} with {memory.state}", score=0.5)


class NewRecorder(Recorder):
    """As a later version, which remembers something else."""

    state_version = 2

    def upgrade(self, version, state):
        if state == ["lost"]:
            raise ValueError("not to be read")
        return ["upgraded", version, *state]


class Wrong(LineChecker):
    """Gives what its setting says instead of violations."""

    settings_schema: ClassVar = {}
    fields = ("id",)

    def check_line(self, event):
        return {
            "text": ["no violation"],
            "number": 5,
            "score": lambda: [Violation(reason="x", score=1.5)],
            "reason": lambda: [Violation(reason=" ", score=0.5)],
            "evidence": [Violation(reason="x", score=0.5, evidence=[{"text": "no more"}])],  # type: ignore[typeddict-item]
            "none": None,
        }[self.settings["gives"]]


class Unready(LineChecker):
    """Lacks its method."""

    @abstractmethod
    def still_to_come(self):
        """It is not there."""


class Keyless(KeyedChecker):
    """Names no key."""

    def on_event(self, event, memory):
        return None


class Abstract(ViolationChecker):
    """Is of no kind."""


class BadTemplates(LineChecker):
    """Asks for a field that there is not."""

    def templates(self, model):
        return dict.fromkeys(model.templates, ("nowhere",))

    def check_line(self, event):
        return None


class RaisesAtStart(LineChecker):
    """Cannot be made."""

    def __init__(self, settings):
        super().__init__(settings)
        raise OSError("no such thing")

    def check_line(self, event):
        return None
