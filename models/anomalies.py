"""Anomalies as documents: their one shape, their ids, and how they write times and durations."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from models.document import ModelDocument
from models.origins import Origin
from models.positions import index_of, offset_of

UNMATCHED_LOG = "unmatched_log"
MISSING_BEGIN = "missing_begin"
MISSING_END = "missing_end"
MISSING_STATE = "missing_state"
TOO_FEW = "too_few"
TOO_MANY = "too_many"
EXCLUDED_STATE = "excluded_state"
WRONG_ORDER = "wrong_order"
TOO_SHORT = "too_short"
TOO_LONG = "too_long"
FAST_STEP = "fast_step"
SLOW_STEP = "slow_step"
RULE = "rule"
NEW_VALUE = "new_value"
CATEGORY_DRIFT = "category_drift"
SERIES_TYPES = ("spike", "drop", "level_shift", "trend", "variance", "flat", "seasonality", "forecast_limit")
"""Incidents of series in time slots, see :mod:`models.series.incidents`."""
CORRELATION = "correlation"
"""Two series that do not go together as usual, see :mod:`models.series.correlation`."""
CUSTOM = "custom"
"""A violation that a checker found, see :mod:`models.checkers`."""

TYPES = (
    UNMATCHED_LOG, MISSING_BEGIN, MISSING_END, MISSING_STATE, TOO_FEW, TOO_MANY, EXCLUDED_STATE, WRONG_ORDER, TOO_SHORT,
    TOO_LONG, FAST_STEP, SLOW_STEP,
    RULE, NEW_VALUE, CATEGORY_DRIFT, *SERIES_TYPES, CORRELATION, CUSTOM,
)  # fmt: skip
"""All types of anomalies."""

Document = dict[str, Any]

_DAY_MS = 86_400_000
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_LEAST_MS = (1 - _EPOCH_DAY) * _DAY_MS
_MOST_MS = (dt.date.max.toordinal() + 1 - _EPOCH_DAY) * _DAY_MS - 1
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SHOWN_CHARACTERS = 200
_YEAR_1 = dt.datetime(1, 1, 1, tzinfo=dt.UTC)

# How severe a line of an unknown kind is, by the worst word that it says of itself.
_SEVERITIES = (
    (90.0, re.compile(r"\b(?:fatal|crit(?:ical)?|emerg(?:ency)?|panic|alert)\b", re.ASCII | re.IGNORECASE)),
    (80.0, re.compile(r"\b(?:err(?:or)?|severe|fail(?:ed|ure)?|\w*exception)\b", re.ASCII | re.IGNORECASE)),
    (65.0, re.compile(r"\bwarn(?:ing)?\b", re.ASCII | re.IGNORECASE)),
)
_UNMATCHED_SCORE = 50.0
_SEARCHED_CHARACTERS = 4096


def anomaly_id(*parts: str | int | None) -> str:
    """A deterministic id: 20 hexadecimal digits of the SHA-256 of the parts.

    The parts must tell the anomaly from all others of the same model and input, and hold nothing that depends on how
    the job ran.
    """
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:20]


def build(
    kind: str,
    *,
    identity: str,
    timestamp_ms: int,
    score: float,
    model_id: str,
    model_version: int,
    source: str,
    evidence: Sequence[Mapping[str, Any]],
    actual: str,
    typical: str,
    reason: str,
    transaction: Mapping[str, Any] | None = None,
    template: str | None = None,
    violations: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> Document:
    """An anomaly document (its schema: ``schemas/anomaly.schema.json``).

    Args:
        kind: one of :data:`TYPES`.
        identity: its id, see :func:`anomaly_id`.
        timestamp_ms: event time, epoch ms.
        score: 0 to 100; rounded to one decimal.
        model_id: the model that it departs from.
        model_version: its version.
        source: the file as given, or in a topic the name of the source.
        evidence: lines made by :func:`evidence_line`.
        actual: what was seen, in words.
        typical: what is normal, in words.
        reason: one sentence.
        transaction: ``{id, automaton, begin, end, states}``, or None.
        template: id of the template concerned, if any.
        violations: ``{state, other, actual, min, max, unit}`` each.
        more: keys that only some types have.

    Raises:
        ValueError: the type or the score is none.
    """
    if kind not in TYPES:
        raise ValueError(f"no anomaly type {kind!r}")
    if not 0 <= score <= 100:
        raise ValueError(f"a score of {score} is not within 0 to 100")
    return {
        "@timestamp": iso_ms(timestamp_ms),
        "id": identity,
        "type": kind,
        "score": round(float(score), 1),
        "model": {"id": model_id, "version": model_version},
        "source": source,
        "transaction": None if transaction is None else dict(transaction),
        "template": template,
        "evidence": [dict(line) for line in evidence],
        "actual": actual,
        "typical": typical,
        "violations": [dict(violation) for violation in violations],
        "reason": reason,
        **(more or {}),
    }


def evidence_line(source: str, position: int, event_ms: int, text: str, *, topic: bool = False) -> Document:
    """A line of evidence.

    Args:
        source: where the line comes from, see :mod:`models.origins`.
        position: 1-based line number, or position in a topic, see :mod:`models.positions`.
        event_ms: time written in the line, epoch ms.
        text: the line with those that continue it.
        topic: the origin is one in a topic.
    """
    place = place_in_topic(source, position) if topic else {"file": source, "line": position}
    return {**place, "timestamp": iso_ms(event_ms), "text": text}


def place_in_topic(origin: str, position: int) -> Document:
    """Topic, partition and offset, and for all but the first line of a message its 1-based line."""
    where = Origin.parse(origin)
    place: Document = {"topic": where.topic, "partition": where.partition, "offset": offset_of(position)}
    index = index_of(position)
    if index:
        place["line"] = index + 1
    return place


def revision(document: Mapping[str, Any]) -> int | None:
    """Which of several documents with the same id holds: the one with the highest number. None: it is told only once.

    An incident of a series is told when it begins and when it is over, or all input is. The number follows from the
    last slot that was known then.
    """
    series = document.get("series")
    if series is None:
        return None
    known = dt.datetime.fromisoformat(series["recent"][-1][0]) if series["recent"] else _YEAR_1
    return 2 * ((known - _YEAR_1) // dt.timedelta(milliseconds=1)) + (series["stage"] == "end")


def unmatched_log(
    model: ModelDocument,
    source: str,
    position: int,
    event_ms: int,
    text: str,
    transaction: str | None = None,
    *,
    topic: bool = False,
) -> Document:
    """The anomaly of a line that fits no template.

    Its score tells how severe the line calls itself: 90 for fatal and the like, 80 for errors, 65 for warnings,
    else 50. Lines that continue it are evidence and nothing else: how many of them are known may depend on when they
    arrived.

    Args:
        model: the model in force.
        source: where the line comes from, see :mod:`models.origins`.
        position: 1-based line number, or position in a topic.
        event_ms: time written in the line, epoch ms.
        text: the line with those that continue it.
        transaction: identifier found in the line, if any.
        topic: the origin is one in a topic.
    """
    name = source if topic else posixpath.basename(source)
    line = text.partition("\n")[0].rstrip("\r")
    shown = line.strip()
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[: _SHOWN_CHARACTERS - 1].rstrip() + "…"
    known = len(model.templates)
    messages = f"{known:,} known message{'' if known == 1 else 's'}"
    place = place_in_words(source, position) if topic else f"Line {position:,} of {name}"
    return build(
        UNMATCHED_LOG,
        # The line is part of the id, so that files of the same name in different folders do not collide.
        identity=anomaly_id(model.id, UNMATCHED_LOG, name, position, line),
        timestamp_ms=event_ms,
        score=line_score(line),
        model_id=model.id,
        model_version=model.version,
        source=Origin.parse(source).source if topic else source,
        transaction=(
            None
            if transaction is None
            else {"id": transaction, "automaton": None, "begin": None, "end": None, "states": []}
        ),
        evidence=[evidence_line(source, position, event_ms, text, topic=topic)],
        actual=shown,
        typical=f"one of {messages}" if known else "no known messages",
        reason=f"{place} fits none of the {messages}: {shown}",
    )


def line_score(line: str) -> float:
    """How severe a line calls itself: 90 for fatal and the like, 80 for errors, 65 for warnings, else 50."""
    return next((s for s, words in _SEVERITIES if words.search(line, 0, _SEARCHED_CHARACTERS)), _UNMATCHED_SCORE)


def place_in_words(origin: str, position: int) -> str:
    """Where a line of a topic stands, for people."""
    where, index = Origin.parse(origin), index_of(position)
    partition = f"{where.topic}/{where.partition}"
    line = f"Line {index + 1:,} of offset" if index else "Offset"
    name = "" if where.source == partition else f" ({where.source})"
    return f"{line} {offset_of(position)} of {partition}{name}"


def iso_ms(ms: int) -> str:
    """Epoch ms as UTC, ``2008-11-09T20:35:31.000Z``; times before year 1 or after 9999 become the nearest of these."""
    day, rest = divmod(min(max(int(ms), _LEAST_MS), _MOST_MS), _DAY_MS)
    seconds, millis = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"


@functools.lru_cache(maxsize=1024)
def _date(day: int) -> str:
    return dt.date.fromordinal(_EPOCH_DAY + day).isoformat()


def human_duration(ms: int) -> str:
    """A duration for people: ``85 ms``, ``1.25 s``, ``1 min 32 s``, ``2 h 5 min``, ``3 d 4 h``.

    Under a minute it is exact; above, it is cut to the two largest units.
    """
    if ms < 0:
        return "-" + human_duration(-ms)
    if ms < 1000:
        return f"{ms} ms"
    seconds, millis = divmod(ms, 1000)
    if seconds < 60:
        return f"{seconds}.{millis:03}".rstrip("0").rstrip(".") + " s"
    parts: list[str] = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count:,} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)
