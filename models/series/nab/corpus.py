"""The files of the Numenta Anomaly Benchmark: series, and the windows in which a detection counts.

Layout, as published (version 1.1): ``data/GROUP/FILE.csv`` with the columns ``timestamp,value``, and
``labels/combined_windows.json``, which gives for each ``GROUP/FILE.csv`` a list of windows ``[first, last]``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import UserError
from models.series.table import SeriesTable
from models.series.times import read_time

_WINDOWS = Path("labels", "combined_windows.json")
_MEND = "give the folder of the benchmark, which holds data/ and labels/"


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One file.

    Attributes:
        name: ``GROUP/FILE.csv``.
        times: timestamp of each row, seconds since 1970.
        values: value of each row; None for none.
        windows: first and last row, both inclusive, of each labelled window, in order of time.
    """

    name: str
    times: list[float]
    values: list[float | None]
    windows: list[tuple[int, int]]

    @property
    def group(self) -> str:
        """The kind of data that the file belongs to."""
        return self.name.partition("/")[0]


def load_corpus(folder: str | Path) -> list[LabelledSeries]:
    """All files that the windows speak of, by name.

    Raises:
        UserError: something is missing, or cannot be read.
    """
    root = Path(folder)
    path = root / _WINDOWS
    try:
        windows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; {_MEND}") from None
    except ValueError as error:
        raise UserError(f"{path} is no JSON: {error}; fetch it anew") from None
    if not isinstance(windows, dict) or not windows:
        raise UserError(f'{path} has to be an object, file → list of windows, as in {{"realTweets/x.csv": []}}')
    return [_load(root, path, name, windows[name]) for name in sorted(windows)]


def _load(root: Path, labels: Path, name: str, windows: Any) -> LabelledSeries:
    path = root / "data" / name
    if not path.is_file():
        raise UserError(f"{path}: no such file, and {labels} speaks of it; {_MEND}")
    times: list[float] = []
    values: list[float | None] = []
    with SeriesTable(str(path), str(path)) as table:
        for row in table:
            if row.time is None:
                raise UserError(f"{path}, line {row.line}: timestamp is empty; a window needs it")
            times.append(row.time)
            values.append(row.value)
    return LabelledSeries(name, times, values, _rows(windows, times, f"{labels}: {name}"))


def _rows(windows: Any, times: list[float], where: str) -> list[tuple[int, int]]:
    """Windows in time as windows in rows."""
    found: list[tuple[int, int]] = []
    first_row: dict[float, int] = {}
    for row, time in enumerate(times):
        first_row.setdefault(time, row)
    for window in windows if isinstance(windows, list) else [windows]:
        try:
            first, last = (first_row[read_time(end)] for end in window)
        except (TypeError, ValueError, KeyError):
            raise UserError(
                f"{where}: window {window!r} has to be [first, last], two timestamps that the file has"
            ) from None
        if last <= first or (found and first <= found[-1][1]):
            raise UserError(f"{where}: window {window!r} is empty, or does not come after the one before it")
        found.append((first, last))
    return found
