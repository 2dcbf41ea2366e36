"""What plug-ins import: the kinds of ``ViolationChecker``, and what they see and give. See docs/plugins.md."""

from __future__ import annotations

from models.checkers.events import ClosedTransaction, Event, EvidenceLine, PassedLine
from models.checkers.facts import ModelFacts, TemplateFacts
from models.checkers.interface import (
    Deadline,
    KeyedChecker,
    LineChecker,
    Memory,
    SettingsError,
    TransactionChecker,
    Violation,
    ViolationChecker,
)

__all__ = [
    "ClosedTransaction",
    "Deadline",
    "Event",
    "EvidenceLine",
    "KeyedChecker",
    "LineChecker",
    "Memory",
    "ModelFacts",
    "PassedLine",
    "SettingsError",
    "TemplateFacts",
    "TransactionChecker",
    "Violation",
    "ViolationChecker",
]
