"""Options that say how to reach a running job, and what it replied."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from models.control import ACCEPTED
from models.document_text import pretty, printable
from models.errors import UserError

_LONGEST_WAIT_S = 86_400.0


def add_channel(parser: Any) -> None:
    """The control channel of the job."""
    group = parser.add_argument_group("control channel of the job, as in its configuration")
    group.add_argument("--bootstrap", metavar="HOST:PORT", help="Kafka broker; several with commas")
    group.add_argument("--topic", help="topic of control messages")
    group.add_argument("--directory", metavar="FOLDER", help="folder of control messages, in place of a topic")
    group.add_argument(
        "--replies", metavar="TOPIC|FOLDER", help="where the job replies (default: do not wait for a reply)"
    )
    group.add_argument(
        "--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="wait so long for it (default: %(default)g)"
    )
    group.add_argument("--command-config", metavar="FILE", help="settings for Kafka's clients, as name=value lines")
    parser.add_argument("--json", action="store_true", help="print the reply as JSON, for scripts")


def open_channel(options: argparse.Namespace) -> Any:
    """The channel that the options name, a :class:`jobs.control_client.ControlChannel`.

    Raises:
        UserError: they name none, or two, or one that cannot be.
    """
    from jobs.control_client import FolderChannel, KafkaChannel  # the client takes a while to import
    from jobs.kafka_settings import kafka_settings

    if options.directory is not None:
        given = [n for n in ("bootstrap", "topic", "command_config") if getattr(options, n) is not None]
        if given:
            raise UserError(
                f"--directory and --{given[0].replace('_', '-')} exclude each other: the job reads one of them"
            )
        return FolderChannel(options.directory, options.replies)
    if options.bootstrap is None or options.topic is None:
        raise UserError(
            "say how to reach the job: --bootstrap HOST:PORT --topic TOPIC --replies TOPIC, or --directory FOLDER "
            "--replies FOLDER, as its configuration has them under control"
        )
    for address in options.bootstrap.split(","):
        port = re.fullmatch(r"(?:[^\s:/,\[\]]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", address)
        if not port or not 0 < int(port[1]) < 65_536:
            raise UserError(f"--bootstrap {address!r} is no HOST:PORT, as in localhost:9092")
    for option, topic in (("--topic", options.topic), ("--replies", options.replies)):
        if topic is not None and (not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic) or topic in (".", "..")):
            raise UserError(f"{option} {topic!r} is no name of a topic: letters, digits, '.', '_' and '-'")
    if options.topic == options.replies:
        raise UserError("--topic and --replies are the same topic; the job reads the one and writes the other")
    return KafkaChannel(options.bootstrap, options.topic, options.replies, kafka_settings(options.command_config))


def show_reply(options: argparse.Namespace, reply: Mapping[str, Any] | None, done: str) -> int:
    """Print what became of a message; ``done`` says it if it was accepted.

    Raises:
        UserError: the job rejected it.
    """
    if options.json and reply is not None:
        print(pretty(reply), end="")
    if reply is None:
        print("sent; what became of it stands where the job replies (see --replies)")
    elif reply["outcome"] != ACCEPTED:
        raise UserError(printable(f"the job rejected it: {reply['reason']}"))
    elif not options.json:
        print(printable(done))
    return 0


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= _LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, up to a day")
    return value
