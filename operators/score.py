"""``score``: scores the points of each shard of series, and tells incidents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from models.series.scoring.documents import incident_documents, refused_letters, score_lines
from models.series.scoring.points import PointBatch
from models.series.scoring.settings import ScoreSettings
from operators import metrics
from operators.counting import CountingGroup
from operators.elements import joined
from operators.names import STATE_SCORE_LOG, TAG_DEAD_LETTERS, TAG_SCORES, TAG_STATISTICS
from operators.score_log import ScoreLog
from operators.worker import prepare_worker

DEAD_LETTERS = OutputTag(TAG_DEAD_LETTERS, Types.STRING())
SCORES = OutputTag(TAG_SCORES, Types.STRING())
"""What is said of each point, :func:`models.series.scoring.documents.score_lines`."""
STATISTICS = OutputTag(TAG_STATISTICS, Types.STRING())


class Score(KeyedProcessFunction):
    """Keyed by shard of series; takes encoded ``PointBatch``.

    What goes out are incidents, those of a batch as one string, a line each; so do the side outputs.

    Args:
        settings: how series are scored.
        scores: tell what is said of each point.
    """

    def __init__(self, settings: ScoreSettings, scores: bool) -> None:
        self._settings = settings
        self._scores = scores
        self._logs: dict[str, ScoreLog] = {}

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        kind = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._state = runtime_context.get_list_state(ListStateDescriptor(STATE_SCORE_LOG, kind))
        group = CountingGroup(runtime_context.get_metrics_group())
        self._counters = {name: group.counter(metric) for name, metric in metrics.SCORED_BY_COUNT.items()}
        group.gauge(metrics.SERIES_WATCHED, lambda: sum(log.shard.series for log in self._logs.values()))

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        key = ctx.get_current_key()
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = ScoreLog(self._state, self._settings)
        batch = PointBatch.decode(value)
        before = log.shard.series
        found = log.take(self._state, value, batch)
        incidents = incident_documents(batch, found, self._settings.detector)
        if incidents:
            yield joined(incidents)
        if self._scores:
            yield SCORES, "\n".join(score_lines(batch, found, self._settings.detector))
        if found.refused:
            yield DEAD_LETTERS, joined(refused_letters(batch, found))
        counts = {
            "scored": len(batch) - len(found.refused),
            "alarms": int(found.alarm.sum()),
            "refused": len(found.refused),
        }
        for name, number in counts.items():
            if number:
                self._counters[name].inc(number)
        yield STATISTICS, json.dumps({**counts, "series": log.shard.series - before})
