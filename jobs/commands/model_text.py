"""What ``weirwatch model`` prints for people."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.commands.format_options import format_rows
from jobs.commands.tables import table
from jobs.stores.base import ROLLBACK, Entry, Head
from models.document import Automaton, ModelDocument, State, Transition
from models.document_text import printable
from models.timestamps import TimestampSettings


def heads_text(heads: Sequence[Head]) -> str:
    """Models, one a line."""
    rows = [
        (h.model, h.newest.version, _time(h.newest.time), h.newest.templates, h.newest.automata, _remark(h))
        for h in heads
    ]
    return table(("model", "version", "time (UTC)", "templates", "automata", "note"), rows)


def history_text(head: Head, entries: Sequence[Entry]) -> str:
    """Versions, the newest first, and whether the model is deleted."""
    rows = [
        (e.version, _time(e.time), _action(e), e.templates, e.automata, e.sha256[:12], e.note)
        for e in reversed(entries)
    ]
    text = table(("version", "time (UTC)", "made by", "templates", "automata", "content", "note"), rows)
    return f"{text}\ndeleted {_time(head.deleted)}" if head.deleted else text


def model_text(document: ModelDocument, head: Head, entry: Entry) -> str:
    """A version in short: its templates and automata."""
    learned = document.learned
    lines = [
        f"model       {document.id}",
        f"version     {document.version} of {head.newest.version}{', deleted' if head.deleted else ''}",
        f"made        {_time(entry.time)} UTC by {_action(entry)}{f': {entry.note}' if entry.note else ''}",
    ]
    if learned:
        files = ", ".join(learned.get("files", []))
        lines.append(f"learnt      {learned.get('lines', 0):,} lines{f' of {files}' if files else ''}")
    lines.append(f"timestamps  {TimestampSettings.from_document(document.timestamp).describe()}")
    lines += [row.replace("  ", "", 1) for row in format_rows(document)]
    lines.append("")
    lines.append(table(("template", "lines", "grok"), [(t.id, t.count, t.grok) for t in document.templates]))
    for automaton in document.automata:
        lines += ["", _automaton(automaton)]
    if document.links:
        rows = [
            (k.template, f"{k.parent} {k.parent_field}", f"{k.child} {k.child_field}", k.support)
            for k in document.links
        ]
        lines += ["", table(("link in", "parent", "child", "support"), rows)]
    return printable("\n".join(lines))


def _automaton(automaton: Automaton) -> str:
    duration = automaton.duration
    head = f'automaton {automaton.id} "{automaton.name}": {automaton.support:,} transactions'
    if duration.min_ms is not None or duration.max_ms is not None:
        head += f", {_ms(duration.min_ms)} to {_ms(duration.max_ms)}"
    rows = [(s.id, s.template, s.field, _times(s), _marks(s), s.support) for s in automaton.states]
    text = f"{head}\n{table(('state', 'template', 'identifier', 'times', '', 'support'), rows, '  ')}"
    relations = (
        ("order", [f"{o.before} before {o.after}" for o in automaton.order]),
        ("requires", [f"{r.if_} requires {r.then}" for r in automaton.requires]),
        ("equal", [" = ".join(e.states) for e in automaton.equal]),
        ("excludes", [" never with ".join(e.states) for e in automaton.excludes]),
        ("transitions", [f"{t.from_} → {t.to}{_step(t)}" for t in automaton.transitions]),
    )
    return text + "".join(f"\n  {name}: {'; '.join(found)}" for name, found in relations if found)


def _times(state: State) -> str:
    if state.min == state.max:
        return str(state.min)
    return f"{state.min} or more" if state.max is None else f"{state.min} to {state.max}"


def _marks(state: State) -> str:
    marks = (("begin", state.begin), ("end", state.end), ("closed", state.closed))
    return ", ".join(mark for mark, given in marks if given)


def _step(transition: Transition) -> str:
    low, high = transition.min_ms, transition.max_ms
    return "" if low is None and high is None else f" ({_ms(low)} to {_ms(high)})"


def _ms(value: int | None) -> str:
    return "no bound" if value is None else f"{value:,} ms"


def _action(entry: Entry) -> str:
    return f"rollback to {entry.restored}" if entry.action == ROLLBACK else entry.action


def _remark(head: Head) -> str:
    return f"deleted {_time(head.deleted)}" if head.deleted else head.newest.note


def _time(time: str) -> str:
    """To the second, as people write it."""
    return time[:19].replace("T", " ")
