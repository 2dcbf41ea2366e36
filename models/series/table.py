"""Series in CSV files, read row by row: ``timestamp,value``, and a column ``series`` where a file holds several."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Self

from models.errors import UserError
from models.series.times import read_time

TIMESTAMP, VALUE, SERIES = "timestamp", "value", "series"
_NO_VALUE = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One row.

    Attributes:
        line: where it begins in its file, counted from 1.
        cells: its text, cell by cell, as read.
        series: which series it belongs to.
        time: seconds since 1970, UTC; None for an empty cell.
        value: a finite number; None for an empty cell, NaN or an infinity.
    """

    line: int
    cells: list[str]
    series: str
    time: float | None
    value: float | None


class SeriesTable:
    """One CSV file, open for reading; a context manager and an iterator over its rows.

    Args:
        path: file to read, plain or .gz, UTF-8.
        name: what errors call it, and the name of the series if there is no column ``series``.

    Attributes:
        name: as given.
        columns: the columns that it has, in order.

    Raises:
        UserError: the file cannot be read, is empty, or lacks a column; while iterating, a row cannot be read.
    """

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self._raw: IO[bytes] | None = None
        try:
            self._raw = open(path, "rb")  # noqa: SIM115 - closed by close()
            plain: Any = gzip.GzipFile(fileobj=self._raw) if path.endswith(".gz") else self._raw
            self._reader = csv.reader(io.TextIOWrapper(plain, encoding="utf-8-sig", newline=""), strict=True)
            self.columns = self._head()
        except OSError as error:
            self.close()
            raise UserError(f"{name} cannot be read: {error.strerror or error}") from None
        except BaseException:
            self.close()
            raise
        self._time = self.columns.index(TIMESTAMP)
        self._value = self.columns.index(VALUE)
        self._series = self.columns.index(SERIES) if SERIES in self.columns else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._raw is not None:
            self._raw.close()

    def bytes_read(self) -> int:
        """How far the file has been read, in bytes as they lie on the disk."""
        return 0 if self._raw is None or self._raw.closed else self._raw.tell()

    def __iter__(self) -> Iterator[SeriesRow]:
        width, time, value, series = len(self.columns), self._time, self._value, self._series
        while (found := self._next()) is not None:
            line, cells = found
            if len(cells) != width:
                if not cells:
                    continue
                raise UserError(
                    f"{self.name}, line {line}: {len(cells)} columns where the header has {width}; "
                    "give the row the header's columns, and put cells that hold commas in quotes"
                )
            yield SeriesRow(
                line,
                cells,
                self.name if series is None else cells[series],
                self._read_time(cells[time], line),
                self._read_value(cells[value], line),
            )

    def _head(self) -> list[str]:
        found = self._next()
        if found is None or not found[1]:
            raise UserError(f"{self.name} is empty; it needs a header with the columns timestamp and value")
        return columns_of(found[1], f"{self.name}, line {found[0]}")

    def _next(self) -> tuple[int, list[str]] | None:
        line = self._reader.line_num + 1
        try:
            return line, next(self._reader)
        except StopIteration:
            return None
        except UnicodeDecodeError as error:
            raise UserError(f"{self.name} is not UTF-8 near line {line}: {error.reason}; convert it first") from None
        except csv.Error as error:
            raise UserError(f"{self.name}, line {line} is no CSV: {error}; mend or remove it") from None
        except (EOFError, OSError) as error:
            raise UserError(f"{self.name} cannot be read on from line {line}: {error}; fetch or pack it anew") from None

    def _read_time(self, text: str, line: int) -> float | None:
        try:
            return time_of(text)
        except ValueError as error:
            raise UserError(f"{self.name}, line {line}: {error}") from None

    def _read_value(self, text: str, line: int) -> float | None:
        try:
            return value_of(text)
        except ValueError as error:
            raise UserError(f"{self.name}, line {line}: {error}") from None


def time_of(text: str) -> float | None:
    """Seconds since 1970, UTC, of a cell with a timestamp; None of an empty one.

    Raises:
        ValueError: it is none; the message says so, and the mend.
    """
    text = text.strip()
    if not text:
        return None
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"timestamp {text!r} is none; write it as 2014-04-01 00:05:00, or as seconds or milliseconds since 1970"
        ) from None


def value_of(text: str) -> float | None:
    """The number in a cell with a value; None of an empty one, and of NaN and infinities.

    Raises:
        ValueError: it is none; the message says so, and the mend.
    """
    try:
        value = float(text)
    except ValueError:
        if text.strip().lower() in _NO_VALUE:
            return None
        raise ValueError(f"value {text!r} is no number; write it as 12.5, or leave it empty for none") from None
    return value if math.isfinite(value) else None


def columns_of(cells: list[str], where: str) -> list[str]:
    """The columns that a header names.

    Args:
        cells: of the header.
        where: file and line, for errors.

    Raises:
        UserError: a column is missing, or there twice.
    """
    columns = [cell.strip() for cell in cells]
    for wanted in (TIMESTAMP, VALUE):
        if wanted not in columns:
            raise UserError(
                f"{where}: the header has no column {wanted!r}, but {', '.join(columns)}; "
                f"name the columns timestamp and value"
            )
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise UserError(f"{where}: column {twice[0]!r} is there twice; rename one of them")
    return columns
