"""Latency: a steady stream, in which some lines fit no template, and changes of the model while it flows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.live.feed import Fed, feed
from benchmarks.live.figures import Spread, spread
from benchmarks.live.job import PARTITIONS, Live, watching
from benchmarks.live.stream import PROBE_WORD, STAMP, TICK_WORD, strew_file, with_ticks, write_stream
from benchmarks.live.watchers import Place, Replies, Searched, Seen
from benchmarks.processes import CommandError
from models.document import load_model

GOAL_MS = 1000.0
REFRESH_MS = 1000.0
"""Elasticsearch's own, unless an index says otherwise."""

_WARM_LINES = 400
_LEFT_OUT_S = 120.0
"""Of the stream: so long Java compiles most of what it runs all the time."""
_CHANGES = 6
_AFTER_S = 60.0
_PROBES_S, _TICKS_S = 20, 100
_WORD = "bench.Stream"


def prepare(folder: Path, rate: int, seconds: int, model: Path) -> tuple[list[Path], list[Path], Path]:
    """Write the files of the stream, those to warm the job up with, and the model with ticks.

    Args:
        folder: where to write.
        rate: lines a second.
        seconds: how long the stream is.
        model: learnt from such traffic.
    """
    document = with_ticks(load_model(model).to_json())
    target = folder / "model-with-ticks.json"
    target.write_text(json.dumps(document), encoding="utf-8")
    raw = [folder / f"raw-{number}.log" for number in range(PARTITIONS)]
    write_stream(raw, rate, seconds)
    warm, stream = [], []
    for number, path in enumerate(raw):
        strewn = folder / f"stream-{number}.log"
        strew_file(path, strewn, STAMP, rate // _PROBES_S, rate // _TICKS_S)
        parts = [folder / f"{part}-{number}.log" for part in ("warm", "steady")]
        with strewn.open("rb") as lines:
            for part, end in zip(parts, (_WARM_LINES, None), strict=True):
                with part.open("wb") as out:
                    out.writelines(islice(lines, end))
        strewn.unlink()
        path.unlink()
        warm.append(parts[0])
        stream.append(parts[1])
    return warm, stream, target


def run(live: Live, warm: Sequence[Path], stream: Sequence[Path], model: Path, rate: int) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Args:
        live: the job to be, with the model that has ticks.
        warm: lines to be read before the clock starts, a file for each partition.
        stream: those of the stream.
        model: the model with ticks.
        rate: lines a second.
    """
    changes: list[tuple[float, dict[str, Any]]] = []
    wanted = sum(_count(path, PROBE_WORD) for path in stream)
    with watching(live) as job:
        first = feed(live.kafka.bootstrap, live.lines, warm).wait()
        for _ in live.progress(live.name, first.lines, job):
            pass
        with (
            Searched(live.elasticsearch, live.indices, PROBE_WORD) as searched,
            Seen(live.kafka.bootstrap, live.anomalies, PROBE_WORD, committed=True) as committed,
            Seen(live.kafka.bootstrap, live.anomalies, TICK_WORD, committed=False) as ticks,
            Replies(live.kafka.bootstrap, live.control, live.replies) as replies,
        ):
            feeding = feed(live.kafka.bootstrap, live.lines, stream, rate, _WORD)
            try:
                begin = time.time()
                seconds = sum(_count(path, "\n") for path in stream) / rate
                due = [_LEFT_OUT_S + n * (seconds - _LEFT_OUT_S) / _CHANGES for n in range(_CHANGES)]
                while not feeding.is_done:
                    job.check()
                    if len(changes) < _CHANGES and time.time() - begin > due[len(changes)]:
                        changes.append((time.time(), replies.tell(_update(model, len(changes)))))
                    time.sleep(0.02)
                fed = feeding.wait()
                load = os.getloadavg()[0]
            finally:
                feeding.stop()
            deadline = time.monotonic() + _AFTER_S
            while min(len(searched.seen), len(committed.seen)) < wanted and time.monotonic() < deadline:
                job.check()
                time.sleep(0.1)
    since = begin + _LEFT_OUT_S
    print(f"latency: {fed.lines:,} lines, {rate:,} a second, {_PROBES_S} of them a second fit no template")
    figures: dict[str, Any] = {"lines": fed.lines, "rate": rate, "load": load}
    for name, seen, goal in (
        ("searchable in Elasticsearch", searched.seen, GOAL_MS + REFRESH_MS),
        ("committed in Kafka", committed.seen, None),
    ):
        figures |= {name.replace(" ", "_"): _tell(name, _delays(fed, seen, since), goal)}
    print(f"  (load {load:.1f}; the first {_LEFT_OUT_S:g} s are left out)")
    for name, seen in (("Elasticsearch", searched.seen), ("Kafka", committed.seen)):
        if len(seen) != wanted:
            print(f"  NOT all of {wanted:,} came to {name} within {_AFTER_S:g} s of the last line: {len(seen):,} did")
    return figures | _changes(changes, replies, ticks.seen, fed)


def _update(model: Path, number: int) -> dict[str, Any]:
    """The model without ticks, with them, without them …, each a version of its own."""
    document = json.loads(model.read_text(encoding="utf-8"))
    document["version"] += number + 1
    if number % 2 == 0:
        document["templates"].pop()
    return {"id": f"change-{number}", "action": "update", "model": document}


def _count(path: Path, word: str) -> int:
    return path.read_bytes().count(word.encode())


def _delays(fed: Fed, seen: Mapping[Place, float], since: float) -> list[float]:
    """Milliseconds from the time of each record to that at which its anomaly was seen."""
    return [at * 1000 - fed.told[place] for place, at in seen.items() if fed.told.get(place, 0) >= since * 1000]


def _tell(name: str, delays: Sequence[float], goal: float | None) -> dict[str, Any]:
    if not delays:
        raise CommandError(f"no anomaly of the stream was {name}")
    found = spread(delays)
    told = "" if goal is None else f"; goal p99 ≤ {goal:,.0f} ms: {'reached' if found.p99 <= goal else 'MISSED'}"
    print(f"  from the broker's append to {name}: {found.text()}{told}", flush=True)
    return _json(found)


def _changes(
    changes: Sequence[tuple[float, dict[str, Any]]], replies: Replies, ticks: Mapping[Place, float], fed: Fed
) -> dict[str, Any]:
    """What the changes that took the ticks from the model tell."""
    answered = [1000 * (replies.seen[told["id"]] - at) for at, told in changes if told["id"] in replies.seen]
    appended, heard, everywhere = [], [], []
    for number, (at, _) in enumerate(changes):
        if number % 2:
            continue
        end = changes[number + 1][0] if number + 1 < len(changes) else float("inf")
        mine = {place: told for place, told in ticks.items() if at * 1000 <= fed.told.get(place, 0) < end * 1000}
        first = {partition: min(t for p, t in mine.items() if p[0] == partition) for partition, _ in mine}
        if len(first) == PARTITIONS:
            appended.append(min(fed.told[place] for place in mine) - 1000 * at)
            heard.append(1000 * (min(first.values()) - at))
            everywhere.append(1000 * (max(first.values()) - at))
    figures: dict[str, Any] = {"changes": len(changes), "goal_ms": GOAL_MS}
    if len(answered) < len(changes) or not heard:
        raise CommandError(f"of {len(changes)} changes {len(answered)} were answered, {len(heard)} took effect")
    print(f"a model is changed {len(changes)} times while the stream flows; from sending the message to")
    for key, what, delays in (
        ("reply_ms", "the reply", answered),
        ("first_record_ms", "the append of the first line read under the new model", appended),
        ("first_anomaly_ms", "the arrival of its anomaly in Kafka", heard),
        ("everywhere_ms", "the same in all partitions", everywhere),
    ):
        goal = "reached" if max(delays) <= GOAL_MS else "MISSED"
        told = ", ".join(f"{delay:,.0f}" for delay in delays)
        print(f"  {what}: {told} ms (goal ≤ {GOAL_MS:,.0f}: {goal})", flush=True)
        figures[key] = delays
    return figures


def _json(found: Spread) -> dict[str, Any]:
    return {"count": found.count, "p50_ms": found.p50, "p99_ms": found.p99, "max_ms": found.most}
