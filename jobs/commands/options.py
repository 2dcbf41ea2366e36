"""Options that several commands share, and their checks."""

from __future__ import annotations

import argparse
import codecs
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.errors import UserError


def add_logs(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """The logs to read, and how."""
    parser.add_argument("logs", nargs="*" if optional else "+", metavar="LOG", help="log file, plain or .gz")
    parser.add_argument("--encoding", type=encoding, default="utf-8", help="of the logs (default: %(default)s)")


def log_sources(names: Sequence[str]) -> list[tuple[str, str]]:
    """For each log its name, as given, and its path.

    Raises:
        UserError: one cannot be read, or is given twice.
    """
    seen: dict[str, str] = {}
    for name in names:
        real = os.path.realpath(name)
        if real in seen:
            raise UserError(f"{name} is given twice{'' if seen[real] == name else f' (also as {seen[real]})'}")
        seen[real] = name
        readable(name)
    return [(name, str(Path(name).absolute())) for name in names]


def readable(name: str) -> None:
    """Check that a file can be read.

    Raises:
        UserError: it is missing, a folder, no regular file, or forbidden.
    """
    path = Path(name)
    try:
        if path.is_dir():
            raise UserError(f"{name} is a folder; name the log files in it, as in {name.rstrip('/')}/*.log")
        if path.exists() and not path.is_file():
            raise UserError(f"{name} is no regular file: it is read in parts, so write it to a file first")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise UserError(f"{name}: no such file") from None
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None


def writable(*names: str | None, inputs: Sequence[str] = ()) -> None:
    """Check, before long work, that files can be written where they shall go.

    Raises:
        UserError: a folder is missing or closed, two outputs are the same file, or one is one of the ``inputs``.
    """
    given = [name for name in names if name is not None]
    for name in given:
        path = Path(name)
        if path.is_dir():
            raise UserError(f"{name} is a folder; name a file in it")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{name} cannot be written: there is no folder {path.absolute().parent}; make it first")
        if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise UserError(f"{name} cannot be written: the folder {path.absolute().parent} is closed to you")
    paths = [os.path.realpath(name) for name in given]
    for name, path_of_name in zip(given, paths, strict=True):
        if paths.count(path_of_name) > 1:
            raise UserError(f"{name} is named for two outputs; give each a file of its own")
        if path_of_name in map(os.path.realpath, inputs):
            raise UserError(f"{name} is read and would be overwritten; write to another file")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number within limits."""

    def convert(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least:,} to {most:,}")
        return int(text)

    return convert


def encoding(text: str) -> str:
    """An argparse type: the name of a text encoding."""
    try:
        return codecs.lookup(text).name
    except LookupError:
        raise argparse.ArgumentTypeError(
            f"Python knows no encoding {text!r}; try utf-8, utf-16, latin-1 or cp1252"
        ) from None


def command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str, **more: Any) -> Any:
    """Declare a command; returns its parser."""
    parser = commands.add_parser(
        name, help=summary, description=more.pop("description", summary[0].upper() + summary[1:] + "."), **more
    )
    parser.set_defaults(run=run)
    return parser
