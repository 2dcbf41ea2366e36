"""What a model makes of a log, and what changes between two models, as a text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.document import ModelDocument
from models.document_text import printable
from models.editing.trial import FIELDS, KIND, ChangedLines, Comparison, Shown, Trial
from models.grok import Value

_LONGEST = 160


def trial_text(trial: Trial, model: ModelDocument) -> str:
    """Counts by template, most frequent first; those that no line fits; lines that fit none."""
    rows = [_summary(trial)]
    groks = {t.id: t.grok for t in model.templates}
    ranked = sorted(trial.templates.items(), key=lambda item: (-item[1], item[0]))
    width = max((len(f"{count:,}") for _, count in ranked), default=1)
    wide = max((len(name) for name, _ in ranked), default=1)
    rows += [f"  {count:>{width},}  {name:<{wide}}  {_cut(groks[name])}" for name, count in ranked]
    idle = [t.id for t in model.templates if t.id not in trial.templates]
    if idle:
        rows.append(f"no line fits {_count(len(idle), 'template')}: {', '.join(idle[:10])}{_more(len(idle), 10)}")
    if trial.unmatched:
        rows.append(f"{_count(trial.unmatched, 'line')} fit no template, such as")
        rows += [_example(example) for example in trial.unmatched_examples]
    return printable("\n".join(rows))


def comparison_text(found: Comparison) -> str:
    """What both make of the lines in one row each, then the lines that change, group by group, with examples."""
    rows = [f"before  {_summary(found.old)}", f"after   {_summary(found.new)}"]
    if not found.changes:
        rows.append("no line changes")
        return printable("\n".join(rows))
    rows.append(f"{_count(found.changed, 'line')} {'changes' if found.changed == 1 else 'change'}:")
    for change in found.changes:
        rows += _change(change)
    return printable("\n".join(rows))


def _summary(trial: Trial) -> str:
    used = len(trial.templates)
    parts = [
        f"{_count(trial.lines, 'line')}: {trial.events - trial.unmatched:,} fit {_count(used, 'template')}",
        f"{trial.unmatched:,} fit none",
    ]
    if trial.continued:
        parts.append(f"{trial.continued:,} continue the line before")
    if trial.dead:
        parts.append(f"{trial.dead:,} cannot be read")
    return ", ".join(parts)


def _change(change: ChangedLines) -> Iterator[str]:
    key, lines = change.key, _count(change.count, "line")
    if key.what == KIND:
        yield f"  {lines}: {key.old} → {key.new}"
    elif key.what == FIELDS:
        yield f"  {lines} of template {key.old}: {', '.join(key.fields)}"
    else:
        yield f"  {lines}: {_named(key.old)} → {_named(key.new)}"
    for example, (old, new) in zip(change.examples, change.values, strict=True):
        yield _example(example)
        if old or new:
            yield f"      {_values(old)} → {_values(new)}"


def _named(template: str | None) -> str:
    return "no template" if template is None else f"template {template}"


def _values(values: Mapping[str, Value]) -> str:
    return _cut(", ".join(f"{k}={v!r}" if isinstance(v, str) else f"{k}={v}" for k, v in values.items()) or "nothing")


def _example(example: Shown) -> str:
    return f"    {example.log}:{example.line:<4} {_cut(example.text)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _more(number: int, shown: int) -> str:
    return f" and {number - shown:,} more" if number > shown else ""


def _cut(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
