"""``backends``: what very many open transactions cost with their state in Flink's heap and in RocksDB.

The operator ``automata`` as it is, on the embedded mini cluster with the settings of the live job, checkpoints on. A
feed in a worker of its own makes the events: transactions begin, go on and end at random, so that always as many are
open. Measured are events after all are in all stages, by the wall clock and by the processor time of each kind of
process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.backend_operators import counted
from benchmarks.live.job import Running, running
from benchmarks.open_transactions import BATCH, SHARDS
from benchmarks.processes import CommandError
from benchmarks.program import tell
from benchmarks.tables import MIB, table
from jobs.cluster_folder import free_port
from jobs.rest import get_json

BACKENDS = ("heap", "rocksdb")
AUTOMATA, JVM, FEED = "automata", "JVM", "feed"
_LOOK_S = 0.2
_STILL_S = 300.0


class Watched:
    """A running job: how far it is, and what its processes take.

    Args:
        job: its processes.
        folder: where its workers tell how far they are.
    """

    def __init__(self, job: Running, folder: Path) -> None:
        self._job, self._folder = job, folder
        self.peaks = dict.fromkeys((AUTOMATA, JVM, FEED), 0)

    def wait_for(self, events: int) -> tuple[int, float]:
        """Wait until the operator has taken so many events; how many it has, and the time of the monotonic clock.

        Raises:
            CommandError: the job has ended, or stands still.
        """
        changed, before = time.monotonic(), -1
        while True:
            now = sum(counted(self._folder, AUTOMATA).values()) * BATCH // SHARDS
            at = time.monotonic()
            self.look()
            if now >= events:
                return now, at
            if now != before:
                changed, before = at, now
            if at - changed > _STILL_S:
                raise CommandError(f"the job stands still after {now:,} events")
            self._job.check()
            time.sleep(_LOOK_S)

    def look(self) -> dict[str, float]:
        """Note the memory of all processes; their processor seconds so far, by kind."""
        workers = {pid: kind for kind in (AUTOMATA, FEED) for pid in counted(self._folder, kind)}
        sums, seconds = dict.fromkeys(self.peaks, 0), dict.fromkeys(self.peaks, 0.0)
        for pid in self._job.processes():
            try:
                process = psutil.Process(pid)
                kind = JVM if process.name() == "java" else workers.get(pid)
                if kind is not None:
                    times = process.cpu_times()
                    sums[kind] += process.memory_info().rss
                    seconds[kind] += times.user + times.system
            except psutil.Error:  # it has just ended
                continue
        self.peaks = {kind: max(peak, sums[kind]) for kind, peak in self.peaks.items()}
        return seconds


def measure(backend: str, count: int, events: int, interval_ms: int, parallelism: int) -> dict[str, Any]:
    """Open so many transactions, bring them to all stages, and measure further events.

    Raises:
        CommandError: the job failed.
    """
    with tempfile.TemporaryDirectory(prefix="weirwatch-bench-") as name:
        folder, port = Path(name), free_port()
        numbers = {"open": count, "interval-ms": interval_ms, "parallelism": parallelism, "port": port}
        arguments = ["--backend", backend, "--folder", name]
        arguments += [text for option, value in numbers.items() for text in (f"--{option}", str(value))]
        with running("benchmarks.backend_job", arguments, folder / "said.txt") as job:
            watched = Watched(job, folder)
            before, begin = watched.wait_for(3 * count)
            cpu, since_ms = watched.look(), time.time() * 1000
            watched.peaks = dict.fromkeys(watched.peaks, 0)
            after, end = watched.wait_for(before + events)
            taken = {kind: seconds - cpu[kind] for kind, seconds in watched.look().items()}
            checkpoints = _checkpoints(job, f"http://localhost:{port}", since_ms)
        return {
            "backend": backend,
            "open": count,
            "events": after - before,
            "microseconds": 1e6 * (end - begin) / (after - before),
            "cpu_microseconds": {kind: 1e6 * seconds / (after - before) for kind, seconds in taken.items()},
            "peak_bytes": watched.peaks,
            "checkpoints": checkpoints,
        }


def _checkpoints(job: Running, url: str, since_ms: float) -> list[dict[str, Any]]:
    """Those that began after a moment and are complete; waits for one.

    Raises:
        CommandError: there is none for a long time.
    """
    (found,) = get_json(f"{url}/jobs/overview")["jobs"]
    deadline = time.monotonic() + _STILL_S
    while time.monotonic() < deadline:
        history = get_json(f"{url}/jobs/{found['jid']}/checkpoints")["history"]
        done = [one for one in history if one["status"] == "COMPLETED" and one["trigger_timestamp"] >= since_ms]
        if done:
            keys = ("checkpointed_size", "state_size", "end_to_end_duration")
            return [{key: one[key] for key in keys} for one in done]
        job.check()
        time.sleep(1)
    raise CommandError("no checkpoint is completed")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _row(one: dict[str, Any]) -> list[str]:
    cpu, peaks, points = one["cpu_microseconds"], one["peak_bytes"], one["checkpoints"]
    return [
        f"{one['open']:,} open, {one['backend']}",
        f"{one['microseconds']:.2f}",
        f"{cpu[AUTOMATA]:.2f}",
        f"{cpu[JVM]:.2f}",
        f"{_mean([p['state_size'] for p in points]) / 1e6:,.0f}",
        f"{_mean([p['checkpointed_size'] for p in points]) / 1e6:,.0f}",
        f"{_mean([p['end_to_end_duration'] for p in points]) / 1000:.1f}",
        f"{peaks[AUTOMATA] / MIB:,.0f}",
        f"{peaks[JVM] / MIB:,.0f}",
    ]


_HEADER = ["", "µs", "automata µs", "JVM µs", "state MB", "written MB", "seconds", "automata MiB", "JVM MiB"]


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    print(
        f"{options.events:,} events each, parallelism {options.parallelism}, a checkpoint every "
        f"{options.checkpoint_s:g} s\n"
        "  µs: an event, by the wall clock, then processor time in automata's Python workers and in the JVM; MB and\n"
        "  seconds: a checkpoint, all that it holds and what it wrote; MiB: peak memory of processes",
        flush=True,
    )
    found = []
    for count in options.open:
        for backend in BACKENDS:
            interval_ms = int(1000 * options.checkpoint_s)
            one = measure(backend, count, options.events, interval_ms, options.parallelism)
            found.append(one)
            print(f"  measured: {one['open']:,} open, {backend}: {one['microseconds']:.2f} µs an event", flush=True)
    print(table(_HEADER, [_row(one) for one in found]))
    yield "backends", found


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backends", description=__doc__)
    parser.add_argument(
        "--open",
        type=int,
        nargs="+",
        default=[10_000, 1_000_000],
        metavar="N",
        help="open transactions, of one run after the other (default: 10,000 and 1,000,000)",
    )
    parser.add_argument("--events", type=int, default=4_000_000, metavar="N", help="to measure (default: 4,000,000)")
    parser.add_argument("--checkpoint-s", type=float, default=10, metavar="S", help="how often (default: 10)")
    parser.add_argument("--parallelism", type=int, default=2, metavar="N", help="of automata (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    options = parser.parse_args()
    if min(options.events, options.parallelism) < 1 or options.checkpoint_s <= 0:
        parser.error("numbers must be 1 at least")
    if min(options.open) < BATCH:
        parser.error(f"--open must be {BATCH:,} at least")
    return tell(_measured(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
