"""A long stream of the sample shop's events, cut into messages of several sources: the same seed, the same messages.

Event times are old and regular and say nothing of the pace at which the stream is fed. Transactions are spread over all
sources, and so over all partitions.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from jobs.cli import main
from models.sample.generator import generate
from models.sample.traffic import Rates
from models.sample.truth import Injected

_STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
_STAMP_BYTES = 23
_ORDER = re.compile(rb"Order (ord-\d{6}) created")
_HOURS_AFTER = 3
# Dense enough for hundreds of transactions to be open at any time, and so in every checkpoint.
_RATES = Rates(per_hour=20_000, background=3.0, quiet=0.0)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be fed: an event with the lines that continue it."""

    partition: int
    source: str
    value: bytes

    @property
    def time(self) -> str:
        """Its event time as anomalies write it."""
        return f"{self.value[:10].decode()}T{self.value[11:_STAMP_BYTES].decode().replace(',', '.')}Z"


@dataclass(frozen=True)
class Stream:
    """What to feed, and what is to be found in it.

    Attributes:
        messages: in order of time.
        partitions: of the topic that they are for.
        model: the model document of this traffic.
        truth: the anomalies that were injected.
        open_orders: identifiers of transactions that are opened at the end, all by one source.
    """

    messages: list[Message]
    partitions: int
    model: Path
    truth: tuple[Injected, ...]
    open_orders: tuple[str, ...]

    @property
    def sources(self) -> list[str]:
        """Names of all sources."""
        return sorted({message.source for message in self.messages})


def make_stream(
    folder: Path,
    seed: int,
    transactions: int,
    anomalies_per_type: int,
    partitions: int = 3,
    sources: int = 6,
    *,
    to_the_end: bool = False,
) -> Stream:
    """Generate a stream of several sources, and learn the model for it from traffic before it.

    Args:
        folder: made; for the model.
        seed: the same seed gives the same stream and model.
        transactions: how many; each has some 14 messages, background included.
        anomalies_per_type: how many of each of the nine types.
        partitions: of the topic.
        sources: each is in one partition.
        to_the_end: after the last transaction time goes on for hours, so that all are judged by the clock; but for some
            orders that are opened at the very end, which only the end of their source can judge.
    """
    sample = generate(seed, 3000, anomalies_per_type, watched_transactions=transactions, rates=_RATES)
    # What is learnt from has no transaction that is cut off by its end.
    learnt = generate(seed, 3000, rates=replace(_RATES, quiet=2.0))
    training, _, _ = learnt.write(folder)
    model = folder / "model.json"
    assert main(["learn", str(training), "--out", str(model), "--quiet"]) == 0
    rng = Random(f"live {seed}")
    events = _events(sample.watched)
    messages = []
    stamp, source = b"", 0
    for event in events:
        # Between sources, lines of the same millisecond have no order that anyone could know: they stay together.
        if event[:_STAMP_BYTES] != stamp:
            stamp, source = event[:_STAMP_BYTES], rng.randrange(sources)
        messages.append(Message(source % partitions, f"shop-{source}.log", event))
    orders = _go_on(messages, partitions, sources) if to_the_end else ()
    return Stream(messages, partitions, model, sample.truth.watched.anomalies, orders)


def _go_on(messages: list[Message], partitions: int, sources: int) -> tuple[str, ...]:
    """Let time go on, and open orders in the end; their identifiers."""
    end = dt.datetime.fromisoformat(messages[-1].time).replace(tzinfo=None)
    ordinary = next(message.value for message in messages if b"Health check" in message.value)
    opened = next(message.value for message in messages if _ORDER.search(message.value))
    for hour in range(1, _HOURS_AFTER + 1):
        for source in range(sources):
            later = _at(ordinary, end + dt.timedelta(hours=hour, milliseconds=source))
            messages.append(Message(source % partitions, f"shop-{source}.log", later))
    orders = tuple(f"ord-{number:06}" for number in range(5))
    for number, order in enumerate(orders):
        text = _ORDER.sub(b"Order %s created" % order.encode(), opened)
        later = _at(text, end + dt.timedelta(hours=_HOURS_AFTER, seconds=1 + number))
        messages.append(Message(0, "shop-0.log", later))
    return orders


def _at(event: bytes, time: dt.datetime) -> bytes:
    """An event at another time."""
    return f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03}".encode() + event[_STAMP_BYTES:]


def _events(log: bytes) -> list[bytes]:
    """The events of a log, without their last line breaks."""
    events: list[bytes] = []
    for line in log.splitlines():
        if _STAMP.match(line):
            events.append(line)
        else:
            events[-1] += b"\n" + line
    return events
