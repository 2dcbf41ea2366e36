"""The real services for development: ``python -m tests.services up|down|status``, which ``make services-up`` calls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from models.errors import UserError
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka
from tests.services.ports import is_free
from tests.services.service import Service

DEFAULT_DIRECTORY = Path(".run/services")
KINDS: tuple[type[Service], ...] = (Kafka, Elasticsearch)


def _line(service: Service) -> str:
    return f"{service.name:<14} {service.address:<22} log: {service.log}"


def _up(options: argparse.Namespace) -> int:
    def start(kind: type[Service]) -> tuple[Service, bool]:
        folder = options.directory / kind.name
        there = kind.started(folder) is not None
        wanted = getattr(options, f"{kind.name}_port") or (kind.standard_port if is_free(kind.standard_port) else None)
        heap = getattr(options, f"{kind.name}_heap")
        return kind.start(folder, wanted, heap=heap, stays=True), there

    with ThreadPoolExecutor() as pool:
        for service, there in pool.map(start, KINDS):
            print(f"{'already up' if there else 'up':<11}{_line(service)}")
    print("Stop them and throw their data away: make services-down")
    return 0


def _down(options: argparse.Namespace) -> int:
    there = [kind.name for kind in KINDS if kind.at(options.directory / kind.name).remove()]
    if options.directory.is_dir() and not any(options.directory.iterdir()):
        options.directory.rmdir()
    print(f"Down: {', '.join(there)}." if there else "No service is up.")
    return 0


def _status(options: argparse.Namespace) -> int:
    found = [(kind, kind.started(options.directory / kind.name)) for kind in KINDS]
    for kind, service in found:
        if service is None:
            print(f"{kind.name:<14} is down")
        else:
            print(f"{_line(service)}{'' if service.is_ready else '  (does not answer)'}")
    return 0 if all(service and service.is_ready for _, service in found) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: of ``status``, 0 only if all services answer."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.services", description="A real Kafka and Elasticsearch, here."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start them; what is up already is left alone")
    up.set_defaults(work=_up)
    for kind in KINDS:
        up.add_argument(
            f"--{kind.name}-port",
            type=int,
            help=f"default: {kind.standard_port}, or a free one where that is taken",
        )
        up.add_argument(f"--{kind.name}-heap", help=f"memory for Java objects (default: {kind.standard_heap})")
    down = commands.add_parser("down", help="stop them and remove their data")
    down.set_defaults(work=_down)
    status = commands.add_parser("status", help="say which are up, and where")
    status.set_defaults(work=_status)
    for command in (up, down, status):
        command.add_argument(
            "--directory", type=Path, default=DEFAULT_DIRECTORY, help="their folder (default: %(default)s)"
        )
    options = parser.parse_args(arguments)
    try:
        return int(options.work(options))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
