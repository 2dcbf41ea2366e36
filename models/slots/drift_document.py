"""What is told of shares that drift: the anomaly document of type ``category_drift``."""

from __future__ import annotations

import math

from models.anomalies import CATEGORY_DRIFT, Document, anomaly_id, build, human_duration, iso_ms
from models.document import ModelDocument
from models.phrases import phrases
from models.slots.drift import Drift
from models.slots.settings import Category

_SHOWN = 10
_WORDS = 3
_SHOWN_CHARACTERS = 60


def drift_document(model: ModelDocument, category: Category, drift: Drift) -> Document:
    """The anomaly document.

    Its score is ``45 + 15 · log10(1 + support) / 4 + 40 · shift / 0.5``, the terms capped at 15 and 40, where *shift*
    is the part of the lines that have other values than normal.

    Args:
        model: the model in force.
        category: what is normal.
        drift: what was seen.
    """
    typical = {share.value: share.share for share in category.shares}
    actual = {value: lines / drift.lines for value, lines in drift.values.items() if value in typical or lines}
    change = {value: round(actual[value] - typical.get(value, 0.0), 9) for value in actual}
    moved = sorted(actual, key=lambda v: (-abs(change[v]), -change[v], v))  # of two alike, the one that rose
    most = moved[0]
    name = next((t.grok for t in model.templates if t.id == category.template), category.template)
    length = human_duration(drift.end_ms - drift.begin_ms)
    normal = f"{percent(typical[most])} is normal" if most in typical else "it is none of the usual values"
    reason = (
        f"From {iso_ms(drift.begin_ms)} on, for {length}, {percent(actual[most])} of the {drift.lines:,} lines of "
        f'"{phrases([name])[0]}" had {category.field} {_cut(most)}; {normal} '
        f"(learnt from {category.support:,} lines)."
    )
    shares = [
        {"value": value, "actual": round(actual[value], 6), "typical": round(typical.get(value, 0.0), 6)}
        for value in moved[:_SHOWN]
    ]
    score = 45 + min(15.0, 15 * math.log10(1 + category.support) / 4) + 40 * min(1.0, drift.fit.shift / 0.5)
    document = build(
        CATEGORY_DRIFT,
        identity=anomaly_id(
            model.id, CATEGORY_DRIFT, category.template, category.field, category.slot_ms, drift.begin_ms, drift.end_ms
        ),
        timestamp_ms=drift.begin_ms,
        score=score,
        model_id=model.id,
        model_version=model.version,
        source="",
        evidence=[],
        actual=_in_words(actual, moved),
        typical=_in_words({v: typical[v] for v in moved if v in typical}, [v for v in moved if v in typical]),
        reason=reason,
        template=category.template,
    )
    document["category"] = {
        "field": category.field,
        "begin": iso_ms(drift.begin_ms),
        "end": iso_ms(drift.end_ms),
        "lines": drift.lines,
        "moved": most,
        "shares": shares,
    }
    return document


def percent(share: float) -> str:
    """A share for people: ``12 %``, ``3.4 %``, ``0.05 %``."""
    value = 100 * share
    if value == 0 or value >= 9.95:
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 0.095 else f"{value:.2g} %"


def _in_words(shares: dict[str, float], order: list[str]) -> str:
    """The values that moved most, with their shares."""
    shown = [f"{_cut(value)} {percent(shares[value])}" for value in order[:_WORDS]]
    return ", ".join(shown) + (", …" if len(order) > _WORDS else "")


def _cut(value: str) -> str:
    return value if len(value) <= _SHOWN_CHARACTERS else value[: _SHOWN_CHARACTERS - 1] + "…"
