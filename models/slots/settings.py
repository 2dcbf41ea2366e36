"""What a model document says of time slots: which series are counted, and which shares of values are normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from models.series.correlation.pair import Correlation

SLOT_MS = 60_000
"""How long a slot is where nothing else is said."""


@dataclass(slots=True, frozen=True)
class FieldOf:
    """A field of a template."""

    template: str
    field: str


@dataclass(slots=True)
class SeriesSettings:
    """Which series the model watches beside those of its categories.

    Attributes:
        enabled: count the lines of every template, and the fields below.
        slot_ms: length of their slots.
        fields: fields whose values are counted one by one.
        metrics: fields whose numbers are added up.
        correlations: pairs of series that go together; both are counted.
    """

    enabled: bool = False
    slot_ms: int = SLOT_MS
    fields: list[FieldOf] = field(default_factory=list)
    metrics: list[FieldOf] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON data; empty where they are those that hold without them."""
        if self == SeriesSettings():
            return {}
        data = asdict(replace(self, correlations=[]))
        del data["correlations"]
        return data | ({"correlations": [c.to_json() for c in self.correlations]} if self.correlations else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SeriesSettings:
        """Undo :meth:`to_json`."""
        return cls(
            bool(data.get("enabled", False)),
            data.get("slot_ms", SLOT_MS),
            [FieldOf(**f) for f in data.get("fields", [])],
            [FieldOf(**f) for f in data.get("metrics", [])],
            [Correlation.from_json(c) for c in data.get("correlations", [])],
        )


@dataclass(slots=True, frozen=True)
class Share:
    """A value of a field, and which share of the template's lines has it, 0 to 1."""

    value: str
    share: float


@dataclass(slots=True, frozen=True)
class Window:
    """So many slots in a row are judged together; ``dispersion``: how much their shares vary, see
    :mod:`models.slots.shares`.
    """

    slots: int
    dispersion: float = 0.0


@dataclass(slots=True, frozen=True)
class Category:
    """What is normal for the values of a field of a template.

    Attributes:
        template, field: where the values stand.
        slot_ms: length of the slots.
        shares: the values; what is missing to 1 is the share of all others.
        windows: which stretches of time are judged.
        support: how many lines it was learnt from.
    """

    template: str
    field: str
    shares: tuple[Share, ...]
    slot_ms: int = SLOT_MS
    windows: tuple[Window, ...] = (Window(1),)
    support: int = 0

    def to_json(self) -> dict[str, Any]:
        """The category as JSON data, keys in the order in which people read them."""
        return {
            "template": self.template,
            "field": self.field,
            "slot_ms": self.slot_ms,
            "support": self.support,
            "windows": [asdict(w) for w in self.windows],
            "shares": [asdict(s) for s in self.shares],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Category:
        """Undo :meth:`to_json`."""
        return cls(
            data["template"],
            data["field"],
            tuple(Share(str(s["value"]), float(s["share"])) for s in data["shares"]),
            data.get("slot_ms", SLOT_MS),
            tuple(Window(w["slots"], float(w.get("dispersion", 0.0))) for w in data.get("windows", [{"slots": 1}])),
            data.get("support", 0),
        )
