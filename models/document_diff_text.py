"""The difference between two models as a text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from models.document_diff import ADDED, CHANGED, REMOVED, Change, Difference, ModelDiff
from models.document_text import printable

_SIGN = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
_GENERAL = {"id", "timestamp", "structure", "multiline", "id_pattern"}
_INSIDE = {"state", "order", "requires", "equal", "excludes", "transition"}
_BOUNDS = {"max", "min_ms", "max_ms", "duration.min_ms", "duration.max_ms"}
_WIDE = 60
"""Old and new value stand below each other when both together are wider than this."""


def diff_text(diff: ModelDiff, old: str, new: str) -> str:
    """All changes, by part; ``old`` and ``new`` are what the models are called."""
    rows = [f"{old} → {new}"]
    for change in diff.changes:
        if change.part in _GENERAL:
            rows += [f"{change.part}", *(f"  ~ {row}" for row in _values(change.values, "    "))]
    rows += _group("patterns", [c for c in diff.changes if c.part == "pattern"])
    rows += _group("templates", [c for c in diff.changes if c.part == "template"])
    rows += _group("automata", [c for c in diff.changes if c.part == "automaton" and c.what != CHANGED], diff.names)
    for automaton in _changed_automata(diff):
        rows += _automaton(automaton, diff)
    for part, title in (("rule", "rules"), ("values", "values"), ("allow", "allowed findings")):
        rows += _group(title, [c for c in diff.changes if c.part == part])
    rows += _group("categories", [c for c in diff.changes if c.part == "category"])
    rows += _group("series", [c for c in diff.changes if c.part == "series"])
    rows += _group("links", [c for c in diff.changes if c.part == "link"])
    if len(rows) == 1:
        rows.append("no difference that matters" if diff.counts else "no difference")
    if diff.counts:
        rows.append(f"counts, examples or origin differ in {diff.counts:,} {'place' if diff.counts == 1 else 'places'}")
    return printable("\n".join(rows))


def _changed_automata(diff: ModelDiff) -> list[str]:
    found: dict[str, None] = {}
    for change in diff.changes:
        if change.part in _INSIDE and change.automaton is not None:
            found[change.automaton] = None
        elif change.part == "automaton" and change.what == CHANGED:
            found[_new_id(change)] = None
    return list(found)


def _new_id(change: Change) -> str:
    return next((str(v.new) for v in change.values if v.key == "id"), change.name)


def _automaton(automaton: str, diff: ModelDiff) -> Iterator[str]:
    yield f'automaton {automaton} "{diff.names[automaton]}"'
    for change in diff.changes:
        if change.part == "automaton" and change.what == CHANGED and _new_id(change) == automaton:
            yield from (f"  ~ {row}" for row in _values(change.values, "    "))
    for change in diff.changes:
        if change.automaton == automaton:
            yield from _row(change, f"{change.part} {change.name}")


def _group(title: str, changes: list[Change], names: dict[str, str] | None = None) -> Iterator[str]:
    if not changes:
        return
    counted = Counter(c.what for c in changes)
    yield f"{title}: " + ", ".join(f"{counted[what]} {what}" for what in (ADDED, REMOVED, CHANGED) if counted[what])
    for change in changes:
        yield from _row(change, f'{change.name} "{names[change.name]}"' if names else change.name)


def _row(change: Change, name: str) -> Iterator[str]:
    head = f"  {_SIGN[change.what]} {name}"
    if change.what != CHANGED:
        yield f"{head}: {change.text}" if change.text else head
        return
    short = [row for value in change.values for row in _values((value,), "      ")]
    if any("\n" in row for row in short):
        yield f"{head}:"
        yield from (f"      {row}" for row in short)
    else:
        yield f"{head}: {', '.join(short)}"


def _values(values: tuple[Difference, ...], indent: str) -> Iterator[str]:
    for value in values:
        old, new = _show(value.key, value.old), _show(value.key, value.new)
        if len(old) + len(new) > _WIDE:
            yield f"{value.key}\n{indent}  {old}\n{indent}→ {new}"
        else:
            yield f"{value.key} {old} → {new}"


def _show(key: str, value: Any) -> str:
    if value is None:
        return "no bound" if key in _BOUNDS else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "none"
    if isinstance(value, int):
        return f"{value:,} ms" if key.endswith("_ms") else str(value)
    return str(value) if value != "" else "none"
