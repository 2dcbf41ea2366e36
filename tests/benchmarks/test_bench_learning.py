"""The lines that learning is measured on, and what is told of it."""

from __future__ import annotations

import json
import re
import sys
from itertools import islice

from benchmarks.learning import fresh
from benchmarks.processes import run_command

LINES = ["job 12345 took 7 ms at node-003", "no number here"]


def test_each_copy_has_fresh_numbers_of_the_same_length_and_later_times():
    found = [line.decode() for line in islice(fresh(LINES), 8)]
    stamps = [line[:23] for line in found]
    assert stamps == sorted(set(stamps))
    texts = [line[24:-1] for line in found]
    assert texts[:2] == LINES
    assert len({texts[at] for at in range(0, 8, 2)}) == 4
    assert all(re.fullmatch(r"job [1-9]\d{4} took 7 ms at node-[1-9]\d\d", text) for text in texts[2::2])
    assert set(texts[1::2]) == {LINES[1]}


def test_learning_is_measured_in_a_process_of_its_own(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(islice(fresh(LINES), 500)))
    figures = json.loads(run_command([sys.executable, "-m", "benchmarks.learn_core", str(path)]).output)
    assert (figures["lines"], figures["templates"]) == (500, 2)
    assert figures["seconds"] > 0
    assert figures["peak_bytes"] > 20 << 20
