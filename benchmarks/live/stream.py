"""The stream of the latency measurement: the sample's traffic at the pace of a live log, lines of two kinds strewn in.

Event time goes as fast as the lines are sent, as in a log that is being written. (Old logs sent at this rate would let
hours of their time pass in a second, and with them the deadlines of thousands of transactions.) The lines of a
transaction stand in all files.

*Probes* fit no template, so that each becomes an anomaly at once. *Ticks* fit a template that the model is given beside
those it learnt; once that is taken away, they become anomalies, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from models.sample.generator import generate, generate_lines
from models.sample.traffic import Rates

PROBE_WORD, TICK_WORD = "latencyprobe", "latencytick"
TICK_TEMPLATE = "bench-tick"

_PROBE = b"%s 1 INFO bench.Stream: " + PROBE_WORD.encode() + b" %d is a line that fits no template\n"
_TICK = b"%s 1 INFO bench.Stream: " + TICK_WORD.encode() + b" %d\n"
_TICK_GROK = rf"%{{INT}} INFO bench\.Stream: {TICK_WORD} %{{INT}}"


STAMP = 23
"""Bytes of a timestamp."""
_SEED, _TRAINING, _ANOMALIES = 2026, 6000, 0.01
_LINES_OF_A_TRANSACTION = 7.1
"""At this time of the sample's day, by the rate that is the day's mean."""


def write_training(path: Path) -> None:
    """A log to learn the model of this traffic from."""
    path.write_bytes(generate(_SEED, _TRAINING).training)


def write_stream(paths: Sequence[Path], rate: int, seconds: int) -> None:
    """Traffic of so many seconds at about so many lines a second, dealt out to files: what has one time stays together.

    A line that continues another stands behind it. Traffic begins at that pace only after minutes of its time, when
    as many transactions end as begin: those go by faster.
    """
    rates = Rates(per_hour=3600 * rate / _LINES_OF_A_TRANSACTION)
    rng = Random(_SEED)
    lines = generate_lines(_SEED, rate * seconds, anomalies=_ANOMALIES, rates=rates)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        stamp, file = "", files[0]
        for line in lines:
            if line[:STAMP] != stamp and line[:1].isdigit():
                stamp, file = line[:STAMP], rng.choice(files)
            file.write(f"{line}\n".encode())


def strew(lines: Iterable[bytes], stamp: int, every_probe: int, every_tick: int) -> Iterator[bytes]:
    """Lines with probes and ticks between them, under the timestamp of the line before.

    Args:
        lines: with their line ends; each begins with a timestamp, a digit first, or continues the one before it.
        stamp: how many bytes that is.
        every_probe: after how many lines comes a probe.
        every_tick: after how many lines comes a tick.
    """
    last = b""
    waiting: list[bytes] = []
    for number, line in enumerate(lines, 1):
        if line[:1].isdigit():  # others continue the one before them
            yield from waiting
            last, waiting = line[:stamp], []
        yield line
        if number % every_probe == 0:
            waiting.append(_PROBE % (last, number))
        if number % every_tick == 0:
            waiting.append(_TICK % (last, number))
    yield from waiting


def strew_file(path: Path, target: Path, stamp: int, every_probe: int, every_tick: int) -> None:
    """The same with files."""
    with path.open("rb") as lines, target.open("wb") as out:
        out.writelines(strew(lines, stamp, every_probe, every_tick))


def with_ticks(model: dict[str, Any]) -> dict[str, Any]:
    """The model with a template for ticks."""
    changed = copy.deepcopy(model)
    changed["templates"].append({"id": TICK_TEMPLATE, "grok": _TICK_GROK})
    return changed
