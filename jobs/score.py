"""The job that scores series: points of many series in, incidents out.

Run it on a cluster with ``flink run -py jobs/score.py --config conf/score.yaml``; ``weirwatch series run`` runs it on
the embedded mini cluster. See docs/design.md for its shape.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.connectors import pipeline_jars
from jobs.environment import MAX_PARALLELISM, configuration, make_environment
from jobs.file_sink import json_lines
from jobs.kafka_topics import Partition
from jobs.live_flink import STREAM_BUNDLE, STREAM_BUNDLE_MS, bundle_settings
from jobs.naming import by_key
from jobs.results import DEAD_LETTERS as DEAD_LETTERS_FOLDER
from jobs.results import STATISTICS as STATISTICS_FOLDER
from jobs.score_config import ScoreConfig, check_score_config
from jobs.score_results import INCIDENTS, SCORES, ScoreResults, collect_scores
from jobs.score_source import file_batches, partitions_of, topic_batches
from models.errors import UserError
from operators import names, score
from operators.elements import KEYED_BYTES
from operators.points import DEAD_LETTERS, STATISTICS, ReadPoints
from operators.score import Score

_BATCH_MS = 200
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def build(
    env: StreamExecutionEnvironment, tables: Any, config: ScoreConfig, work: Path, partitions: list[Partition]
) -> None:
    """Put the job's graph together; its results go to part files below ``work``.

    Args:
        env: where the graph is built.
        tables: its table environment; None where files are read.
        config: what to read and how.
        work: an empty folder.
        partitions: of the topics; none where files are read.
    """
    topic = config.kafka is not None
    lines = topic_batches(env, tables, config, partitions) if topic else file_batches(env, config)
    points = (
        lines.process(ReadPoints(config.shards, MAX_PARALLELISM, topic), KEYED_BYTES)
        .uid(names.UID_POINTS)
        .name("points")
    )
    scored = (
        by_key(points, _BYTES)
        .process(Score(config.settings, config.scores), Types.STRING())
        .uid(names.UID_SCORE)
        .name("score")
    )
    _sink(scored, names.UID_INCIDENTS, work / INCIDENTS)
    if config.scores:
        _sink(scored.get_side_output(score.SCORES), names.UID_SCORES, work / SCORES)
    letters = points.get_side_output(DEAD_LETTERS).union(scored.get_side_output(score.DEAD_LETTERS))
    _sink(letters, names.UID_DEAD_LETTERS, work / DEAD_LETTERS_FOLDER)
    told = points.get_side_output(STATISTICS).union(scored.get_side_output(score.STATISTICS))
    _sink(told, names.UID_STATISTICS, work / STATISTICS_FOLDER)


def _sink(stream: DataStream, uid: str, folder: Path) -> None:
    stream.sink_to(json_lines(folder)).uid(uid).name(uid)


def run(config: ScoreConfig, embedded: bool, work: Path | None = None) -> ScoreResults:
    """Run the job to its end and collect what it found.

    Args:
        config: what to read and how.
        embedded: on the mini cluster in this process.
        work: an empty folder for part files; one beside the results when None, removed at the end.

    Raises:
        UserError: topics cannot be read, or hold nothing.
    """
    if work is None:
        config.directory.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix=".parts-", dir=config.directory))
        own.chmod(0o777)  # the cluster may run as another user
        try:
            return run(config, embedded, own)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    begin = time.monotonic()
    if config.kafka is None:
        env = make_environment(config.parallelism, embedded)
        build(env, None, config, work, [])
    else:
        partitions = partitions_of(config)
        settings = {"pipeline.jars": pipeline_jars(embedded), "table.exec.uid.generation": "ALWAYS"}
        env = make_environment(config.parallelism, embedded, {"restart-strategy.type": "none", **settings})
        tables = StreamTableEnvironment.create(env)
        for key, value in bundle_settings(config.batch_size, _BATCH_MS).items():
            tables.get_config().set(key, value)
        build(env, tables, config, work, partitions)
        env.configure(configuration(bundle_settings(STREAM_BUNDLE, STREAM_BUNDLE_MS)))
    env.execute("weirwatch score")
    return collect_scores(work, time.monotonic() - begin)


def main(arguments: Sequence[str] | None = None) -> int:
    """The job as ``flink run`` starts it."""
    parser = argparse.ArgumentParser(description="Score series of numbers (conf/score.yaml).")
    parser.add_argument("--config", required=True, help="the job's configuration (YAML)")
    options = parser.parse_args(arguments)
    try:
        config = check_score_config(options.config)
        results = run(config, embedded=False)
        results.write(config.directory)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(results.summary_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
