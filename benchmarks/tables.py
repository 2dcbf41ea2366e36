"""Aligned tables, and what machine the figures are from."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

MIB = 1 << 20


def machine() -> dict[str, Any]:
    """The machine and the versions that figures depend on."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "flink": version("apache-flink"),
        "numpy": version("numpy"),
    }


def machine_line(facts: dict[str, Any]) -> str:
    """The same for people, with a warning where other work would blur the figures."""
    line = (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB; Python {facts['python']}, "
        f"Flink {facts['flink']}, numpy {facts['numpy']}"
    )
    if facts["load_before"] > 0.5:
        line += f"\nnote: the machine is busy (load {facts['load_before']}); figures will come out lower"
    return line


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a header: the first column to the left, the others to the right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    lines = []
    for first, *rest in cells:
        right = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *right]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join("  " + line for line in lines)


def against(value: float, goal: float, digits: int = 0) -> str:
    """A value beside its goal, and whether it is reached."""
    return f"{value:,.{digits}f} (goal ≥ {goal:,.{digits}f}: {'reached' if value >= goal else 'MISSED'})"


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or "unknown processor"
