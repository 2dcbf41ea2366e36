"""The learning job: learns a model from log files or topics, in as many shards as wanted.

Run it on a cluster with ``flink run -py jobs/learn.py --config conf/learn.yaml``; ``weirwatch learn --config`` runs it
on the embedded mini cluster. It is two Flink jobs, one after another, since all messages have to be known before
transactions can be followed: the first fills summaries of messages, the second, told what was found, summaries of
visits. What they hold is written below a working folder and merged here. The model is that of ``weirwatch learn``.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.commands.learn import keep
from jobs.commands.store_options import referred
from jobs.connectors import pipeline_jars
from jobs.environment import configuration, make_environment
from jobs.file_sink import json_lines
from jobs.learn_config import LearnConfig, check_learn_config
from jobs.learn_source import FileInput, TopicInput
from jobs.live_flink import bundle_settings
from jobs.stores.address import open_store
from jobs.stores.base import ModelStore
from jobs.stores.credentials import find_credentials
from models.document import ModelDocument
from models.errors import UserError
from models.learner import check_events
from models.learning.options import LearnOptions, LearnReport
from models.learning.plan import make_plan
from models.learning.result import make_model
from models.learning.shard import LearnTask, merged_messages, merged_visits
from models.learning.update import reader_of
from models.line_search import find_line_reader
from models.source_reader import ReadLimits
from operators import names
from operators.learn import Learn

Tell = Callable[[str], None]


def learn(
    config: LearnConfig, embedded: bool, base: ModelDocument | None = None, tell: Tell = lambda text: None
) -> tuple[ModelDocument, LearnReport]:
    """Learn a model, or bring one up to date.

    Args:
        config: what to read and how.
        embedded: on the mini cluster in this process.
        base: the model to bring up to date.
        tell: told what is done next.

    Raises:
        UserError: there is nothing to learn from, or it cannot be reached.
    """
    source = TopicInput.of(config) if config.kafka is not None else FileInput.of(config)
    head, year = source.head()
    timestamp = config.timestamp
    year = timestamp.year or year
    times = timestamp.timezone, timestamp.format, year
    reader = find_line_reader(head, lambda _: iter([head]), times) if base is None else reader_of(base, year)
    options = LearnOptions(
        model_id=config.id or (base.id if base else "model"),
        id_pattern=config.id_pattern,
        encoding=config.encoding,
        limits=ReadLimits(config.lateness_ms, config.max_leap_ms, config.max_line_bytes),
        memory=config.memory,
        forget=config.forget,
        series_slot_ms=config.series_slot_ms,
    )
    task = LearnTask(reader.sections(), options.limits, options.memory)
    if base is not None:
        task = replace(task, known=tuple(t.grok for t in base.templates), patterns=tuple(sorted(base.patterns.items())))
    read = list(config.input.topics) if config.input is not None else [s.name for s in config.sources]
    config.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".learn-", dir=config.work))
    work.chmod(0o777)  # the cluster may run as another user
    try:
        tell("reading messages")
        summary = merged_messages(_pass(config, source, task, work / "messages", embedded), options.memory)
        check_events(summary, read, base)
        tell(f"finding templates in {summary.lines:,} lines")
        plan = make_plan(summary, options, base)
        task = replace(task, reading=plan.reading(options.memory), tallies=plan.tallies)
        records: Iterator[bytes] = iter(())
        if plan.reads_again:
            tell(f"following transactions with {len(plan.templates):,} templates")
            records = _pass(config, source, task, work / "visits", embedded)
        visits, tallies = merged_visits(records, options.memory, plan.tallies)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return make_model(read, summary, plan, visits, tallies, reader.sections(), options, base)


def _pass(
    config: LearnConfig, source: FileInput | TopicInput, task: LearnTask, folder: Path, embedded: bool
) -> Iterator[bytes]:
    """One job: all records of its summaries."""
    settings = {"restart-strategy.type": "none"}
    if source.topic:
        settings |= {"pipeline.jars": pipeline_jars(embedded), "table.exec.uid.generation": "ALWAYS"}
    env = make_environment(config.parallelism, embedded, settings)
    tables = None
    if source.topic:
        tables = StreamTableEnvironment.create(env)
        for key, value in bundle_settings(config.batch_size, 200).items():
            tables.get_config().set(key, value)
    build(env, tables, source, task, folder)
    if source.topic:
        env.configure(configuration(bundle_settings(32, 100)))
    env.execute(f"weirwatch learn: {folder.name}")
    for part in sorted(folder.glob("part-*.jsonl")):
        with part.open("rb") as stream:
            for line in stream:
                yield base64.b64decode(line)


def build(
    env: StreamExecutionEnvironment, tables: object, source: FileInput | TopicInput, task: LearnTask, folder: Path
) -> None:
    """Put the graph of one pass together; its records go to part files in the folder."""
    records = source.batches(env, tables).process(Learn(task, source.topic), Types.STRING())
    records.uid(names.UID_LEARN).name("learn").sink_to(json_lines(folder)).uid(names.UID_SUMMARIES).name("summaries")


def run(config: LearnConfig, embedded: bool, tell: Tell) -> None:
    """Learn as configured, keep the model, and say what was learnt.

    Raises:
        UserError: something that the configuration names is not there.
    """
    store: ModelStore | None = None
    if config.output.store is not None:
        store = open_store(config.output.store, find_credentials(None, None, None, None))
    base = None if config.update is None else referred(config.update, store).document
    model, report = learn(config, embedded, base, tell)
    out = config.output.model
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    keep(model, report, base, None if out is None else str(out), store, config.output.note)


def main(arguments: Sequence[str] | None = None) -> int:
    """The job as ``flink run`` starts it."""
    parser = argparse.ArgumentParser(description="Learn a model from files or topics (conf/learn.yaml).")
    parser.add_argument("--config", required=True, help="the job's configuration (YAML)")
    options = parser.parse_args(arguments)
    try:
        run(check_learn_config(options.config), embedded=False, tell=lambda text: print(text, file=sys.stderr))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
