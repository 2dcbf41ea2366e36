"""What the programs of benchmarks have in common: the machine first, the figures of each, and all of them in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.processes import CommandError
from benchmarks.tables import machine, machine_line


def tell(measured: Iterable[tuple[str, Any]], json_file: Path | None) -> int:
    """Go through benchmarks; returns the exit code. Goals missed are told, and no failure.

    Args:
        measured: name and figures of each, which is measured as it is asked for.
        json_file: takes all figures; None: none does.
    """
    facts = machine()
    print(machine_line(facts), flush=True)
    results: dict[str, Any] = {"machine": facts}
    try:
        results.update(measured)
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0
