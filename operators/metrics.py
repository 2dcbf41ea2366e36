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
    "allowed": "anomalies_allowed",
}
"""Counters of ``parse``, in lines (``anomalies_allowed``: in findings that are not told, as the model allows them):
what :data:`models.topic_watch.COUNTS` counts → the metric."""

CLOCK_LAG_MS = "clock_lag_ms"
"""Gauge of ``parse``, ms: how far a source's clock (in group ``source``), or the slowest of them, is behind the wall
clock. Of a replayed old log it is the log's age."""

SOURCE_GROUP = "source"
MODEL_GROUP = "model"

MODEL_VERSION = "model_version"
"""Gauge of ``parse`` in group ``model``: the version in force; 0 where the model is not in force any more."""

MODELS_IN_FORCE = "models_in_force"
"""Gauge of ``parse`` and ``resolve``: how many models are in force."""

MODELS_EPOCH = "models_epoch"
"""Gauge of ``parse``, ``automata``, ``resolve``: number of the last model change that the subtask has heard of; equal
everywhere a moment after a change."""

CONTROL_ACCEPTED = "control_accepted"
"""Counter of ``resolve``: control messages that were followed."""

CONTROL_REJECTED = "control_rejected"
"""Counter of ``resolve``: control messages that were not; the reply says why."""

TRANSACTIONS_BY_COUNT = {
    "judged": "transactions_judged",
    "anomalies": "anomalies",
    "allowed": "anomalies_allowed",
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

SLOTS_BY_COUNT = {
    "slots": "slots_closed",
    "late": "slot_lines_late",
    "anomalies": "slot_anomalies",
    "allowed": "anomalies_allowed",
}
"""Counters of ``slots``: what :data:`models.slots.shard.COUNTERS` counts → the metric. ``slot_lines_late`` are lines
that came after their slot was closed; a line counts once for each series that it belongs to."""

OPEN_SLOTS = "open_slots"
"""Gauge of ``slots``: slots with lines that are not closed yet."""

LINES_OF_POINTS_BY_COUNT = {"lines": "point_lines", "points": "points_read", "dead_letters": "point_lines_dead"}
"""Counters of ``points``: what :class:`models.series.scoring.source.Taken` counts → the metric."""

POINT_SOURCES = "point_sources"
"""Gauge of ``points``: files that the subtask reads."""

SCORED_BY_COUNT = {"scored": "points_scored", "alarms": "series_alarms", "refused": "points_refused"}
"""Counters of ``score``: what :class:`operators.score.Score` counts → the metric. ``points_refused`` are points that
were not judged, each a dead letter."""

SERIES_WATCHED = "series_watched"
"""Gauge of ``score``: series that the subtask knows."""

DOCUMENTS_INDEXED = "documents_indexed"
"""Counter of ``elasticsearch``: documents that Elasticsearch has acknowledged."""

DOCUMENTS_REFUSED = "documents_refused"
"""Counter of ``elasticsearch``: documents that Elasticsearch refused for good, dead letters among them."""

BULK_RETRIES = "bulk_retries"
"""Counter of ``elasticsearch``: requests that were sent again, whole or in part."""

BULK_MS = "bulk_ms"
"""Distribution of ``elasticsearch``, ms: how long a request took."""

SINK_BACKLOG = "sink_backlog"
"""Gauge of ``elasticsearch``: documents that wait in the subtask."""

CHECKER_GROUP = "checker"
"""Group of ``parse`` and ``automata`` with the id of a checker, in both for each one."""

CHECKER_VIOLATIONS = "checker_violations"
"""Counter in group ``checker``: what the checker found."""

CHECKER_FAILURES = "checker_failures"
"""Counter in group ``checker``: how often it failed; each failure is a dead letter."""

CHECKER_BUSY_US = "checker_busy_us"
"""Counter in group ``checker``, µs: how long it took."""

CHECKER_OFF = "checker_off"
"""Gauge in group ``checker``: 1 once it has failed so often in a row that it is switched off, else 0."""

CHECKER_METRICS = (CHECKER_VIOLATIONS, CHECKER_FAILURES, CHECKER_BUSY_US, CHECKER_OFF)
"""Of each checker in its group; none where there are no checkers."""

METRICS = {
    "parse": (*LINES_BY_COUNT.values(), CLOCK_LAG_MS, MODEL_VERSION, MODELS_IN_FORCE, MODELS_EPOCH, *CHECKER_METRICS),
    "automata": (*TRANSACTIONS_BY_COUNT.values(), OPEN_TRANSACTIONS, WAITING_EVENTS, MODELS_EPOCH, *CHECKER_METRICS),
    "slots": (*SLOTS_BY_COUNT.values(), OPEN_SLOTS, MODELS_EPOCH),
    "points": (*LINES_OF_POINTS_BY_COUNT.values(), POINT_SOURCES),
    "score": (*SCORED_BY_COUNT.values(), SERIES_WATCHED),
    "resolve": (CONTROL_ACCEPTED, CONTROL_REJECTED, MODELS_IN_FORCE, MODELS_EPOCH),
    "elasticsearch": (DOCUMENTS_INDEXED, DOCUMENTS_REFUSED, BULK_RETRIES, BULK_MS, SINK_BACKLOG),
}
"""Name of an operator → its metrics."""
