"""Watching a command and its descendants."""

from __future__ import annotations

import sys

import pytest

from benchmarks.processes import CommandError, run_command
from benchmarks.tables import against, machine, machine_line, table

CHILD = "x = bytearray(60 << 20); import time; time.sleep(0.7)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}]); print('done')"


def test_memory_and_processor_time_of_children_are_counted():
    usage = run_command([sys.executable, "-c", PARENT])
    assert usage.output == "done\n"
    assert usage.peaks["Python workers"] >= 60 << 20
    assert usage.peak_bytes >= usage.peaks["Python workers"]
    assert usage.seconds > 0.7
    assert usage.cpu_seconds > 0


def test_variables_can_be_set():
    assert run_command([sys.executable, "-c", "import os; print(os.environ['ANSWER'])"], {"ANSWER": "42"}).output == (
        "42\n"
    )


def test_a_command_that_fails_says_what_it_printed():
    with pytest.raises(CommandError, match=r"ended with 3:\nwhy"):
        run_command([sys.executable, "-c", "print('why'); raise SystemExit(3)"])


def test_tables_are_aligned():
    assert table(["", "n"], [["a", "1,000"], ["bcd", "2"]]).splitlines() == [
        "           n",
        "  ---  -----",
        "  a    1,000",
        "  bcd      2",
    ]


def test_a_value_is_told_beside_its_goal():
    assert against(9, 8, 1) == "9.0 (goal ≥ 8.0: reached)"
    assert against(0.5, 0.95, 2) == "0.50 (goal ≥ 0.95: MISSED)"


def test_a_busy_machine_is_told():
    facts = machine()
    assert "cores" in machine_line(facts)
    assert "busy" in machine_line({**facts, "load_before": 3.0})
    assert "busy" not in machine_line({**facts, "load_before": 0.1})
