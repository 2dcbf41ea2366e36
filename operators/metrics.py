"""The names of all metrics, with unit and meaning; docs/operations.md shows them to those who watch the job."""

from __future__ import annotations

LINES_BY_COUNT = {
    "lines": "lines",
    "matched": "lines_matched",
    "unmatched": "lines_unmatched",
    "continued": "lines_continued",
    "dead_letters": "lines_dead",
    "late": "events_late_at_source",
    "unmodelled": "lines_unmodelled",
    "paused": "lines_paused",
}
"""Counters of ``parse``, in lines: what :data:`models.topic_watch.COUNTS` counts → the metric."""

CLOCK_LAG_MS = "clock_lag_ms"
"""Gauge of ``parse``, ms: how far a source's clock (in group ``source``), or the slowest of them, is behind the wall
clock. Of a replayed old log it is the log's age."""

SOURCE_GROUP = "source"
MODEL_GROUP = "model"

MODEL_VERSION = "model_version"
"""Gauge of ``parse`` in group ``model``: the version in force; 0 where the model is not in force any more."""

MODELS_IN_FORCE = "models_in_force"
"""Gauge: how many models are in force."""

MODELS_EPOCH = "models_epoch"
"""Gauge: number of the last model change that the subtask has heard of; equal everywhere a moment after a change."""

TRANSACTIONS_BY_COUNT = {
    "judged": "transactions_judged",
    "anomalies": "anomalies",
    "late": "events_late",
    "dropped": "events_dropped",
    "unassigned": "events_unassigned",
}
"""Counters of ``automata``: what :data:`models.automata.shard.COUNTERS` counts → the metric. ``events_dropped`` are
waiting events and open transactions that had no place in a new model, or whose model was deleted."""

OPEN_TRANSACTIONS = "open_transactions"
"""Gauge of ``automata``: transactions that are not judged yet."""

WAITING_EVENTS = "waiting_events"
"""Gauge of ``automata``: events that wait until the clock has passed them."""
