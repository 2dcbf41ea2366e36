"""A checker that remembers something for each user, by the log's own time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from models.checkers import Deadline, Event, KeyedChecker, Memory, SettingsError, Violation


class FailedLogins(KeyedChecker):
    """Tells users with too many failed logins in a short time, and those who do not get in after that."""

    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "most": {"type": "integer", "minimum": 1, "description": "So many failed logins are normal,"},
            "within_s": {"type": "number", "exclusiveMinimum": 0, "description": "within so many seconds"},
            "patience_s": {"type": "number", "exclusiveMinimum": 0, "description": "How long one may be locked out"},
        },
    }
    key = "user"

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.most = settings.get("most", 5)
        self.within_ms = int(1000 * settings.get("within_s", 60))
        self.patience_ms = int(1000 * settings.get("patience_s", 600))
        if self.patience_ms < self.within_ms:
            raise SettingsError("patience_s", f"is less than within_s ({self.within_ms / 1000:g}); raise it")
        self.forget_ms = self.within_ms + self.patience_ms

    def on_event(self, event: Event, memory: Memory) -> Iterator[Violation]:
        """Count a failed login; the state is the list of those that are recent."""
        if "login failed" not in event.text:
            if "login succeeded" in event.text:
                memory.state = None
                memory.cancel("locked_out")
            return
        recent = [line for line in memory.state or [] if line["time_ms"] > event.time_ms - self.within_ms]
        recent.append(event.line())
        memory.state = recent
        if len(recent) > self.most:
            memory.state = []  # told once, then counted anew
            memory.call_at(event.order_ms + self.patience_ms, "locked_out")
            yield Violation(
                name="too_many",
                reason=f"User {memory.key} failed to log in {len(recent)} times within {self.within_ms / 1000:g} s.",
                score=0.8,
                actual=f"{len(recent)} times",
                typical=f"at most {self.most} times",
                evidence=recent,
            )

    def on_time(self, deadline: Deadline, memory: Memory) -> Iterator[Violation]:
        """The user has not logged in since."""
        yield Violation(
            name=deadline.name,
            reason=f"User {memory.key} did not get in for {self.patience_ms / 1000:g} s after too many failed logins.",
            score=0.4,
        )
