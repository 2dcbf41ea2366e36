"""``weirwatch replay``: log files into Kafka, for trials."""

from __future__ import annotations

import argparse
import gc
import logging
import math
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from jobs.commands.learn import year_of
from jobs.commands.options import add_logs, command, log_sources, whole_number
from jobs.progress import Progress
from models.document import load_model
from models.errors import UserError
from models.line_reader import LineReader
from models.pacing import LogPace, Pace, SteadyPace
from models.structure.detection import canonical_lines, find_structure
from models.timestamps import detect
from models.timestamps.patterns import NONE

_REALTIME = "realtime"


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "replay",
        run,
        "send log files into Kafka, for trials",
        description="Send logs into a Kafka topic: one message for each event, a line with the lines that continue it; "
        "key and header 'source' are the source, so that each keeps to one partition and its order. Several logs are "
        "merged by their timestamps; with --source they are one log, in the order given. Security: --command-config, "
        "or variables such as WEIRWATCH_KAFKA_SECURITY_PROTOCOL and WEIRWATCH_KAFKA_SASL_PASSWORD.",
    )
    add_logs(parser)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="Kafka broker; several with commas")
    parser.add_argument("--topic", required=True, help="topic to send to; it has to exist")
    parser.add_argument("--source", help="name of the source (default: each log is one, by its name)")
    parser.add_argument(
        "--rate",
        type=_rate,
        metavar="N|realtime",
        help="lines a second, or 'realtime': as the timestamps tell (default: as fast as it goes)",
    )
    parser.add_argument("--speed", type=_positive, metavar="X", help="with --rate realtime: so many times as fast")
    parser.add_argument(
        "--format",
        choices=("raw", "envelope"),
        default="raw",
        help="bare lines, or JSON with source, timestamp, message as agents send (default: %(default)s)",
    )
    parser.add_argument("--model", metavar="MODEL.json", help="model that tells how timestamps are written")
    parser.add_argument(
        "--timezone", metavar="ZONE", help="of timestamps that do not tell theirs, as Europe/Berlin (default: UTC)"
    )
    parser.add_argument(
        "--timestamp-format",
        metavar="FORMAT",
        help="format of the timestamps, as 'yyyy-MM-dd HH:mm:ss,SSS'; NONE for logs without (default: found)",
    )
    parser.add_argument(
        "--year", type=whole_number(1970, 9999), help="of the first line, where timestamps have none (default: file's)"
    )
    parser.add_argument("--command-config", metavar="FILE", help="settings for Kafka's clients, as name=value lines")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Send, and say how far it came."""
    from jobs.kafka_settings import kafka_settings
    from jobs.outbox import Outbox
    from jobs.replay import Log, Sent, head_of, replay

    _check(options)
    sources = log_sources(options.logs)
    model = LineReader.of(load_model(options.model)) if options.model else None
    logs = []
    for name, path in sources:
        reader = model or _reader(options, path, head_of(path, options.encoding))
        logs.append(Log(name, path, reader.settings, reader))
    if options.rate == _REALTIME and any(log.settings.formats == (NONE,) for log in logs):
        raise UserError("--rate realtime needs timestamps, and the logs are read without; give a number of lines")
    settings = kafka_settings(options.command_config)
    # What the client would write of each attempt is said once, in our words.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    outbox = Outbox(options.bootstrap, options.topic, settings)
    streams = [(options.source, logs)] if options.source is not None else [(log.name, [log]) for log in logs]
    progress = Progress(quiet=options.quiet)
    sent = Sent()
    try:
        with _stopping() as signals, _seldom_collected():
            replay(
                streams,
                outbox,
                _pace(options),
                sent,
                envelope=options.format == "envelope",
                encoding=options.encoding,
                stopped=lambda: bool(signals),
                progress=progress.text,
            )
    finally:
        progress.close()
        outbox.close(0.0 if sys.exc_info()[0] or not sent.complete else 5.0)
        _tell(sent, outbox.lines, outbox.messages, options.topic)
    if signals and not sent.complete:
        raise KeyboardInterrupt(signals[0])
    return 0


def _tell(sent: Any, lines: int, messages: int, topic: str) -> None:
    speed = f", {lines / sent.seconds:,.0f} lines/s" if sent.seconds > 0 else ""
    print(f"{lines:,} lines in {messages:,} messages acknowledged by topic {topic} in {sent.seconds:,.1f} s{speed}")
    if sent.lines > lines:
        print(f"note: {sent.lines - lines:,} more lines were sent and not acknowledged", file=sys.stderr)
    for note in sent.notes:
        print(f"note: {note}", file=sys.stderr)


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Take note of Ctrl-C and termination instead of ending; the second one ends."""
    signals: list[int] = []

    def take_note(number: int, _frame: FrameType | None) -> None:
        if signals:
            raise KeyboardInterrupt(number)
        signals.append(number)

    before = {number: signal.signal(number, take_note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Collect garbage seldom: each message leaves objects until it is acknowledged, and few of them in cycles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _check(options: argparse.Namespace) -> None:
    for address in options.bootstrap.split(","):
        port = re.fullmatch(r"(?:[^\s:/,\[\]]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", address)
        if not port or not 0 < int(port[1]) < 65_536:
            raise UserError(f"--bootstrap {address!r} is no HOST:PORT, as in localhost:9092")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", options.topic) or options.topic in (".", ".."):
        raise UserError(f"--topic {options.topic!r} is no name of a topic: letters, digits, '.', '_' and '-'")
    if options.source == "":
        raise UserError("--source is empty; name the source, or leave the option out")
    if options.speed is not None and options.rate != _REALTIME:
        raise UserError("--speed goes with --rate realtime; a rate in lines needs none")
    if options.model and (options.timezone or options.timestamp_format or options.year):
        raise UserError("--model tells how timestamps are written; leave out --timezone, --timestamp-format and --year")


def _reader(options: argparse.Namespace, path: str, head: list[bytes]) -> LineReader:
    told = options.timezone or "UTC", options.timestamp_format, options.year or year_of(path)
    structure = find_structure(head, *told)
    return LineReader(detect(head if structure is None else canonical_lines(head, structure), *told), structure)


def _pace(options: argparse.Namespace) -> Pace | None:
    if options.rate is None:
        return None
    return LogPace(options.speed or 1.0) if options.rate == _REALTIME else SteadyPace(options.rate)


def _rate(text: str) -> float | str:
    return _REALTIME if text == _REALTIME else _positive(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value
