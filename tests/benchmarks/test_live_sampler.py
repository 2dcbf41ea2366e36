"""Watching processes by kind."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.live.sampler import WORKERS, Sampler

BUSY = "x = bytearray(60 << 20)\nimport time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass\n"


def test_processor_time_and_memory_of_a_group_are_summed_and_python_counts_as_workers():
    with (
        subprocess.Popen([sys.executable, "-c", BUSY + "time.sleep(60)"]) as process,
        subprocess.Popen(["sleep", "60"]) as other,
    ):
        try:
            with Sampler({"group": lambda: [process.pid, other.pid]}) as sampler:
                before = sampler.taken()
                deadline = time.monotonic() + 60
                while sampler.taken().cpu[WORKERS] < 0.4 and time.monotonic() < deadline:
                    time.sleep(0.05)
                after = sampler.taken()
        finally:
            process.kill()
            other.kill()
    assert after.since(before)[WORKERS] > 0
    assert sampler.peaks[WORKERS] >= 60 << 20
    assert sampler.peak >= sampler.peaks[WORKERS] + sampler.peaks["group"]
    assert set(after.cpu) == {WORKERS, "group"}


def test_processes_that_have_ended_keep_the_time_seen_before():
    process = subprocess.Popen([sys.executable, "-c", BUSY + "time.sleep(60)"])
    try:
        with Sampler({"group": lambda: [process.pid]}) as sampler:
            while sampler.taken().cpu.get(WORKERS, 0.0) < 0.4:
                time.sleep(0.05)
            process.kill()
            process.wait()
            assert sampler.taken().cpu[WORKERS] >= 0.4
    finally:
        process.kill()
        process.wait()
