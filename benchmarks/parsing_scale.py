"""``scale``: what a line costs with many templates, against few, and when no line was ever seen before."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import run_command
from benchmarks.tables import table

GOAL = 1.3
FEW, MANY = 200, 3_000
_WORDS = ("read", "write", "open", "close", "flush", "sync", "copy", "move", "drop", "send", "fetch", "store", "load")
_PLACES = ("cache", "queue", "disk", "node", "shard", "index", "table", "stream", "socket", "buffer", "volume")
_SEED = 2026


def run(folder: Path, lines: int, rounds: int) -> dict[str, Any]:
    """Measure, print the table, and return the figures.

    Args:
        folder: an empty folder for files.
        lines: how many lines to parse with each model.
        rounds: how often; the median counts.
    """
    commands = {}
    for count in (FEW, MANY):
        model, training, watched = (folder / f"{name}-{count}" for name in ("model", "training", "watched"))
        model.write_text(json.dumps(document(count)), encoding="utf-8")
        training.write_text("".join(lines_of(count, 10 * count, 1)), encoding="utf-8")
        watched.write_text("".join(lines_of(count, lines, 2)), encoding="utf-8")
        commands[count] = [sys.executable, "-m", "benchmarks.parse_core", str(model), str(training), str(watched)]
    found: dict[int, list[dict[str, Any]]] = {count: [] for count in commands}
    for _ in range(rounds):
        for count, command in commands.items():
            found[count].append(json.loads(run_command(command).output))
    cost = {count: median(1e6 / each["lines_per_second"] for each in rounds) for count, rounds in found.items()}
    ratio = cost[MANY] / cost[FEW]
    print(f"scale: {lines:,} lines, evenly of all templates")
    print(f"  one core, {rounds} rounds by turns, processor time, median")
    rows = [[f"{count:,} templates", f"{cost[count]:.3f}", f"{found[count][-1]['matched']:.2%}"] for count in cost]
    print(table(["", "µs a line", "lines matched"], rows))
    print(f"  ratio: {ratio:.2f} (goal ≤ {GOAL}: {'reached' if ratio <= GOAL else 'MISSED'})", flush=True)
    return {"lines": lines, "rounds": found, "microseconds": cost, "ratio": ratio, "goal": GOAL}


def document(count: int) -> dict[str, Any]:
    """A model of so many templates, each with two fields."""
    templates = [{"id": f"t-{n}", "grok": rf"{_text(n)} id=%{{NOTSPACE:id}} took %{{INT:ms}} ms"} for n in range(count)]
    timestamp: dict[str, Any] = {"formats": ["NONE"], "timezone": "UTC", "year": None, "skip_words": 0, "literal": ""}
    return {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "scale",
        "version": 1,
        "timestamp": timestamp,
        "templates": templates,
        "automata": [],
    }


def lines_of(count: int, lines: int, seed: int) -> Iterator[str]:
    """Lines of such a model's log."""
    chance = random.Random(_SEED + seed)
    for _ in range(lines):
        number = chance.randrange(count)
        yield f"{_text(number)} id={chance.getrandbits(40):x} took {chance.randrange(100_000)} ms\n"


def _text(number: int) -> str:
    """The words of a template: different ones for each."""
    verbs, places = len(_WORDS), len(_PLACES)
    first, rest = number % verbs, number // verbs
    return f"{_WORDS[first]} {_PLACES[rest % places]} of {_PLACES[(rest // places) % places]} {_letters(rest)}"


def _letters(number: int) -> str:
    """A word for a number, without digits: those would be a value."""
    word = ""
    while True:
        number, digit = divmod(number, 20)
        word += "bcdfghjklmnpqrstvwxz"[digit]
        if not number:
            return word
