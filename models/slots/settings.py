"""What a model document says of time slots: which series are counted, and which shares of values are normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from models.series.correlation.pair import Correlation

SLOT_MS = 60_000
"""How long a slot is where nothing else is said."""

DAY_MS = 86_400_000

MEAN = "mean"
STATISTICS = (MEAN, "sum", "min", "max", "count")
"""What can be made of the numbers of a slot."""

QUIET = "quiet"
"""The preset where nothing else is said. A model has dozens of series of a thousand slots a day each: what chance does
once in a million slots would be an alarm a week."""


@dataclass(slots=True, frozen=True)
class FieldOf:
    """A field of a template."""

    template: str
    field: str


@dataclass(slots=True, frozen=True)
class MetricOf:
    """A field of a template whose numbers are added up; ``statistic``: what the detectors take of a slot."""

    template: str
    field: str
    statistic: str = MEAN

    def to_json(self) -> dict[str, Any]:
        """It as JSON data; the statistic where it is not the mean."""
        return {key: value for key, value in asdict(self).items() if key != "statistic" or value != MEAN}


@dataclass(slots=True, frozen=True)
class SeriesLimit:
    """A limit of a series, of which to warn before it is reached.

    Attributes:
        template: whose lines are counted.
        field: the metric; "" for the lines themselves.
        limit: in the unit of the values of a slot.
        horizon_ms: how long before.
    """

    template: str
    limit: float
    field: str = ""
    horizon_ms: int = DAY_MS

    def to_json(self) -> dict[str, Any]:
        """It as JSON data; the field where there is one."""
        found = {"template": self.template, "field": self.field, "limit": self.limit, "horizon_ms": self.horizon_ms}
        return {key: value for key, value in found.items() if key != "field" or value}


@dataclass(slots=True)
class SeriesSettings:
    """Which series the model watches beside those of its categories, and how they are judged.

    Attributes:
        enabled: count the lines of every template, and the fields below.
        slot_ms: length of their slots.
        fields: fields whose values are counted one by one.
        metrics: fields whose numbers are added up.
        detect: let the detectors look at them, see :mod:`models.slots.detected`.
        preset: how eagerly, a key of :data:`models.series.incidents.PRESETS`.
        limits: limits to warn of.
        correlations: pairs of series that go together; both are counted.
    """

    enabled: bool = False
    slot_ms: int = SLOT_MS
    fields: list[FieldOf] = field(default_factory=list)
    metrics: list[MetricOf] = field(default_factory=list)
    detect: bool = True
    preset: str = QUIET
    limits: list[SeriesLimit] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON data; empty where they are those that hold without them."""
        if self == SeriesSettings():
            return {}
        found: dict[str, Any] = {"enabled": self.enabled, "slot_ms": self.slot_ms}
        if not self.detect:
            found["detect"] = False
        if self.preset != QUIET:
            found["preset"] = self.preset
        found["fields"] = [asdict(f) for f in self.fields]
        found["metrics"] = [m.to_json() for m in self.metrics]
        if self.limits:
            found["limits"] = [limit.to_json() for limit in self.limits]
        if self.correlations:
            found["correlations"] = [pair.to_json() for pair in self.correlations]
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SeriesSettings:
        """Undo :meth:`to_json`."""
        return cls(
            bool(data.get("enabled", False)),
            data.get("slot_ms", SLOT_MS),
            [FieldOf(**f) for f in data.get("fields", [])],
            [MetricOf(**m) for m in data.get("metrics", [])],
            bool(data.get("detect", True)),
            data.get("preset", QUIET),
            [SeriesLimit(**limit) for limit in data.get("limits", [])],
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
