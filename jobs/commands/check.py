"""``weirwatch config check`` and ``weirwatch model check``: whether a file is right, and what to mend."""

from __future__ import annotations

import argparse
from typing import Any

from jobs.commands.options import command
from jobs.config import check_config
from models.document import load_model


def add_to(commands: Any) -> None:
    """Declare the commands."""
    for name, what, run in (("config", "a configuration of the job", _config), ("model", "a model", _model)):
        group = commands.add_parser(name, help=f"check {what}", description=f"Check {what}.")
        actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
        parser = command(actions, "check", run, f"check {what}; say where it is wrong and how to mend it")
        parser.add_argument("file", metavar="FILE", help=f"file with {what}")


def _config(options: argparse.Namespace) -> int:
    config = check_config(options.file)
    print(f"{options.file}: right; {len(config.sources)} sources, model {config.model}")
    return 0


def _model(options: argparse.Namespace) -> int:
    model = load_model(options.file)
    print(
        f"{options.file}: right; model {model.id} version {model.version}, {len(model.templates)} templates, "
        f"{len(model.automata)} automata"
    )
    return 0
