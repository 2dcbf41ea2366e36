"""A checker that remembers nothing and sees transactions as they close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from models.checkers import ClosedTransaction, TransactionChecker, Violation


class PaymentRetries(TransactionChecker):
    """Tells orders that were paid after several attempts in one go, faster than a person could."""

    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "attempts": {"type": "integer", "minimum": 2, "description": "From so many declined payments on,"},
            "least_ms": {"type": "integer", "minimum": 0, "description": "within less than so many ms"},
        },
    }

    def check_transaction(self, transaction: ClosedTransaction) -> Iterator[Violation]:
        """A violation, if the transaction is one."""
        declined = transaction.counts.get("declined", 0)
        least_ms = self.settings.get("least_ms", 1000)
        if declined >= self.settings.get("attempts", 3) and transaction.duration_ms < least_ms:
            yield Violation(
                reason=f"Order {transaction.id} had {declined} declined payments in {transaction.duration_ms} ms.",
                score=0.7,
                actual=f"{transaction.duration_ms} ms",
                typical=f"at least {least_ms} ms",
            )
