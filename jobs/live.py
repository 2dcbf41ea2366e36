"""The main job on topics: reads Kafka, takes models and word of sources from a control channel, tells what it finds.

``weirwatch run`` runs it on the embedded mini cluster, ``flink run -py jobs/detect.py --config conf/live.yaml`` on a
cluster. See docs/design.md for its shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyflink.common import Duration, Types, WatermarkStrategy
from pyflink.datastream import DataStream, StreamExecutionEnvironment

from jobs.control_source import control_directory, control_topic, replies_to_directory, replies_to_topic
from jobs.live_settings import KafkaOutputConfig, LiveConfig
from jobs.live_sinks import to_elasticsearch, to_topic
from jobs.live_source import line_batches
from jobs.naming import by_key, side, timed
from jobs.preparation import Preparation
from models.aligned_clock import ClockSettings
from models.dead_letter_limit import LimitSettings
from models.index_names import ANOMALY, DEAD_LETTER
from models.messages import MessageSettings
from models.source_reader import ReadLimits
from models.topic_watch import WatchSettings
from operators import names
from operators.automata import Automata
from operators.elasticsearch_sink import ElasticsearchSink, SinkLimits
from operators.models_in_force import MODELS
from operators.parse import DEAD_LETTERS, EVENTS_TYPE, SLOT_COUNTS, UNMATCHED
from operators.parse_topic import SOURCE_WORDS, ParseTopic
from operators.resolve import CONTROL_TYPE, KEYED_CONTROL_TYPE, REPLIES, WAKE_UP, Resolve
from operators.resolve import EVENTS_TYPE as CONTROL_EVENTS_TYPE
from operators.slots import LATE, SERIES, Slots

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_UNHEARD_S = 30
"""A subtask of ``parse`` that says nothing for so long reads no source; those that do speak once a second."""


def build(env: StreamExecutionEnvironment, tables: Any, config: LiveConfig, found: Preparation) -> None:
    """Put the job's graph together.

    Args:
        env: where the graph is built.
        tables: its table environment.
        config: what to read, write and how.
        found: what was found at submission: partitions, models, clients.
    """
    control = _control(env, tables, config, found)
    batches = line_batches(
        env,
        tables,
        found.partitions,
        MessageSettings(config.input.format, config.input.encoding, config.input.envelope),
        found.source_options,
        config.input.source_header,
    )
    parse = ParseTopic(
        found.models,
        _watch_settings(config),
        found.offsets,
        [p.name for p in found.partitions],
        checkers=config.checkers,
    )
    events = (
        by_key(batches, _BYTES)
        .connect(control.broadcast(MODELS, SOURCE_WORDS))
        .process(parse, EVENTS_TYPE)
        .uid(names.UID_PARSE)
        .name("parse")
    )
    in_time = timed(events, _watermarks(), names.UID_WATERMARK, "watermark")
    automata = Automata(found.models, config.evidence.max_lines, topic=True, statistics=False, checkers=config.checkers)
    judged = (
        by_key(in_time, _BYTES)
        .connect(control.broadcast(MODELS))
        .process(automata, Types.STRING())
        .uid(names.UID_AUTOMATA)
        .name("automata")
    )
    anomalies = judged.union(side(events, UNMATCHED, names.UID_UNMATCHED, "unmatched lines"))
    counts = side(events, SLOT_COUNTS, names.UID_SLOT_COUNTS, "slot counts")
    slots = (
        by_key(timed(counts, _watermarks(), names.UID_SLOT_WATERMARK, "slot watermark"), _BYTES)
        .connect(control.broadcast(MODELS))
        .process(Slots(found.models, endless=True), Types.STRING())
        .uid(names.UID_SLOTS)
        .name("slots")
    )
    anomalies = anomalies.union(slots)
    if config.output.kafka is not None and config.output.kafka.series is not None:
        closed = side(slots, SERIES, f"{names.UID_SERIES}-told", "closed slots")
        late = side(slots, LATE, names.UID_LATE, "late lines of slots")
        _to_kafka(config.output.kafka, found, closed.union(late), config.output.kafka.series, names.UID_SERIES)
    dead = side(events, DEAD_LETTERS, names.UID_DEAD_RECORDS, "dead letters of parse")
    if config.checkers:
        dead = dead.union(side(judged, DEAD_LETTERS, names.UID_CHECKER_FAILURES, "failures of checkers"))
    _outputs(config, found, anomalies, dead)


def _control(env: StreamExecutionEnvironment, tables: Any, config: LiveConfig, found: Preparation) -> DataStream:
    """The resolved control events."""
    channel = config.control
    if channel is None:  # an operator with broadcast state has to have a stream of it
        nothing = env.from_collection(['{"kind": "none"}'], CONTROL_EVENTS_TYPE)
        return nothing.uid(names.UID_CONTROL).name("no control channel")
    if channel.directory is None:
        messages = control_topic(tables, found.control, found.source_options)
    else:
        messages = control_directory(tables, channel.directory)
    wake_up = env.from_collection([WAKE_UP], KEYED_CONTROL_TYPE).uid(names.UID_WAKE_UP).name("wake-up of resolve")
    resolved = by_key(messages.union(wake_up), CONTROL_TYPE).process(
        Resolve(found.models, found.fetch, keep=found.fetch.keep if found.fetch else None), CONTROL_EVENTS_TYPE
    )
    resolved = resolved.set_parallelism(1).uid(names.UID_RESOLVE).name("resolve")
    # Control events neither hold back the clock of the lines beside which they arrive, nor set it while all are silent.
    timeless = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_seconds(1))
    events = (
        resolved.assign_timestamps_and_watermarks(timeless)
        .set_parallelism(1)
        .uid(names.UID_TIMELESS)
        .name("no time of its own")
    )
    replies = side(resolved, REPLIES, names.UID_REPLIES_TOLD, "replies of resolve").set_parallelism(1)
    if channel.directory is None:
        replies_to_topic(replies, channel.replies, found.sink_properties)
    else:
        replies_to_directory(replies, Path(channel.replies))
    return events


def _outputs(config: LiveConfig, found: Preparation, anomalies: DataStream, dead: DataStream) -> None:
    elastic, kafka = config.output.elasticsearch, config.output.kafka
    letters = dead
    if elastic is not None and found.elastic is not None and found.index_names is not None:
        limits = SinkLimits(elastic.bulk_documents, elastic.flush_ms, elastic.max_waiting)
        sink = ElasticsearchSink(found.elastic, found.index_names, limits)
        letters = dead.union(to_elasticsearch({ANOMALY: anomalies, DEAD_LETTER: dead}, sink))
    if kafka is not None:
        for stream, topic, uid in (
            (anomalies, kafka.anomalies, names.UID_ANOMALIES),
            (letters, kafka.dead_letters, names.UID_DEAD_LETTERS),
        ):
            _to_kafka(kafka, found, stream, topic, uid)


def _to_kafka(kafka: KafkaOutputConfig, found: Preparation, stream: DataStream, topic: str, uid: str) -> None:
    to_topic(stream, topic, found.sink_properties, kafka.transaction_prefix, kafka.transaction_timeout_ms, uid)


def _watermarks() -> WatermarkStrategy:
    return WatermarkStrategy.for_monotonous_timestamps().with_idleness(Duration.of_seconds(_UNHEARD_S))


def _watch_settings(config: LiveConfig) -> WatchSettings:
    return WatchSettings(
        limits=ReadLimits(
            config.lateness_ms, config.max_leap_ms, config.max_line_bytes, config.evidence.max_line_chars
        ),
        shards=config.shards,
        clock=ClockSettings(
            config.heartbeat.enabled, config.heartbeat.idle_ms, config.source.timeout_ms, config.lateness_ms
        ),
        dead_letters=LimitSettings(
            config.dead_letters.max_ratio, config.dead_letters.min_lines, config.dead_letters.max_consecutive
        ),
        multiline_wait_ms=config.multiline_wait_ms,
    )
