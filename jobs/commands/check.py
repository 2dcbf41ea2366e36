"""``weirwatch config check``: whether a configuration is right, and what to mend."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.checkers import idle_checkers
from jobs.commands.options import command
from jobs.config import check_config
from jobs.learn_config import check_learn_config, is_learning
from jobs.live_config import LiveConfig, check_live_config, is_live
from jobs.score_config import check_score_config, is_scoring
from models.checkers.spec import CheckerSpec
from models.document import load_model
from models.errors import UserError


def add_to(commands: Any) -> None:
    """Declare the command."""
    what = "a configuration of the job"
    group = commands.add_parser("config", help=f"check {what}", description=f"Check {what}.")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = command(
        actions,
        "check",
        _config,
        f"check {what}; say where it is wrong and how to mend it",
        description=f"Check {what}: on topics (kafka, input), on files (sources), of learning (output.model or "
        "output.store), or of scoring series (detector), which its keys tell. Whatever is wrong is named with its line "
        "and how to mend it.",
    )
    parser.add_argument("file", metavar="FILE", help=f"file with {what}")
    parser.add_argument(
        "--connect",
        action="store_true",
        help="also try Kafka and its topics, Elasticsearch and the store of models (a configuration on topics)",
    )


def _config(options: argparse.Namespace) -> int:
    if is_learning(options.file):
        if options.connect:
            raise UserError(f"{options.file} is about learning; --connect is for configurations of the live job")
        learning = check_learn_config(options.file)
        read = learning.input.topics if learning.input is not None else [source.name for source in learning.sources]
        print(f"{options.file}: right; learns {learning.id or learning.update} from {', '.join(read)}")
        return 0
    if is_scoring(options.file):
        if options.connect:
            raise UserError(f"{options.file} is about scoring; --connect is for configurations of the live job")
        scoring = check_score_config(options.file)
        what = f"{len(scoring.sources)} files" if scoring.input is None else ", ".join(scoring.input.topics)
        print(f"{options.file}: right; scores {what} with detector {scoring.settings.detector}")
        return 0
    if is_live(options.file):
        return _live(options.file, options.connect)
    config = check_config(options.file)
    if options.connect:
        raise UserError(f"{options.file} is about files; --connect goes with a configuration that has kafka and input")
    used = f", checkers {', '.join(spec.id for spec in config.checkers)}" if config.checkers else ""
    print(f"{options.file}: right; {len(config.sources)} sources, model {config.model}{used}")
    if config.checkers:
        _warn_idle(config.checkers, [config.model])
    return 0


def _live(file: str, connect: bool) -> int:
    from jobs.live_checks import warnings

    config = check_live_config(file)
    print(f"{file}: right")
    for label, text in _summary(config):
        print(f"  {label:<12}{text}")
    for text in warnings(config):
        print(f"warning: {text}", file=sys.stderr)
    _warn_idle(config.checkers, [model.path for model in config.models.initial if model.path is not None])
    if not connect:
        return 0
    from jobs.live_connections import try_connections

    wrong = 0
    for found in try_connections(config):
        mark = "" if found.severity == "ok" else f"{found.severity}: "
        print(f"{mark}{found.key}: {found.text}", file=sys.stderr if mark else sys.stdout)
        wrong += found.severity == "error"
    return 2 if wrong else 0


def _warn_idle(specs: Sequence[CheckerSpec], models: Sequence[Path]) -> None:
    """Say which checkers find nothing to look at in the models that are files."""
    for text in idle_checkers(specs, [load_model(path) for path in models]):
        print(f"warning: {text}", file=sys.stderr)


def _summary(config: LiveConfig) -> list[tuple[str, str]]:
    """What the job would do, in a few lines."""
    kafka, control, output, points = config.kafka, config.control, config.output, config.checkpoints
    login = f", as {kafka.security.username}" if kafka.security.username else ""
    models = [str(m.path) if m.path else f"{m.id}@{m.version or 'newest'}" for m in config.models.initial]
    lines = [
        ("kafka", f"{kafka.bootstrap}, {kafka.security.protocol}{login}"),
        ("input", f"{', '.join(config.input.topics)} ({config.input.format}), from {config.input.start}"),
        ("models", ", ".join(models) or "none to begin with"),
    ]
    if config.checkers:
        lines.append(("checkers", ", ".join(f"{spec.id} ({spec.use})" for spec in config.checkers)))
    if config.models.store is not None:
        lines.append(("store", config.models.store))
    if control is None:
        lines.append(("control", "none"))
    else:
        lines.append(("control", f"{control.topic or control.directory}, replies to {control.replies}"))
    if output.elasticsearch is not None:
        lines.append(("output", f"{output.elasticsearch.url}, indices {output.elasticsearch.prefix}-…"))
    if output.kafka is not None:
        lines.append(("output", f"topics {output.kafka.anomalies} and {output.kafka.dead_letters}"))
    kept = points.directory or "where Flink's own settings say"
    lines.append(("checkpoints", f"every {points.interval_ms / 1000:g} s, {kept}"))
    shape = f"parallelism {config.parallelism}, {config.shards} shards, state on {config.state}"
    lines.append(("shape", shape))
    return lines
