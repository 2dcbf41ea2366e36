"""Values that a field never had: of the fields whose values a model knows all of.

A value is told once for each source, with the first line that has it. What was told is remembered with the source, of
the last so many; a value told before these may be told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.batches import Int32
from models.document import ModelDocument
from models.document_content import ValueSet
from models.rules.lines import Lines

MOST_TOLD = 1000
"""So many new values of a source are remembered as told."""


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value outside of its set: the event's place in the batch, the set, the value."""

    row: int
    known: ValueSet
    value: str


class NewValues:
    """The sets of values of a model.

    Args:
        model: a checked model.

    Attributes:
        wanted: id of a template → the fields whose values are looked at.
    """

    def __init__(self, model: ModelDocument) -> None:
        of: dict[str, list[tuple[ValueSet, frozenset[str]]]] = {}
        for known in model.values:
            of.setdefault(known.template, []).append((known, frozenset(entry.value for entry in known.values)))
        self.wanted: dict[str, tuple[str, ...]] = {
            template: tuple(known.field for known, _ in sets) for template, sets in of.items()
        }
        self._templates = [(at, of[t.id]) for at, t in enumerate(model.templates) if t.id in of]

    def __bool__(self) -> bool:
        return bool(self._templates)

    def found(
        self, lines: Lines, template: Int32, columns: Mapping[str, Mapping[str, int]], told: tuple[str, ...]
    ) -> tuple[list[NewValue], tuple[str, ...]]:
        """The new values in a batch that were not told yet, in order of lines, and what is told with them.

        Args:
            lines: the batch.
            template: int32[n], the index of each line's template in the model, negative for none.
            columns: id of a template → name of a field → its column among the wanted fields.
            told: what was told of this source before; empty at first.
        """
        new: list[NewValue] = []
        for at, sets in self._templates:
            rows = np.flatnonzero(template == at)
            if not len(rows):
                continue
            for known, values in sets:
                texts, codes = lines.distinct(rows, columns[known.template][known.field])
                for code, text in enumerate(texts):
                    if text not in values:
                        # All its lines: after so many other values, one may be told again.
                        new += [NewValue(row, known, text) for row in rows[codes == code].tolist()]
        if not new:
            return [], told
        new.sort(key=lambda value: (value.row, value.known.field))
        remembered = dict.fromkeys(told)
        fresh: list[NewValue] = []
        for value in new:
            key = _key(value)
            if key not in remembered:
                remembered[key] = None
                fresh.append(value)
                if len(remembered) > MOST_TOLD:
                    del remembered[next(iter(remembered))]
        return fresh, tuple(remembered)


def _key(value: NewValue) -> str:
    """What stands for a value of a field: short, as it rests in state."""
    parts = f"{value.known.template}\0{value.known.field}\0{value.value}"
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
