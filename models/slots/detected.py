"""Series of one number a slot, as the typed detectors take them: which a model has, what they are called and hold."""

from __future__ import annotations

from dataclasses import dataclass

from models.document import ModelDocument
from models.slots.cells import Cell
from models.slots.series import CATEGORY, LINES, METRIC, SeriesKey, named_values
from models.slots.settings import MEAN, SeriesLimit


@dataclass(slots=True, frozen=True)
class Detected:
    """A series of numbers.

    Attributes:
        key: the series that is counted.
        value: of a category, the value whose lines make the series; "" otherwise.
        statistic: of a metric, what is made of the numbers of a slot, one of
            :data:`models.slots.settings.STATISTICS`; "" otherwise.
        limit: of which to warn before it is reached, if there is one.
    """

    key: SeriesKey
    value: str = ""
    statistic: str = ""
    limit: SeriesLimit | None = None

    @property
    def id(self) -> str:
        """Its name, unique in the model: ``lines t-get``, ``category t-get status=500``, ``metric t-get took``.

        A metric whose statistic is not the mean has that behind it: ``metric t-get took max``.
        """
        template, kind, field, _ = self.key
        if kind == LINES:
            return f"{kind} {template}"
        if kind == CATEGORY:
            return f"{kind} {template} {field}={self.value}"
        return f"{kind} {template} {field}" + ("" if self.statistic == MEAN else f" {self.statistic}")

    @property
    def counts(self) -> bool:
        """Whether its values are numbers of lines, or of numbers: never below nought."""
        return self.key.kind != METRIC or self.statistic == "count"

    def number(self, cell: Cell) -> float | None:
        """What the series holds in a slot; None for nothing, as the mean of no numbers."""
        if self.key.kind == LINES:
            return float(cell.lines)
        if self.key.kind == CATEGORY:
            return float(cell.values.get(self.value, 0))
        some = cell.numbers
        match self.statistic:
            case "count":
                return float(cell.lines)
            case "sum":
                return some.total.value() if some else 0.0
            case "min":
                return some.low if some else None
            case "max":
                return some.high if some else None
            case _:
                return some.total.value() / cell.lines if some else None

    def in_words(self, message: str) -> str:
        """What it is, for people; ``message`` names the template."""
        if self.key.kind == LINES:
            return f'The number of lines of "{message}"'
        if self.key.kind == CATEGORY:
            return f'The number of lines of "{message}" with {self.key.field} {self.value}'
        words = {"mean": "mean", "sum": "sum", "min": "minimum", "max": "maximum", "count": "number"}
        return f'The {words[self.statistic]} of {self.key.field} of "{message}"'


def detected_series(model: ModelDocument) -> dict[SeriesKey, tuple[Detected, ...]]:
    """The series that the detectors watch, by what is counted; empty where the model does not ask for them.

    These are the lines of every template, the values that the model names of its fields (in ``categories`` with slots
    of the same length, or in ``values``), and its metrics.
    """
    settings = model.series
    if not settings.enabled or not settings.detect:
        return {}
    length = settings.slot_ms
    limits = {(limit.template, limit.field): limit for limit in settings.limits}
    found: dict[SeriesKey, tuple[Detected, ...]] = {}
    for template in model.templates:
        key = SeriesKey(template.id, LINES, "", length)
        found[key] = (Detected(key, limit=limits.get((template.id, ""))),)
    for metric in settings.metrics:
        key = SeriesKey(metric.template, METRIC, metric.field, length)
        limit = limits.get((metric.template, metric.field))
        found[key] = (Detected(key, statistic=metric.statistic, limit=limit),)
    fields = {(f.template, f.field) for f in settings.fields}
    fields |= {(c.template, c.field) for c in model.categories if c.slot_ms == length}
    for template_id, field in sorted(fields):
        key = SeriesKey(template_id, CATEGORY, field, length)
        values = named_values(model, template_id, field)
        if values:
            found[key] = tuple(Detected(key, value) for value in sorted(values))
    return found
