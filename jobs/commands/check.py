"""``weirwatch config check``: whether a configuration is right, and what to mend."""

from __future__ import annotations

import argparse
from typing import Any

from jobs.commands.options import command
from jobs.config import check_config


def add_to(commands: Any) -> None:
    """Declare the command."""
    what = "a configuration of the job"
    group = commands.add_parser("config", help=f"check {what}", description=f"Check {what}.")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = command(actions, "check", _config, f"check {what}; say where it is wrong and how to mend it")
    parser.add_argument("file", metavar="FILE", help=f"file with {what}")


def _config(options: argparse.Namespace) -> int:
    config = check_config(options.file)
    print(f"{options.file}: right; {len(config.sources)} sources, model {config.model}")
    return 0
