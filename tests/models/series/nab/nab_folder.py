"""A small benchmark in the layout of the real one."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def stamp(row: int) -> str:
    return (BEGIN + row * STEP).strftime("%Y-%m-%d %H:%M:%S")


def write_nab(folder: Path, rows: int = 1200) -> Path:
    """Two groups of two files each, with a spike in the middle of each window; one file has no window."""
    windows: dict[str, list[list[str]]] = {}
    for seed, name in enumerate(("one/a.csv", "one/b.csv", "two/c.csv", "two/d.csv")):
        chance = random.Random(seed)
        values = [10 + 3 * math.sin(row / 46) + chance.gauss(0, 0.3) for row in range(rows)]
        windows[name] = []
        for at in (500, 900) if seed != 3 else ():
            values[at] += 15 + seed
            windows[name].append([f"{stamp(at - 20)}.000000", f"{stamp(at + 20)}.000000"])
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{stamp(row)},{value:.4f}" for row, value in enumerate(values)]
        path.write_text("\n".join(["timestamp,value", *lines]) + "\n")
    (folder / "labels").mkdir()
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return folder
