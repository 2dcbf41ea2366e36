"""``weirwatch run``: the live job on the embedded mini cluster, until it is asked to stop."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path
from typing import Any

from jobs.commands.options import command, whole_number
from jobs.embedded import JobError, cause, check_java, worth_telling
from jobs.live_config import check_live_config
from jobs.live_settings import LiveConfig
from jobs.stopping import asked_to_stop
from jobs.topic_maker import make_topics
from models.errors import UserError

_NEWEST = "newest"


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "run",
        run,
        "watch Kafka topics until stopped",
        description="Run the main job on Kafka topics on a Flink mini cluster in this process, until Ctrl-C. Anomalies "
        "go where the configuration says. Checkpoints stay: --resume goes on where the last run stopped.",
    )
    parser.add_argument("--config", required=True, metavar="FILE", help="the configuration, as conf/live.yaml")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=_NEWEST,
        metavar="CHECKPOINT",
        help="begin from a checkpoint or savepoint; without a name from the newest in checkpoints.directory",
    )
    parser.add_argument(
        "--create-topics", action="store_true", help="make the topics that are missing, for trials on one broker"
    )
    parser.add_argument(
        "--partitions",
        type=whole_number(1, 10_000),
        default=4,
        metavar="N",
        help="of topics made for lines (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Submit the job and wait for its end."""
    with asked_to_stop() as asked:
        return _run(options, asked)


def _run(options: argparse.Namespace, asked: threading.Event) -> int:
    config = check_live_config(options.config)
    check_java()
    if options.create_topics:
        for topic in make_topics(config, options.partitions):
            _tell(f"made the topic {topic}")
    from jobs.service import failure, newest_checkpoint, submit, watch  # starts the Java gateway

    logging.getLogger().addFilter(worth_telling)
    resume = options.resume
    if resume == _NEWEST:
        if config.checkpoints.directory is None:
            raise UserError(
                f"{options.config}: checkpoints.directory is missing: without it there is nothing to resume"
            )
        resume = newest_checkpoint(config.checkpoints.directory)
        _tell(f"resuming from {resume}" if resume else "there is no checkpoint yet: starting afresh")
    for line in describe(config):
        _tell(line)
    if asked.is_set():
        raise KeyboardInterrupt
    service = submit(config, embedded=True, resume=resume)
    _tell(f"Flink's page: {service.page}; Ctrl-C stops")
    status = watch(service, asked, _tell)
    if status == "FAILED":
        text = failure(service)
        details = Path.cwd() / "weirwatch-error.log"
        details.write_text(text, encoding="utf-8")
        raise JobError(f"the job failed: {cause(text)}; details: {details}")
    _tell("stopped; go on with --resume")
    return 0


def describe(config: LiveConfig) -> list[str]:
    """What the job reads and writes, for people."""
    lines = [f"reading {', '.join(config.input.topics)} at {config.kafka.bootstrap}"]
    if config.control is not None:
        lines.append(f"control messages from {config.control.topic or config.control.directory}")
    if config.output.elasticsearch is not None:
        lines.append(
            f"anomalies to {config.output.elasticsearch.url}, {config.output.elasticsearch.prefix}-anomalies-*"
        )
    if config.output.kafka is not None:
        lines.append(f"anomalies to the topic {config.output.kafka.anomalies}")
    if config.checkpoints.directory is not None:
        lines.append(f"checkpoints in {config.checkpoints.directory}")
    return lines


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
