"""What a user may set when a model is learnt, and what is told in return."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.multiline import MultilineSettings
from models.source_reader import ReadLimits


@dataclass(slots=True, frozen=True)
class LearnLimits:
    """What is held in memory, whatever the length of the logs.

    Attributes:
        folds: different lines, numbers and the like apart.
        stretch: lines looked at for identifiers; one of more than 256 bytes counts as several.
        visits: lines of transactions.
    """

    folds: int = 30_000
    stretch: int = 200_000
    visits: int = 1_000_000


@dataclass(slots=True, frozen=True)
class LearnOptions:
    """What a user may set.

    Attributes:
        model_id: name of the model.
        timezone: of timestamps that do not tell theirs.
        timestamp_format: if given, formats are not searched.
        year: of the first line, for timestamps without a year.
        id_pattern: regular expression of the identifiers; found by itself if None.
        encoding: of the logs.
        limits: what is read and believed.
        memory: what is held in memory.
        forget: of a model that is updated, leave out what the newer logs do not show.
        structure: ``json`` or ``logfmt``: lines are that; ``none``: they are plain text; None: find out.
        multiline: which lines begin an event; None: those with a timestamp.
        series_slot_ms: the model watches series in slots of this length, and which of them go together is learnt; None:
            as the model before, or not.
    """

    model_id: str = "model"
    timezone: str = "UTC"
    timestamp_format: str | None = None
    year: int | None = None
    id_pattern: str | None = None
    encoding: str = "utf-8"
    limits: ReadLimits = ReadLimits()
    memory: LearnLimits = LearnLimits()
    forget: bool = False
    structure: str | None = None
    multiline: MultilineSettings | None = None
    series_slot_ms: int | None = None


@dataclass(slots=True)
class LearnReport:
    """What was read: counts of lines, events, continuation lines, dead letters, transactions; notes for the user."""

    lines: int = 0
    events: int = 0
    continued: int = 0
    dead_letters: int = 0
    transactions: int = 0
    notes: list[str] = field(default_factory=list)
