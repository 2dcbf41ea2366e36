"""``weirwatch source``: tell a running job what is known of a source of logs."""

from __future__ import annotations

import argparse
import re
from typing import Any

from jobs.commands.control_options import add_channel, open_channel, show_reply
from jobs.commands.options import command
from models.control import HEARTBEAT, parse_timestamp
from models.errors import UserError

_DONE = {
    "heartbeat": "its clock goes on to that time",
    "end_of_log": "what it left open is judged",
    "pause": "its lines are passed over until it is resumed",
    "resume": "its clock goes on",
}


def add_to(commands: Any) -> None:
    """Declare the commands."""
    what = "tell a running job what is known of a source"
    group = commands.add_parser("source", help=what, description=f"{what[0].upper()}{what[1:]}.")
    actions = group.add_subparsers(dest="source_action", required=True, metavar="ACTION")

    heartbeat = command(
        actions,
        "heartbeat",
        _tell,
        "all events up to a time have been sent: judge what was due by then",
    )
    end = command(actions, "end", _tell, "the log has ended: judge what is still open")
    pause = command(actions, "pause", _tell, "pass over its lines, and do not wait for its clock")
    resume = command(actions, "resume", _tell, "the source goes on after a pause")
    for parser, action in ((heartbeat, HEARTBEAT), (end, "end_of_log"), (pause, "pause"), (resume, "resume")):
        parser.set_defaults(control=action)
        parser.add_argument("source", metavar="SOURCE", help="name of the source")
        if action == HEARTBEAT:
            parser.add_argument(
                "timestamp", metavar="TIME", help="ISO 8601 (UTC, unless it names an offset), or ms since 1970"
            )
        add_channel(parser)


def _tell(options: argparse.Namespace) -> int:
    message: dict[str, Any] = {"action": options.control, "source": _named(options.source)}
    if options.control == HEARTBEAT:
        text = options.timestamp
        message["timestamp"] = int(text) if re.fullmatch(r"-?[0-9]{1,30}", text) else text
        try:
            parse_timestamp(message["timestamp"])
        except UserError as error:
            raise UserError(str(error).replace("$.timestamp", "TIME", 1)) from None
    reply = open_channel(options).tell(message, options.timeout)
    return show_reply(options, reply, f"source {options.source}: {_DONE[options.control]}")


def _named(source: str) -> str:
    if not source or len(source) > 1000 or not source.isprintable():
        raise UserError("SOURCE: a name of a source has 1 to 1000 characters, none of which is a control character")
    return source
