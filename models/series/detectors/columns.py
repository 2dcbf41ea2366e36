"""The state of many series as columns: one array a field, one row a series.

Detectors declare their fields and work on the arrays in place, so that one call serves one series or ten thousand.
Nothing in a row ever depends on another row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.batches import BatchError, pack_columns, unpack_columns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the state of a series.

    Attributes:
        first: its value before anything is seen.
        size: how many numbers; 1 for a single one.
        kind: numpy's name of the type; counts and times are ``i8``, long rows ``f4``.
    """

    first: float = 0.0
    size: int = 1
    kind: str = "f8"

    def make(self, rows: int) -> npt.NDArray[Any]:
        """The column of so many new series."""
        shape = (rows,) if self.size == 1 else (rows, self.size)
        return np.full(shape, self.first, dtype=self.kind)


class Columns:
    """The columns of a fleet of series.

    Args:
        fields: name → field.
        rows: how many series.

    Attributes:
        arrays: name → array ``[rows]`` or ``[rows, size]``.
        rows: how many series.
    """

    def __init__(self, fields: Mapping[str, Field], rows: int = 0) -> None:
        self._fields = dict(fields)
        self.arrays: Arrays = {name: field.make(rows) for name, field in fields.items()}
        self.rows = rows

    def grow(self, rows: int) -> None:
        """Add so many new series at the end."""
        for name, field in self._fields.items():
            self.arrays[name] = np.concatenate([self.arrays[name], field.make(rows)])
        self.rows += rows

    def reset(self, row: int) -> None:
        """Make a series new again."""
        for name, field in self._fields.items():
            self.arrays[name][row] = field.first

    def take(self, rows: Ints) -> Arrays:
        """The state of some series, to work on in place; :meth:`put` brings it back.

        Args:
            rows: ascending, each once. If they are all, the arrays themselves are given and nothing is copied.
        """
        if len(rows) == self.rows:
            return self.arrays
        return {name: array[rows] for name, array in self.arrays.items()}

    def put(self, rows: Ints, taken: Arrays) -> None:
        """Bring back what :meth:`take` gave."""
        if taken is self.arrays:
            return
        for name, array in taken.items():
            self.arrays[name][rows] = array

    def to_record(self, row: int, kind: str, version: int, head: Mapping[str, object]) -> bytes:
        """One series as a record: its fields by name, type and number of numbers in the head, then the fields."""
        names = list(self._fields)
        described = [[name, self._fields[name].kind, self._fields[name].size] for name in names]
        return pack_columns(
            version,
            {"kind": kind, "fields": described, **head},
            [np.ascontiguousarray(self.arrays[name][row]).tobytes() for name in names],
        )

    def from_record(self, row: int, record: bytes, kind: str, version: int) -> dict[str, Any]:
        """Undo :meth:`to_record` into a row, and give the head. A field that the record lacks keeps its first value.

        Raises:
            BatchError: the record is none of this kind and version, or is damaged.
        """
        found, columns = unpack_columns(record, version)
        head: dict[str, Any] = found
        if head.get("kind") != kind:
            raise BatchError(f"a record is no {kind}")
        try:
            for (name, number_type, size), column in zip(head["fields"], columns, strict=True):
                self._read(row, name, number_type, size, column)
        except (KeyError, TypeError, ValueError) as error:
            raise BatchError(f"the state of a series is damaged: {error}") from None
        return head

    def all_to_record(self, kind: str, version: int, head: Mapping[str, object]) -> bytes:
        """All series as one record: fields described as by :meth:`to_record`, each with the numbers of all rows."""
        described = [[name, field.kind, field.size] for name, field in self._fields.items()]
        return pack_columns(
            version,
            {"kind": kind, "rows": self.rows, "fields": described, **head},
            [self.arrays[name].tobytes() for name in self._fields],
        )

    def all_from_record(self, record: bytes, kind: str, version: int) -> dict[str, Any]:
        """Undo :meth:`all_to_record`, and give the head. A field that the record lacks has its first value.

        Raises:
            BatchError: the record is none of this kind and version, or is damaged.
        """
        found, columns = unpack_columns(record, version)
        head: dict[str, Any] = found
        if head.get("kind") != kind:
            raise BatchError(f"a record is no {kind}")
        try:
            rows = int(head["rows"])
            self.rows, self.arrays = rows, {name: field.make(rows) for name, field in self._fields.items()}
            for (name, number_type, size), column in zip(head["fields"], columns, strict=True):
                values = np.frombuffer(column, dtype=number_type).reshape((rows, size) if size > 1 else (rows,))
                field = self._fields.get(name)
                if field is not None and field.size != size:
                    raise ValueError(f"field {name} has {size} numbers instead of {field.size}")
                if field is not None:
                    self.arrays[name][:] = values
        except (KeyError, TypeError, ValueError) as error:
            raise BatchError(f"the state of series is damaged: {error}") from None
        return head

    def _read(self, row: int, name: str, number_type: str, size: int, column: memoryview) -> None:
        field = self._fields.get(name)
        values = np.frombuffer(column, dtype=number_type)
        if len(values) != size:
            raise ValueError(f"field {name} has {len(values)} numbers instead of {size}")
        if field is None:
            return
        if field.size != size:
            raise ValueError(f"field {name} has {size} numbers instead of {field.size}")
        self.arrays[name][row] = values if size > 1 else values[0]


def joined(*parts: Mapping[str, Field]) -> dict[str, Field]:
    """The fields of several detectors.

    Raises:
        ValueError: two of them have a field of the same name.
    """
    found: dict[str, Field] = {}
    for part in parts:
        twice = sorted(set(found) & set(part))
        if twice:
            raise ValueError(f"field {twice[0]} is declared twice")
        found.update(part)
    return found


def rows_of(numbers: Sequence[int] | Ints) -> Ints:
    """Row numbers as an array."""
    return np.asarray(numbers, dtype=np.int64)
