"""Finds out from a sample of raw lines whether they are structured, and which keys hold time, level and message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from models.phrases import LEVEL
from models.structure.canonical import CanonicalWriter
from models.structure.frames import find_frames, write_canonical
from models.structure.pairs import Pairs, text_of
from models.structure.settings import FORMATS, JSON, StructureSettings
from models.timestamps import NoTimestampError, TimestampFormatError, TimestampReader, detect
from models.timestamps.candidates import Sample, order_of
from models.timestamps.patterns import NONE

LEAST_SHARE = 0.9
"""So much of the text of a source, in bytes, has to be structured."""
_LEAST_PAIRS = 2
_TRIED_VALUES = 400
_LEAST_PRESENT = 0.5
_LEAST_TIMED = 0.9
_TIME_NAMES = (
    "@timestamp", "timestamp", "ts", "time", "datetime", "@t", "t", "eventtime", "event_time", "asctime", "date",
    "_time", "created", "created_at", "when",
)  # fmt: skip
_LEVEL_NAMES = ("level", "severity", "lvl", "loglevel", "log_level", "levelname", "log.level", "@l", "severitytext")
_MESSAGE_NAMES = ("message", "msg", "@message", "short_message", "@m", "@mt", "text", "log", "event", "body", "action")
_NO_MESSAGES = re.compile(r"stack|trace|exception|agent|referr?er|caller|query|sql|url|path", re.IGNORECASE)
_NUMBERED_LEVELS = frozenset(["10", "20", "30", "40", "50", "60"])
_NUMBER = re.compile(r"[-+0-9.eE]+")
_DIGIT = re.compile(r"[0-9]")


def find_structure(
    lines: Sequence[bytes],
    timezone: str,
    timestamp_format: str | None = None,
    year: int | None = None,
    wanted: str | None = None,
) -> StructureSettings | None:
    """How the lines of a source are structured; None where they are plain text.

    Args:
        lines: raw lines in their order.
        timezone: zone of timestamps that do not tell theirs.
        timestamp_format: the format of the timestamps, if known.
        year: of the first line, for formats without a year.
        wanted: ``json`` or ``logfmt``: look for nothing else; None: find out.

    Returns:
        Settings that take all keys, without optional ones; :class:`~models.structure.profile.KeyProfile` tells more.
    """
    sample = Sample([line for line in lines if line.strip()])
    for form in FORMATS if wanted is None else (wanted,):
        settings = StructureSettings(form)
        found = structured(sample, settings)
        if not found or (wanted is None and not _is_structured(sample, settings)):
            continue
        keys = _present(found)
        level = _level(found, keys)
        time = "" if timestamp_format == NONE else _time(found, keys, timezone, timestamp_format, year)
        if not time and timestamp_format != NONE and wanted is None:
            return None  # what has no time of its own is no event by itself
        return replace(settings, timestamp=time, level=level, message=_message(found, keys - {time, level}))
    return None


def structured(sample: Sample, settings: StructureSettings) -> list[Pairs]:
    """The pairs of all structured lines."""
    if not len(sample):
        return []
    return list(find_frames(sample.data.tobytes(), sample.starts, sample.ends, settings).pairs.values())


def canonical_lines(lines: Iterable[bytes], settings: StructureSettings) -> list[bytes]:
    """Lines as detection of timestamps may read them: structured ones in their canonical form, no others."""
    sample = Sample(list(lines))
    if not len(sample):
        return []
    raw = sample.data.tobytes()
    frames = find_frames(raw, sample.starts, sample.ends, settings)
    data, starts, ends = write_canonical(raw, sample.starts, sample.ends, frames, CanonicalWriter(settings))
    return [data[starts[i] : ends[i]].tobytes() for i in sorted(frames.pairs)]


def _is_structured(sample: Sample, settings: StructureSettings) -> bool:
    """Whether nearly all of the text is."""
    frames = find_frames(sample.data.tobytes(), sample.starts, sample.ends, settings)
    lengths = sample.ends - sample.starts
    covered = sum(int(lengths[i : frames.last.get(i, i) + 1].sum()) for i in frames.pairs)
    if settings.format == JSON:
        return covered >= LEAST_SHARE * int(lengths.sum())
    # Of logfmt every word is a pair; lines that begin with a blank continue one.
    heads = sum(1 for line in sample.lines if line[:1] not in (b" ", b"\t"))
    telling = sum(
        1
        for i, pairs in frames.pairs.items()
        if len(pairs) >= _LEAST_PAIRS and sample.lines[i].count(b"=") >= len(pairs)
    )
    return telling >= LEAST_SHARE * heads


def _present(found: list[Pairs]) -> set[str]:
    counts: dict[str, int] = {}
    for pairs in found:
        for key in pairs:
            counts[key] = counts.get(key, 0) + 1
    return {key for key, count in counts.items() if count >= _LEAST_PRESENT * len(found)}


def _rank(key: str, names: Sequence[str]) -> int:
    lower = key.lower()
    last = lower.rpartition(".")[2]
    return names.index(lower) if lower in names else len(names) + names.index(last) if last in names else 2 * len(names)


def _time(found: list[Pairs], keys: set[str], timezone: str, timestamp_format: str | None, year: int | None) -> str:
    """The key that holds the time: one by a usual name, else the one whose times are best in order."""
    best: tuple[float, str] | None = None
    for key in sorted(keys, key=lambda key: (_rank(key, _TIME_NAMES), key)):
        values = [text_of(pairs[key]).encode("utf-8", "replace") for pairs in found if key in pairs]
        values = [value for value in values if value][: 20 * _TRIED_VALUES]
        if sum(len(_DIGIT.findall(value.decode())) >= 6 for value in values[:50]) < 0.9 * min(50, len(values)):
            continue
        order = _times_in_order(values, timezone, timestamp_format, year)
        if order is None:
            continue
        if _rank(key, _TIME_NAMES) < 2 * len(_TIME_NAMES):
            return key
        if best is None or order > best[0]:
            best = order, key
    return best[1] if best is not None else ""


def _times_in_order(values: list[bytes], timezone: str, form: str | None, year: int | None) -> float | None:
    """How well values are in order of time; None where they are no times."""
    some = values[:_TRIED_VALUES]
    try:
        settings = detect(some, timezone, form, year)
    except (NoTimestampError, TimestampFormatError):
        return None
    sample = Sample(some)
    column = TimestampReader(settings).read(sample.data, sample.starts, sample.ends)
    whole = column.found & (column.end == sample.ends) & (column.begin == sample.starts)
    if not len(sample) or float(np.mean(whole)) < _LEAST_TIMED:
        return None
    return order_of(column.ms[whole])


def _level(found: list[Pairs], keys: set[str]) -> str:
    for key in sorted(keys, key=lambda key: (_rank(key, _LEVEL_NAMES), key)):
        if _rank(key, _LEVEL_NAMES) == 2 * len(_LEVEL_NAMES):
            return ""
        values = {text_of(pairs[key]) for pairs in found if key in pairs}
        if values <= _NUMBERED_LEVELS or all(LEVEL.fullmatch(v) or v.upper().startswith("INFO") for v in values if v):
            return key
    return ""


def _message(found: list[Pairs], keys: set[str]) -> str:
    """The key with free text: one by a usual name whose values are texts of several words, else the wordiest."""
    words: dict[str, float] = {}
    for key in keys:
        values = [pairs[key] for pairs in found if key in pairs]
        texts = [value for value in values if type(value) is str and value and not _NUMBER.fullmatch(value)]
        if len(texts) >= 0.9 * len(values) and texts:
            words[key] = sum(len(text.split()) for text in texts) / len(texts)
    named = sorted((k for k in words if _rank(k, _MESSAGE_NAMES) < 2 * len(_MESSAGE_NAMES)), key=_by_name)
    for key in named:
        if words[key] >= 1.5:
            return key
    wordy = [key for key in words if words[key] >= 2 and not _NO_MESSAGES.search(key)]
    if wordy:
        return max(wordy, key=lambda key: (words[key], key))
    return named[0] if named else ""


def _by_name(key: str) -> tuple[int, str]:
    return _rank(key, _MESSAGE_NAMES), key
