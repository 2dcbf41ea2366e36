"""The page of scored series, made from the scores that were written."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

from jobs.progress import Progress
from models.report.scored_page import write_scored
from models.report.scored_series import ScoredRow, ScoredSeries
from models.series.table import SeriesTable

_PROGRESS_ROWS = 20_000


def write_page(scores: str, page: str, title: str, progress: Progress) -> None:
    """Read scores row by row and draw each series with its alarms.

    Series that have the same name in several of the files that were scored are drawn as one.

    Args:
        scores: what ``weirwatch series score`` wrote.
        page: HTML file to write.
        title: heading of the page.
        progress: is told how far it is.

    Raises:
        UserError: the scores cannot be read, or the page cannot be written.
    """
    found: dict[str, ScoredSeries] = {}
    size = max(Path(scores).stat().st_size, 1)
    with SeriesTable(scores, scores) as table:
        score, alarm, *bounds = map(table.columns.index, ("anomaly_score", "alarm", "expected", "lower", "upper"))
        kind = table.columns.index("type") if "type" in table.columns else None
        for count, row in enumerate(table, start=1):
            one = found.get(row.series)
            if one is None:
                one = found[row.series] = ScoredSeries(row.series)
            numbers = (math.nan if row.value is None else row.value, *(_number(row.cells[at]) for at in bounds))
            type_ = "" if kind is None else row.cells[kind]
            one.add(ScoredRow(row.time, numbers, _number(row.cells[score]), row.cells[alarm] == "1", type_))
            if count % _PROGRESS_ROWS == 0:
                progress.text(f"drawing: {table.bytes_read() / size:.0%}, {count:,} rows")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    write_scored(page, list(found.values()), title, now)


def _number(text: str) -> float:
    return float(text) if text else math.nan
