"""What a model document says of two series that go together, and which templates have to be counted side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

LINES = "lines"
CATEGORY = "category"
METRIC = "metric"
KINDS = (LINES, CATEGORY, METRIC)
"""What a slot of a series holds: lines of a template; those of them with one value of a field; the mean of a field."""

MOST_LAG = 5
"""A pair goes together within so many slots."""


@dataclass(slots=True, frozen=True, order=True)
class SeriesRef:
    """One series of a model.

    Attributes:
        template: id of the template.
        kind: one of :data:`KINDS`.
        field: the field; "" for ``lines``.
        value: of a ``category``, the value whose lines are counted; "" for the others.
    """

    template: str
    kind: str = LINES
    field: str = ""
    value: str = ""

    @property
    def name(self) -> str:
        """A readable id: ``lines t-get``, ``category t-get status=500``, ``metric t-get took``."""
        what = f" {self.field}={self.value}" if self.kind == CATEGORY else f" {self.field}" if self.field else ""
        return f"{self.kind} {self.template}{what}"

    @property
    def counts(self) -> bool:
        """Whether slots hold numbers of lines; one without lines is then 0, and not unknown."""
        return self.kind != METRIC

    def to_json(self) -> dict[str, Any]:
        """The series as JSON data."""
        data: dict[str, Any] = {"template": self.template, "kind": self.kind}
        if self.kind != LINES:
            data["field"] = self.field
        if self.kind == CATEGORY:
            data["value"] = self.value
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SeriesRef:
        """Undo :meth:`to_json`."""
        return cls(data["template"], data["kind"], data.get("field", ""), data.get("value", ""))


@dataclass(slots=True, frozen=True)
class Correlation:
    """Two series that go together: ``b`` is about ``intercept + slope · a``, so many slots later.

    Attributes:
        a: the series that leads.
        b: the one that follows.
        lag_slots: how many slots later, 0 to :data:`MOST_LAG`.
        slope: what one more of ``a`` adds to ``b``.
        intercept: what ``b`` holds without ``a``.
        spread: the usual error, as a standard deviation: of counts, over the square root of what is expected; of
            metrics, in their unit. None: to be found.
        correlation: of both without level and rhythm, −1 to 1, as learnt.
        support: how many slots it was learnt from.
    """

    a: SeriesRef
    b: SeriesRef
    lag_slots: int
    slope: float
    intercept: float = 0.0
    spread: float | None = None
    correlation: float = 0.0
    support: int = 0

    @property
    def key(self) -> tuple[SeriesRef, SeriesRef]:
        """What it is about."""
        return self.a, self.b

    def renamed(self, template: str, field: str, new: str) -> Correlation:
        """The pair where a field of a template has a new name."""
        a, b = (replace(ref, field=new) if (ref.template, ref.field) == (template, field) else ref for ref in self.key)
        return replace(self, a=a, b=b)

    def to_json(self) -> dict[str, Any]:
        """The pair as JSON data, keys in the order in which people read them."""
        data: dict[str, Any] = {"a": self.a.to_json(), "b": self.b.to_json(), "lag_slots": self.lag_slots}
        data["slope"] = self.slope
        if self.intercept:
            data["intercept"] = self.intercept
        if self.spread is not None:
            data["spread"] = self.spread
        return data | {"correlation": self.correlation, "support": self.support}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Correlation:
        """Undo :meth:`to_json`."""
        spread = data.get("spread")
        return cls(
            SeriesRef.from_json(data["a"]),
            SeriesRef.from_json(data["b"]),
            data.get("lag_slots", 0),
            float(data["slope"]),
            float(data.get("intercept", 0.0)),
            None if spread is None else float(spread),
            float(data.get("correlation", 0.0)),
            data.get("support", 0),
        )


def leaders(pairs: Iterable[Correlation]) -> dict[str, str]:
    """For each template that a pair names the template that decides where it is counted.

    Templates that pairs connect, directly or over others, have the same: the smallest id among them. So both series of
    a pair meet, and where follows from the model alone.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for pair in pairs:
        one, other = sorted((root(pair.a.template), root(pair.b.template)))
        parent[other] = one
    return {name: root(name) for name in list(parent)}
