"""Options that say how the lines of a log are put together: structured lines, events of several lines."""

from __future__ import annotations

import argparse

from models.document import ModelDocument
from models.errors import UserError
from models.multiline import MultilineError, MultilineSettings
from models.structure.settings import FORMATS, StructureSettings


def add_formats(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--structure",
        choices=(*FORMATS, "none"),
        help="what lines are: json, one object each; logfmt, key=value pairs; none, plain text (default: found)",
    )
    parser.add_argument(
        "--multiline-start",
        metavar="REGEX",
        help="how a line begins that begins an event; all others continue one (default: those with a timestamp begin)",
    )
    parser.add_argument(
        "--multiline-continues",
        metavar="REGEX",
        help="how a line begins that continues the event before, with a timestamp or without; all others begin one",
    )


def multiline_of(options: argparse.Namespace) -> MultilineSettings | None:
    """Which lines begin an event, as the options say; None: nothing is said.

    Raises:
        UserError: both options are given, or one is no regular expression.
    """
    start, continues = options.multiline_start, options.multiline_continues
    if start is None and continues is None:
        return None
    if start is not None and continues is not None:
        raise UserError("--multiline-start and --multiline-continues exclude each other; leave one out")
    try:
        return MultilineSettings(start=start, continues=continues)
    except MultilineError as error:
        name = "--multiline-start" if start is not None else "--multiline-continues"
        raise UserError(f"{name} {start if start is not None else continues!r} {error.message}") from None


def format_rows(model: ModelDocument) -> list[str]:
    """What a model says of these matters, for a summary."""
    rows = []
    if model.structure is not None:
        rows.append(f"structure     {StructureSettings.from_document(model.structure).describe()}")
    if model.multiline is not None:
        rows.append(f"multiline     {MultilineSettings.from_document(model.multiline).describe()}")
    return rows
