"""Finds out from a sample of raw lines where their timestamps stand and how they are written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.timestamps.calendar import BoolArray
from models.timestamps.candidates import Place, Sample, Trial, attempt, order_of, propose
from models.timestamps.catalogue import KNOWN_FORMATS
from models.timestamps.errors import NoTimestampError, TimestampFormatError
from models.timestamps.patterns import NONE, compile_pattern
from models.timestamps.settings import TimestampSettings
from models.timestamps.zones import LocalTime

_MOST_LINES = 5000
_SEARCHED_LINES = 400
_MOST_FORMATS = 5
_ANY_YEAR = 2000  # for weighing formats without a year before the year is asked for; has a 29 February

# Shares of the lines that begin with no blank (others continue a line) which a place must serve to be believed.
_LEAST_SHARE_AT_BEGINNING = 0.02
_LEAST_SHARE_WITHIN = 0.25


def detect(
    lines: Sequence[bytes],
    timezone: str,
    timestamp_format: str | None = None,
    default_year: int | None = None,
) -> TimestampSettings:
    """Find formats and position of the timestamps of a source.

    Places are searched with every known format in some hundred lines and then tried on all. A place is the better the
    more lines it serves, the nearer it is to the line's beginning and the better its times are in order; of the formats
    at that place the one that explains most bytes of timestamps comes first, then what reads the lines left over.

    Args:
        lines: raw lines in their order, some of which may have no timestamp; the first 5,000 are used.
        timezone: zone of timestamps that do not tell theirs.
        timestamp_format: the format, if known; then only its position is sought, for ``NONE`` not even that.
        default_year: year of the first line, for formats without a year.

    Raises:
        NoTimestampError: no place has timestamps in enough lines.
        TimestampFormatError: the given format or zone is not valid, or a year is needed and not given.
    """
    LocalTime(timezone)
    if timestamp_format == NONE:
        return TimestampSettings((NONE,), timezone)
    formats = KNOWN_FORMATS if timestamp_format is None else (timestamp_format,)
    for text in formats:
        compile_pattern(text)
    sample = Sample([line for line in lines[:_MOST_LINES] if line.strip()])
    step = max(1, len(sample) // _SEARCHED_LINES)
    best: tuple[float, Place, list[Trial]] | None = None
    for place, texts in propose(sample.lines[::step], formats).items():
        ordered = (text for text in formats if text in texts)
        tried = (attempt(sample, place, text, timezone, default_year or _ANY_YEAR) for text in ordered)
        trials = [trial for trial in tried if trial is not None]
        score = _score(sample, trials)
        if score > 0 and (best is None or (score, len(place.literal)) > (best[0], len(best[1].literal))):
            best = score, place, trials
    if best is None:
        raise _nothing_found(sample, timestamp_format)
    _, place, trials = best
    chosen = tuple(trial.format for trial in _choose(trials, formats))
    yearless = [text for text in chosen if not compile_pattern(text).has_year]
    if yearless and default_year is None:
        raise TimestampFormatError(
            f"the timestamps ({yearless[0]}) do not tell the year; give the year of the first line with --year"
        )
    return TimestampSettings(chosen, timezone, default_year if yearless else None, place.skip_words, place.literal)


def _score(sample: Sample, trials: list[Trial]) -> float:
    """How well a place serves the lines; 0 if it is not to be believed."""
    if not trials:
        return 0.0
    found = _union(trials)
    main = max(trials, key=lambda trial: int(trial.found.sum()))
    first_bytes = sample.data[np.minimum(sample.starts, len(sample.data) - 1)]
    heads = max(1, int(((first_bytes != 32) & (first_bytes != 9)).sum()), int(found.sum()))
    share = float(found.sum()) / heads
    offset = float(main.offset[main.found].mean())
    if share < (_LEAST_SHARE_AT_BEGINNING if offset == 0 else _LEAST_SHARE_WITHIN):
        return 0.0
    times = main.ms[main.found]
    order = order_of(times)
    if len(times) > 20 and times[0] == times[-1] and (times == times[0]).all():
        order = 0.0  # says the same in every line, like the name of a rotated file
    nearness = 2.0 if offset == 0 else 0.9 ** (offset / 8)
    return share * nearness * (0.5 + 0.5 * order)


def _union(trials: list[Trial]) -> BoolArray:
    found = trials[0].found.copy()
    for trial in trials[1:]:
        found |= trial.found
    return found


def _choose(trials: list[Trial], formats: Sequence[str]) -> list[Trial]:
    """The formats to use at a place, in order."""
    rest = _union(trials)
    least = max(2, int(rest.sum()) // 500)
    chosen: list[Trial] = []
    while len(chosen) < _MOST_FORMATS:
        best = max(trials, key=lambda trial: _weight(trial, rest, formats))
        gain = int((best.found & rest).sum())
        if gain == 0 or (chosen and gain < least):
            break
        chosen.append(best)
        rest &= ~best.found
    return chosen


def _weight(trial: Trial, rest: BoolArray, formats: Sequence[str]) -> tuple[int, float, int, int]:
    """Bytes explained first; then order, then the shorter span of time (day and month mixed up spread the days)."""
    rows = trial.found & rest
    times = trial.ms[rows]
    if not times.size:
        return 0, 0.0, 0, 0
    span = int(times.max()) - int(times.min())
    return int(trial.length[rows].sum()), order_of(times), -span, -formats.index(trial.format)


def _nothing_found(sample: Sample, timestamp_format: str | None) -> NoTimestampError:
    if not len(sample):
        return NoTimestampError("no timestamp was found: there are no lines")
    example = sample.lines[0][:200].decode("utf-8", "replace")
    if timestamp_format is not None:
        return NoTimestampError(
            f"no timestamp of the format {timestamp_format!r} was found in {len(sample):,} lines; "
            f"correct --timestamp-format. A line: {example}"
        )
    return NoTimestampError(
        f"no timestamp was found in {len(sample):,} lines; say how it is written with --timestamp-format, for example "
        f"--timestamp-format 'yyyy-MM-dd HH:mm:ss,SSS' (or NONE to go without). A line: {example}"
    )
