"""Partial counts in time slots on their way from ``parse`` to ``slots``: one small record a batch and shard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.batches import BatchError, columns_to_strings, pack_columns, strings_to_columns, unpack_columns
from models.slots.cells import Cell, Numbers
from models.slots.exact import ExactSum
from models.slots.series import SeriesKey

KIND = "slots"

Place = tuple[SeriesKey, int]
"""A series, and the begin of a slot, epoch ms."""


@dataclass(slots=True)
class SlotCounts:
    """What some lines of one model add to the slots of one shard.

    Attributes:
        model: id of the model.
        shard: the virtual partition, see :data:`models.slots.series.SERIES_SHARDS`.
        epoch: number of the change of models under which the lines were parsed.
        cells: the counts of lines that came in time.
        late: lines that came after their source's clock had passed their slot, and so after the allowed lateness.
        until_ms: the source's clock, epoch ms, once it has ended: nothing is known after it. None before.
    """

    model: str
    shard: int
    epoch: int
    cells: dict[Place, Cell] = field(default_factory=dict)
    late: dict[Place, int] = field(default_factory=dict)
    until_ms: int | None = None

    VERSION = 1

    def encode(self) -> bytes:
        """The counts as one record."""
        head: dict[str, object] = {
            "kind": KIND,
            "model": self.model,
            "shard": self.shard,
            "epoch": self.epoch,
            "until_ms": self.until_ms,
        }
        keys = list(dict.fromkeys(key for key, _ in (*self.cells, *self.late)))
        head["series"] = [list(key) for key in keys]
        return pack_columns(self.VERSION, head, [*cells_to_columns(self.cells, keys), *_late(self.late, keys)])

    @classmethod
    def decode(cls, record: bytes) -> SlotCounts:
        """Undo :meth:`encode`; raises :class:`~models.batches.BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        head: dict[str, Any] = found
        if head.get("kind") != KIND or len(columns) != CELL_COLUMNS + 3:
            raise BatchError("a record holds no counts in time slots")
        keys = [SeriesKey(*key) for key in head["series"]]
        series, begin, lines = columns[CELL_COLUMNS:]
        late = zip(
            np.frombuffer(series, np.int32).tolist(),
            np.frombuffer(begin, np.int64).tolist(),
            np.frombuffer(lines, np.int64).tolist(),
            strict=True,
        )
        return cls(
            model=head["model"],
            shard=head["shard"],
            epoch=head["epoch"],
            cells=columns_to_cells(columns[:CELL_COLUMNS], keys),
            late={(keys[at], slot): count for at, slot, count in late},
            until_ms=head["until_ms"],
        )


CELL_COLUMNS = 8
"""How many columns :func:`cells_to_columns` makes."""


def cells_to_columns(cells: Mapping[Place, Cell], keys: list[SeriesKey]) -> list[bytes]:
    """Cells as columns.

    Args:
        cells: the cells.
        keys: every series that occurs; cells name it by its index.

    Returns:
        Of the cells: series (int32), begin (int64, epoch ms), lines (int64). Of the values: cell (int32), lines
        (int64), text. Of the numbers: JSON, ``[cell, sum, sum of squares, smallest, largest]`` each.
    """
    place = {key: at for at, key in enumerate(keys)}
    owner, counts, texts = [], [], []
    numbers = []
    for at, cell in enumerate(cells.values()):
        for value, lines in cell.values.items():
            owner.append(at)
            counts.append(lines)
            texts.append(value.encode("utf-8", "surrogatepass"))
        if cell.numbers is not None:
            some = cell.numbers
            numbers.append([at, [*some.total], [*some.squares], some.low, some.high])
    return [
        np.array([place[key] for key, _ in cells], np.int32).tobytes(),
        np.array([begin for _, begin in cells], np.int64).tobytes(),
        np.array([cell.lines for cell in cells.values()], np.int64).tobytes(),
        np.array(owner, np.int32).tobytes(),
        np.array(counts, np.int64).tobytes(),
        *strings_to_columns(texts),
        json.dumps(numbers).encode(),
    ]


def columns_to_cells(columns: list[memoryview], keys: list[SeriesKey]) -> dict[Place, Cell]:
    """Undo :func:`cells_to_columns`."""
    series, begin, lines, owner, counts, lengths, texts, numbers = columns
    places = [
        (keys[at], slot)
        for at, slot in zip(
            np.frombuffer(series, np.int32).tolist(), np.frombuffer(begin, np.int64).tolist(), strict=True
        )
    ]
    cells = [Cell(count) for count in np.frombuffer(lines, np.int64).tolist()]
    values = columns_to_strings(lengths, texts)
    for at, count, value in zip(
        np.frombuffer(owner, np.int32).tolist(), np.frombuffer(counts, np.int64).tolist(), values, strict=True
    ):
        cells[at].values[value.decode("utf-8", "surrogatepass")] = count
    for at, total, squares, low, high in json.loads(bytes(numbers)):
        cells[at].numbers = Numbers(ExactSum(*total), ExactSum(*squares), low, high)
    return dict(zip(places, cells, strict=True))


def _late(late: Mapping[Place, int], keys: list[SeriesKey]) -> list[bytes]:
    place = {key: at for at, key in enumerate(keys)}
    return [
        np.array([place[key] for key, _ in late], np.int32).tobytes(),
        np.array([begin for _, begin in late], np.int64).tobytes(),
        np.array(list(late.values()), np.int64).tobytes(),
    ]
