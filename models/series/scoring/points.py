"""Points of series on their way to where they are scored: many points in one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.batches import BatchError, pack_columns, unpack_columns
from models.series.detectors.columns import Floats, Ints

Int32 = npt.NDArray[np.int32]

NO_TIME = -(1 << 62)
"""In place of a time that is not known, ms."""


@dataclass(slots=True)
class PointBatch:
    """Points of some series of one shard, in the order in which they came.

    Attributes:
        shard: the virtual partition, a stable hash of the series.
        origin: where the points come from, see :mod:`models.origins`.
        topic: that is a place in a topic, not a file. Then a series is the same whatever partition names it; in files
            each file has series of its own.
        names: names of the series that occur, each once.
        series: int32[n], index into ``names``.
        time_ms: int64[n], ms since 1970, UTC; ``NO_TIME`` where it is not known.
        values: float64[n], finite; NaN for none.
        position: int64[n], the line in the file, or the place in the topic, see :mod:`models.positions`.
    """

    shard: int
    origin: str
    topic: bool = False
    names: list[str] = field(default_factory=list)
    series: Int32 = field(default_factory=lambda: np.empty(0, np.int32))
    time_ms: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    values: Floats = field(default_factory=lambda: np.empty(0, np.float64))
    position: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    VERSION = 1

    def __len__(self) -> int:
        """How many points it holds."""
        return len(self.values)

    @property
    def scope(self) -> str:
        """Within this a name stands for one series."""
        return "" if self.topic else self.origin

    def encode(self) -> bytes:
        """The batch as one record."""
        head: dict[str, object] = {
            "shard": self.shard,
            "origin": self.origin,
            "topic": self.topic,
            "names": self.names,
        }
        return pack_columns(
            self.VERSION,
            head,
            [column.tobytes() for column in (self.series, self.time_ms, self.values, self.position)],
        )

    @classmethod
    def decode(cls, record: bytes) -> PointBatch:
        """Undo :meth:`encode`.

        Raises:
            BatchError: the record is none, or of a layout that this version does not know.
        """
        found, columns = unpack_columns(record, cls.VERSION)
        head: dict[str, Any] = found
        if len(columns) != 4:
            raise BatchError("a batch is cut off")
        kinds = (np.int32, np.int64, np.float64, np.int64)
        series, time_ms, values, position = (np.frombuffer(c, k) for c, k in zip(columns, kinds, strict=True))
        return cls(head["shard"], head["origin"], head["topic"], head["names"], series, time_ms, values, position)
