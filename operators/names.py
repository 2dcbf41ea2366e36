"""Every name that Flink keeps: uids, state, side outputs. Changing one loses the state saved under it."""

from __future__ import annotations

UID_SPLITS = "splits"
UID_PACK = "pack"
UID_PARSE = "parse"
UID_WATERMARK = "watermark"
UID_AUTOMATA = "automata"
UID_MODELS = "models"
UID_ANOMALIES = "anomalies"
UID_DEAD_LETTERS = "dead-letters"
UID_STATISTICS = "statistics"

STATE_MODELS = "models"
"""Broadcast state: model id → model document, JSON."""
STATE_SOURCE = "source"
"""Keyed by source: :class:`models.source_reader.SourceState`, JSON."""
STATE_SHARD_LOG = "shard-log"
"""Keyed by shard: a snapshot and the batches since, see :mod:`operators.shard_log`."""

TAG_UNMATCHED = "unmatched"
TAG_DEAD_LETTERS = "dead-letters"
TAG_STATISTICS = "statistics"
