"""A checker that remembers nothing and sees single lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from models.checkers import Event, LineChecker, Violation


class PaymentLimit(LineChecker):
    """Tells payments of more than a limit."""

    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["limit"],
        "properties": {"limit": {"type": "number", "exclusiveMinimum": 0, "description": "The largest payment"}},
    }
    fields = ("amount", "order")

    def check_line(self, event: Event) -> Iterator[Violation]:
        """A violation, if the line is one."""
        amount, limit = event.fields.get("amount"), self.settings["limit"]
        if isinstance(amount, float) and amount > limit:
            yield Violation(
                reason=f"Order {event.fields['order']} paid {amount:,.2f}, which is more than {limit:,.2f}.",
                score=min(1.0, 0.5 * amount / limit),
                actual=f"{amount:,.2f}",
                typical=f"at most {limit:,.2f}",
            )
