"""Lines to points: CSV under a header, or JSON ``{"series": …, "timestamp": …, "value": …}``.

A batch of plain lines is read as columns, with a handful of kernels; only where these do not take it is it read line by
line, which says what is wrong with which line. Both give the same points.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from models.series.detectors.columns import Floats, Ints
from models.series.scoring.points import NO_TIME, PointBatch
from models.series.table import SERIES, TIMESTAMP, VALUE, time_of, value_of

_NEWLINE = b"\n"
_MS_FROM = 1e11
_FURTHEST_S = 253_402_300_800.0
_NUMBER = r"^(-?[0-9]{1,7}|-?[0-9]{9,15}|-?[0-9]{1,15}\.[0-9]{1,9})$"
"""Eight digits may be a date."""


@dataclass(frozen=True, slots=True)
class BadPoint:
    """A line that is no point.

    Attributes:
        place: its number in the batch, from 0.
        reason: what is wrong with it, and the mend.
        raw: the line.
    """

    place: int
    reason: str
    raw: bytes


@dataclass(slots=True)
class Points:
    """The points of a batch of lines, in their order.

    Attributes:
        names: names of the series, each once.
        series: int32[n], index into ``names``.
        time_ms: int64[n], ``NO_TIME`` where it is not known.
        values: float64[n], NaN for none.
        place: int64[n], number of each one's line in the batch, from 0.
        bad: lines that are none.
    """

    names: list[str]
    series: Any
    time_ms: Ints
    values: Floats
    place: Ints
    bad: list[BadPoint] = field(default_factory=list)

    def shards(self, origin: str, topic: bool, position: Ints, shards: Sequence[int]) -> Iterator[PointBatch]:
        """They as batches, one for each shard that they touch.

        Args:
            origin: where they come from, see :mod:`models.origins`.
            topic: that is a place in a topic.
            position: int64, of each line of the batch.
            shards: of each of ``names``.
        """
        shard_of = np.array(shards, np.int64)[self.series] if len(self.series) else np.empty(0, np.int64)
        for shard in np.unique(shard_of).tolist():
            at = np.flatnonzero(shard_of == shard)
            used, series = np.unique(self.series[at], return_inverse=True)
            yield PointBatch(
                shard,
                origin,
                topic,
                [self.names[number] for number in used.tolist()],
                series.astype(np.int32),
                self.time_ms[at],
                self.values[at],
                position[self.place[at]],
            )


def read_csv_lines(data: bytes, columns: Sequence[str], name: str) -> Points:
    """Points of lines of CSV.

    Args:
        data: whole lines, UTF-8, without the header. A quoted cell ends in the line in which it begins.
        columns: of the header.
        name: of the series, where there is no column ``series``.
    """
    found = _csv_columns(data, columns, name)
    return _csv_rows(data, columns, name) if found is None else found


def read_json_lines(data: bytes, name: str) -> Points:
    """Points of lines of JSON, an object each; other keys are passed over.

    Args:
        data: whole lines, UTF-8.
        name: of the series of an object without the key ``series``.
    """
    points = _Collected()
    for place, line in enumerate(_lines(data)):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            if not isinstance(found, dict):
                raise ValueError(f"it is no object but {type(found).__name__}")
            missing = [key for key in (TIMESTAMP, VALUE) if key not in found]
            if missing:
                raise ValueError(f"the key {missing[0]!r} is missing")
            series = found.get(SERIES, name)
            if not isinstance(series, str):
                raise ValueError(f"series {series!r} is no text; write it in quotes")
            points.add(place, series, time_of(_text(found[TIMESTAMP])), _number(found[VALUE]))
        except (ValueError, RecursionError) as error:
            points.bad.append(BadPoint(place, _no_json(error), line))
    return points.points()


def _no_json(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8: {error.reason}"
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return f'it is no JSON ({error}); write a point as {{"series": "cpu", "timestamp": 1700000000, "value": 1.5}}'
    return str(error)


def _text(time: Any) -> str:
    if time is None:
        return ""
    if isinstance(time, bool) or not isinstance(time, int | float | str):
        raise ValueError(f"timestamp {time!r} is none; write it as 2014-04-01 00:05:00, or as a number")
    return time if isinstance(time, str) else repr(time)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"value {value!r} is no number; write it as 12.5, or null for none")
    try:
        return value_of(value) if isinstance(value, str) else value_of(repr(value))
    except OverflowError:
        return None


def _csv_columns(data: bytes, columns: Sequence[str], name: str) -> Points | None:
    """As columns; None where a line needs to be looked at by itself."""
    if not data or b'"' in data or b"\r" in data.replace(b"\r\n", b"") or _has_blank(data):
        return None
    wanted = [column for column in (TIMESTAMP, VALUE, SERIES) if column in columns]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(use_threads=False, column_names=list(columns), block_size=len(data) + 1),
            pa_csv.ParseOptions(quote_char=False),
            pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )
        values = pc.cast(table[VALUE], pa.float64()).to_numpy()
        time_ms = _times(table[TIMESTAMP])
    except pa.ArrowException:
        return None
    if time_ms is None:
        return None
    count = len(values)
    values = np.where(np.isfinite(values), values, np.nan)
    if SERIES in columns:
        coded = pc.dictionary_encode(table[SERIES].combine_chunks())
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        names, series = coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int32)
    else:
        names, series = [name], np.zeros(count, np.int32)
    return Points(names, series, time_ms, values, np.arange(count))


def _times(column: pa.ChunkedArray) -> Ints | None:
    """Times of a column, ms; None where some are not of one plain kind."""
    if pc.all(pc.match_substring_regex(column, _NUMBER)).as_py():
        seconds = pc.cast(column, pa.float64()).to_numpy()
        far = np.abs(seconds) >= _MS_FROM
        seconds = np.where(far, seconds / 1000.0, seconds)
        if (np.abs(seconds) >= _FURTHEST_S).any():
            return None
        return _to_ms(seconds)
    try:
        times = pc.cast(column, pa.timestamp("us"))
    except pa.ArrowException:
        return None
    micros = pc.cast(times, pa.int64()).to_numpy()
    return _to_ms(micros / 1e6)


def _to_ms(seconds: Floats) -> Ints:
    found: Ints = np.rint(seconds * 1000.0).astype(np.int64)
    return found


def _has_blank(data: bytes) -> bool:
    return data[:1] in b"\r\n" or b"\n\n" in data or b"\n\r" in data


def _csv_rows(data: bytes, columns: Sequence[str], name: str) -> Points:
    time, value = columns.index(TIMESTAMP), columns.index(VALUE)
    series = columns.index(SERIES) if SERIES in columns else None
    points = _Collected()
    for place, line in enumerate(_lines(data)):
        try:
            cells = next(csv.reader(io.StringIO(line.decode().rstrip("\r"), newline=""), strict=True), [])
            if not cells:
                continue
            if len(cells) != len(columns):
                raise ValueError(
                    f"it has {len(cells)} columns where the header has {len(columns)}; "
                    "give the row the header's columns, and put cells that hold commas in quotes"
                )
            points.add(place, name if series is None else cells[series], time_of(cells[time]), value_of(cells[value]))
        except UnicodeDecodeError as error:
            points.bad.append(BadPoint(place, f"it is not UTF-8: {error.reason}; convert the file first", line))
        except csv.Error as error:
            points.bad.append(BadPoint(place, f"it is no CSV: {error}; mend or remove it", line))
        except ValueError as error:
            points.bad.append(BadPoint(place, str(error), line))
    return points.points()


def _lines(data: bytes) -> list[bytes]:
    lines = data.split(_NEWLINE)
    return lines if lines[-1] else lines[:-1]


class _Collected:
    """Points one by one."""

    def __init__(self) -> None:
        self.bad: list[BadPoint] = []
        self._numbers: dict[str, int] = {}
        self._series: list[int] = []
        self._times: list[int] = []
        self._values: list[float] = []
        self._places: list[int] = []

    def add(self, place: int, series: str, time: float | None, value: float | None) -> None:
        self._series.append(self._numbers.setdefault(series, len(self._numbers)))
        self._times.append(NO_TIME if time is None else round(time * 1000.0))
        self._values.append(math.nan if value is None else value)
        self._places.append(place)

    def points(self) -> Points:
        return Points(
            list(self._numbers),
            np.array(self._series, np.int32),
            np.array(self._times, np.int64),
            np.array(self._values, np.float64),
            np.array(self._places, np.int64),
            self.bad,
        )
