"""The main job: watches logs with a model and reports what departs from it.

Run it on a cluster with ``flink run -py jobs/detect.py --config FILE``. The configuration says what it reads: topics,
without end (``conf/live.yaml``, see :mod:`jobs.live`), or files, to their end (``conf/detect.yaml``). On files
``weirwatch scan`` runs the same graph on the embedded mini cluster. See docs/design.md for its shape.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pyflink.common import Types, WatermarkStrategy
from pyflink.datastream import DataStream, StreamExecutionEnvironment

from jobs.config import DetectConfig, check_config
from jobs.environment import make_environment
from jobs.file_sink import json_lines
from jobs.live_config import is_live, load_live_config
from jobs.live_models import entry_of
from jobs.naming import by_key, timed
from jobs.results import Results, collect_results
from jobs.service import submit
from models.document import load_model
from models.errors import UserError
from models.line_reader import LineReader
from models.log_batch import LogBatch
from models.planning import Plan, plan_sources
from models.slots.series import SlotWatch
from models.source_reader import ReadLimits
from operators import names
from operators.automata import Automata
from operators.elements import first
from operators.models_in_force import MODELS
from operators.pack import Pack
from operators.parse import DEAD_LETTERS, EVENTS_TYPE, SLOT_COUNTS, STATISTICS, UNMATCHED, Parse
from operators.slots import LATE, SERIES, Slots

_LANES_PER_SUBTASK = 64
_WORDS_TYPE = Types.TUPLE([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])

_NOTHING = '{"kind": "none"}'
"""The models of a job on files do not change."""

PARTS = {
    names.UID_ANOMALIES: "anomalies",
    names.UID_DEAD_LETTERS: "dead_letters",
    names.UID_STATISTICS: "statistics",
    names.UID_SERIES: "series",
    names.UID_LATE: "late",
}
"""Sink uid → the folder of its part files, below the working folder."""


def build(env: StreamExecutionEnvironment, config: DetectConfig, work: Path) -> None:
    """Put the job's graph together; its results go to part files below ``work``."""
    model = load_model(config.model)
    entries = [entry_of(model)]
    limits = ReadLimits(config.lateness_ms, config.max_leap_ms, config.max_line_bytes, config.evidence.max_line_chars)
    reader = LineReader.of(model)
    plan = plan_sources([(s.name, str(s.path)) for s in config.sources], reader, limits, config.encoding)
    models = env.from_collection([_NOTHING], Types.STRING()).uid(names.UID_MODELS).name("models").broadcast(MODELS)
    splits = env.from_collection(_words(plan, env.get_parallelism()), _WORDS_TYPE)
    events = (
        splits.uid(names.UID_SPLITS)
        .name("splits")
        .key_by(first, Types.STRING())
        .process(Pack(config.batch_size, config.max_line_bytes), _WORDS_TYPE)
        .uid(names.UID_PACK)
        .name("pack")
        .key_by(first, Types.STRING())
        .connect(models)
        .process(Parse(entries, limits, config.shards, config.checkers), EVENTS_TYPE)
        .uid(names.UID_PARSE)
        .name("parse")
    )
    in_time = timed(events, WatermarkStrategy.for_monotonous_timestamps(), names.UID_WATERMARK, "watermark")
    judged = found = (
        by_key(in_time, Types.PRIMITIVE_ARRAY(Types.BYTE()))
        .connect(models)
        .process(Automata(entries, config.evidence.max_lines, checkers=config.checkers), Types.STRING())
        .uid(names.UID_AUTOMATA)
        .name("automata")
    )
    statistics = events.get_side_output(STATISTICS).union(judged.get_side_output(STATISTICS))
    watched = SlotWatch.of(model)
    if watched:  # else nothing reaches these operators
        counts = timed(
            events.get_side_output(SLOT_COUNTS),
            WatermarkStrategy.for_monotonous_timestamps(),
            names.UID_SLOT_WATERMARK,
            "slot watermark",
        )
        slots = (
            by_key(counts, Types.PRIMITIVE_ARRAY(Types.BYTE()))
            .connect(models)
            .process(Slots(entries), Types.STRING())
            .uid(names.UID_SLOTS)
            .name("slots")
        )
        found = found.union(slots)
        statistics = statistics.union(slots.get_side_output(STATISTICS))
        _sink(slots.get_side_output(SERIES), names.UID_SERIES, work)
        _sink(slots.get_side_output(LATE), names.UID_LATE, work)
    _sink(found.union(events.get_side_output(UNMATCHED)), names.UID_ANOMALIES, work)
    letters = events.get_side_output(DEAD_LETTERS).union(judged.get_side_output(DEAD_LETTERS))
    _sink(letters, names.UID_DEAD_LETTERS, work)
    _sink(statistics, names.UID_STATISTICS, work)


def _words(plan: Plan, parallelism: int) -> list[tuple[str, bytes]]:
    """What the source tells ``pack``, in this order: the sources there are, that there are no more, and the splits.

    A subtask of ``parse`` without a source must not hold the watermark back, yet hears only what is keyed to it: the
    word that there are no more sources goes to so many keys that each subtask has some.
    """
    words = [(batch.source, batch.encode()) for batch in plan.opens]
    for lane in range(_LANES_PER_SUBTASK * parallelism):
        key = f"\0lane-{lane}"
        words.append((key, LogBatch(key, kind=LogBatch.LANE).encode()))
    words += [(split.source, split.to_json().encode()) for split in plan.splits]
    return words


def _sink(stream: DataStream, uid: str, work: Path) -> None:
    stream.sink_to(json_lines(work / PARTS[uid])).uid(uid).name(uid)


def run(config: DetectConfig, work: Path, embedded: bool) -> Results:
    """Run the job to its end and collect what it found."""
    begin = time.monotonic()
    env = make_environment(config.parallelism, embedded)
    build(env, config, work)
    env.execute("weirwatch detect")
    return collect_results(work, time.monotonic() - begin)


def main(arguments: Sequence[str] | None = None) -> int:
    """The job as ``flink run`` starts it."""
    parser = argparse.ArgumentParser(description="Watch logs: topics (conf/live.yaml) or files (conf/detect.yaml).")
    parser.add_argument("--config", required=True, help="the job's configuration (YAML)")
    options = parser.parse_args(arguments)
    try:
        if is_live(options.config):
            submit(load_live_config(options.config), embedded=False)
            return 0
        config = check_config(options.config)
        config.output.directory.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".parts-", dir=config.output.directory))
        work.chmod(0o777)  # the cluster may run as another user
        try:
            results = run(config, work, embedded=False)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        results.write(config.output.directory)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(results.summary_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
