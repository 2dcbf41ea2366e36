"""The stream of the latency measurement: a corpus with lines of two kinds strewn in.

*Probes* fit no template, so that each becomes an anomaly at once. *Ticks* fit a template that the model is given beside
those it learnt; once that is taken away, they become anomalies, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PROBE_WORD, TICK_WORD = "latencyprobe", "latencytick"
TICK_TEMPLATE = "bench-tick"

_PROBE = b"%s 1 INFO bench.Stream: " + PROBE_WORD.encode() + b" %d is a line that fits no template\n"
_TICK = b"%s 1 INFO bench.Stream: " + TICK_WORD.encode() + b" %d\n"
_TICK_GROK = rf"%{{INT}} INFO bench\.Stream: {TICK_WORD} %{{INT}}"


def strew(lines: Iterable[bytes], stamp: int, every_probe: int, every_tick: int) -> Iterator[bytes]:
    """Lines with probes and ticks between them, under the timestamp of the line before.

    Args:
        lines: with their line ends; each begins with a timestamp.
        stamp: how many bytes that is.
        every_probe: after how many lines comes a probe.
        every_tick: after how many lines comes a tick.
    """
    for number, line in enumerate(lines, 1):
        yield line
        if number % every_probe == 0:
            yield _PROBE % (line[:stamp], number)
        if number % every_tick == 0:
            yield _TICK % (line[:stamp], number)


def strew_file(path: Path, target: Path, stamp: int, every_probe: int, every_tick: int) -> None:
    """The same with files."""
    with path.open("rb") as lines, target.open("wb") as out:
        out.writelines(strew(lines, stamp, every_probe, every_tick))


def with_ticks(model: dict[str, Any]) -> dict[str, Any]:
    """The model with a template for ticks."""
    changed = copy.deepcopy(model)
    changed["templates"].append({"id": TICK_TEMPLATE, "grok": _TICK_GROK})
    return changed
