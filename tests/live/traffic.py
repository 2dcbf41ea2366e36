"""A long stream of the sample shop's events, cut into messages of several sources: the same seed, the same messages.

Event times are old and regular and say nothing of the pace at which the stream is fed. Transactions are spread over all
sources, and so over all partitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from random import Random

from jobs.cli import main
from models.sample.generator import generate
from models.sample.traffic import Rates
from models.sample.truth import Injected

_STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
_STAMP_BYTES = 23
# Dense enough for hundreds of transactions to be open at any time, and so in every checkpoint.
_RATES = Rates(per_hour=20_000, background=3.0, quiet=0.0)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be fed: an event with the lines that continue it."""

    partition: int
    source: str
    value: bytes


@dataclass(frozen=True)
class Stream:
    """What to feed, and what is to be found in it.

    Attributes:
        messages: in order of time.
        partitions: of the topic that they are for.
        model: the model document of this traffic.
        truth: the anomalies that were injected.
    """

    messages: list[Message]
    partitions: int
    model: Path
    truth: tuple[Injected, ...]

    @property
    def sources(self) -> list[str]:
        """Names of all sources."""
        return sorted({message.source for message in self.messages})


def make_stream(folder: Path, seed: int, transactions: int, anomalies_per_type: int, partitions: int = 3) -> Stream:
    """Generate a stream, two sources in each partition, and learn the model for it from traffic before it.

    Args:
        folder: made; for the model.
        seed: the same seed gives the same stream and model.
        transactions: how many; each has some 14 messages, background included.
        anomalies_per_type: how many of each of the nine types.
        partitions: of the topic.
    """
    sample = generate(seed, 3000, anomalies_per_type, watched_transactions=transactions, rates=_RATES)
    training, _, _ = sample.write(folder)
    model = folder / "model.json"
    assert main(["learn", str(training), "--out", str(model), "--quiet"]) == 0
    rng = Random(f"live {seed}")
    messages = []
    stamp, source = b"", 0
    for event in _events(sample.watched):
        # Between sources, lines of the same millisecond have no order that anyone could know: they stay together.
        if event[:_STAMP_BYTES] != stamp:
            stamp, source = event[:_STAMP_BYTES], rng.randrange(2 * partitions)
        messages.append(Message(source % partitions, f"shop-{source}.log", event))
    return Stream(messages, partitions, model, sample.truth.watched.anomalies)


def _events(log: bytes) -> list[bytes]:
    """The events of a log, without their last line breaks."""
    events: list[bytes] = []
    for line in log.splitlines():
        if _STAMP.match(line):
            events.append(line)
        else:
            events[-1] += b"\n" + line
    return events
