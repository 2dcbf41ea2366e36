"""The environment that Drain3 runs in, which pins versions that clash with Flink's."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import ROOT, CommandError


def peer_python() -> Path:
    """The interpreter of that environment.

    Raises:
        CommandError: it is missing.
    """
    found = ROOT / ".venv-drain3" / "bin" / "python"
    if not found.is_file():
        raise CommandError("Drain3's environment is missing; `make bench` and `make bench-parsing` make it")
    return found
