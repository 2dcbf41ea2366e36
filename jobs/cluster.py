"""The command line of the session cluster: ``python -m jobs.cluster up|down``, which ``make cluster-up`` calls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.session_cluster import DEFAULT_DIRECTORY, start, stop
from models.errors import UserError


def _shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, as in state.backend.type=rocksdb")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.cluster", description="A Flink session cluster, here.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it")
    up.add_argument("--rest-port", type=int, help="port of the web page and the REST API (default: a free one)")
    up.add_argument("--slots", type=int, default=2, help="parallel pipelines of each TaskManager (default: 2)")
    up.add_argument("--task-managers", type=int, default=1, help="TaskManagers (default: 1)")
    up.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one of Flink's settings, in place of what conf/flink/config.yaml says; may be repeated",
    )
    down = commands.add_parser("down", help="stop it and remove what it left")
    for command in (up, down):
        command.add_argument(
            "--directory", type=Path, default=DEFAULT_DIRECTORY, help="its folder (default: %(default)s)"
        )
    options = parser.parse_args(arguments)
    try:
        if options.command == "down":
            print("The cluster is down." if stop(options.directory) else "No cluster is up.")
            return 0
        cluster, started = start(
            options.directory,
            options.rest_port,
            options.slots,
            task_managers=options.task_managers,
            settings=dict(options.set),
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    slots = cluster.slots * cluster.task_managers
    print(f"Flink {'is up' if started else 'is already up'}: {cluster.url} ({slots} slots)")
    print(f"Run the job:  {_shown(cluster.flink)} run -py jobs/detect.py --config conf/detect.yaml")
    print("Stop it:      make cluster-down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
