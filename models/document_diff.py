"""What is different between two models, in the terms of the model: templates, states, bounds, relations.

Counts, examples and what a model was learnt from differ whenever one learns again and change no judgement: they are
counted, not listed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from models.document import Automaton, Excludes, Link, ModelDocument, State, Template, Transition
from models.document_content import Rule, ValueSet
from models.rules.conditions import compile_condition, describe
from models.slots.settings import Category

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

T = TypeVar("T")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that changed: its key in the document, the old value, the new one."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was added, removed or changed.

    Attributes:
        part: ``id``, ``timestamp``, ``structure``, ``multiline``, ``id_pattern``, ``pattern``, ``template``,
            ``automaton``, ``link``, ``rule``, ``values``, ``allow``, ``category``, ``series``, or, within an automaton,
            ``state``, ``order``, ``requires``, ``equal``.
        what: ``added``, ``removed`` or ``changed``.
        name: what it is called: an id, the name of a pattern, a relation in words.
        automaton: id of the automaton that it belongs to, or None.
        text: what was added or removed, in short.
        values: what changed.
    """

    part: str
    what: str
    name: str
    automaton: str | None = None
    text: str = ""
    values: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelDiff:
    """All that is different; ``counts`` is how many records differ in nothing but counts, examples or names of files.

    ``names`` has the names of the automata, by id.
    """

    changes: tuple[Change, ...]
    counts: int
    names: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON data."""
        return {"changes": [dataclasses.asdict(c) for c in self.changes], "counts_changed": self.counts}


def diff(old: ModelDocument, new: ModelDocument) -> ModelDiff:
    """What is different between two models."""
    changes = [*_settings(old, new), *_templates(old, new)]
    automata = _pair(old.automata, new.automata, lambda a: a.id, lambda a: a.name)
    for before, after in automata:
        changes += _automaton(before, after)
    changes += _content(old, new)
    changes += _slots(old, new)
    changes += _links(old, new)
    names = {a.id: a.name for a in [*old.automata, *new.automata]}
    return ModelDiff(tuple(changes), _counts(old, new, automata), names)


def _settings(old: ModelDocument, new: ModelDocument) -> Iterator[Change]:
    if old.id != new.id:
        yield Change("id", CHANGED, "id", values=(Difference("id", old.id, new.id),))
    keys = [*old.timestamp, *(k for k in new.timestamp if k not in old.timestamp)]
    values = _values((k, old.timestamp.get(k), new.timestamp.get(k)) for k in keys)
    if values:
        yield Change("timestamp", CHANGED, "timestamp", values=values)
    for part in ("structure", "multiline"):
        before, after = getattr(old, part) or {}, getattr(new, part) or {}
        values = _values((k, before.get(k), after.get(k)) for k in [*before, *(k for k in after if k not in before)])
        if values:
            yield Change(part, CHANGED, part, values=values)
    if old.id_pattern != new.id_pattern:
        value = Difference("id_pattern", old.id_pattern, new.id_pattern)
        yield Change("id_pattern", CHANGED, "id_pattern", values=(value,))
    for name in [*old.patterns, *(p for p in new.patterns if p not in old.patterns)]:
        before, after = old.patterns.get(name), new.patterns.get(name)
        yield from _change("pattern", name, before, after, lambda p: p, lambda p: [("regex", p)])


def _templates(old: ModelDocument, new: ModelDocument) -> Iterator[Change]:
    for before, after in _pair(old.templates, new.templates, lambda t: t.id, lambda t: t.grok):
        known = before or after
        assert known is not None
        yield from _change(
            "template", known.id, before, after, lambda t: t.grok, lambda t: [("id", t.id), ("grok", t.grok)]
        )


def _content(old: ModelDocument, new: ModelDocument) -> Iterator[Change]:
    """Rules, sets of values and allowed findings."""
    for rules in _pair(old.rules, new.rules, lambda r: r.id, lambda r: json.dumps(r.when)):
        rule = rules[0] or rules[1]
        assert rule is not None
        yield from _change("rule", rule.id, *rules, lambda r: describe(compile_condition(r.when)), _rule_values)
    for sets in _pair(old.values, new.values, lambda s: f"{s.template} {s.field}", lambda s: f"{s.template} {s.field}"):
        known = sets[0] or sets[1]
        assert known is not None
        name = f"{known.field} of {known.template}"
        yield from _change("values", name, *sets, lambda s: f"{len(s.values)} values", _set_values)
    for entries in _pair(old.allow, new.allow, lambda e: e.id, lambda e: e.id):
        entry = entries[0] or entries[1]
        assert entry is not None
        yield from _change(
            "allow",
            entry.id,
            *entries,
            lambda e: f"{e.type}, {e.reason}",
            lambda e: list(dataclasses.asdict(e).items()),
        )


def _rule_values(rule: Rule) -> list[tuple[str, Any]]:
    said = describe(compile_condition(rule.when))
    rest = [(key, value) for key, value in dataclasses.asdict(rule).items() if key != "when"]
    return [*rest, ("when", said if len(said) <= _LONGEST else json.dumps(rule.when, ensure_ascii=False))]


def _set_values(known: ValueSet) -> list[tuple[str, Any]]:
    return [("values", sorted(entry.value for entry in known.values))]


def _links(old: ModelDocument, new: ModelDocument) -> Iterator[Change]:
    befores, afters = ([_link_name(link) for link in model.links] for model in (old, new))
    yield from (Change("link", REMOVED, name) for name in befores if name not in afters)
    yield from (Change("link", ADDED, name) for name in afters if name not in befores)


def _link_name(link: Link) -> str:
    return f"{link.template}: {link.parent} {link.parent_field} to {link.child} {link.child_field}"


def _automaton(old: Automaton | None, new: Automaton | None) -> Iterator[Change]:
    known = old or new
    assert known is not None
    yield from _change("automaton", known.id, old, new, _automaton_text, _automaton_values)
    if old is None or new is None:
        return
    for before, after in _pair(old.states, new.states, lambda s: s.id, lambda s: s.template):
        state = before or after
        assert state is not None
        yield from _change("state", state.id, before, after, _state_text, _state_values, new.id)
    relations: list[tuple[str, list[str], list[str]]] = [
        (
            "order",
            [f"{o.before} before {o.after}" for o in old.order],
            [f"{o.before} before {o.after}" for o in new.order],
        ),
        (
            "requires",
            [f"{r.if_} requires {r.then}" for r in old.requires],
            [f"{r.if_} requires {r.then}" for r in new.requires],
        ),
        ("equal", [" = ".join(sorted(e.states)) for e in old.equal], [" = ".join(sorted(e.states)) for e in new.equal]),
        ("excludes", [_excludes_text(e) for e in old.excludes], [_excludes_text(e) for e in new.excludes]),
    ]
    for part, befores, afters in relations:
        yield from (Change(part, REMOVED, name, new.id) for name in befores if name not in afters)
        yield from (Change(part, ADDED, name, new.id) for name in afters if name not in befores)
    for one, other in _pair(old.transitions, new.transitions, _transition_name, _transition_name):
        transition = one or other
        assert transition is not None
        yield from _change(
            "transition", _transition_name(transition), one, other, _transition_text, _transition_values, new.id
        )


def _excludes_text(excludes: Excludes) -> str:
    return " never with ".join(sorted(excludes.states))


def _transition_name(transition: Transition) -> str:
    return f"{transition.from_} → {transition.to}"


def _transition_text(transition: Transition) -> str:
    low = "" if transition.min_ms is None else f"at least {transition.min_ms:,} ms"
    high = "" if transition.max_ms is None else f"at most {transition.max_ms:,} ms"
    return ", ".join(part for part in (low, high) if part)


def _transition_values(transition: Transition) -> list[tuple[str, Any]]:
    return [("min_ms", transition.min_ms), ("max_ms", transition.max_ms)]


def _automaton_text(automaton: Automaton) -> str:
    return f"{len(automaton.states)} states"


def _automaton_values(automaton: Automaton) -> list[tuple[str, Any]]:
    return [
        ("id", automaton.id),
        ("name", automaton.name),
        ("duration.min_ms", automaton.duration.min_ms),
        ("duration.max_ms", automaton.duration.max_ms),
        ("settle_ms", automaton.settle_ms),
        ("expires_ms", automaton.expires_ms),
    ]


def _state_text(state: State) -> str:
    most = "any number of" if state.max is None else str(state.max)
    given = (("begin", state.begin), ("end", state.end), ("closed", state.closed))
    marks = ", ".join(mark for mark, is_given in given if is_given)
    return f"template {state.template}, {state.min} to {most} times" + (f", {marks}" if marks else "")


def _state_values(state: State) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in dataclasses.asdict(state).items() if k != "support"]


def _slots(old: ModelDocument, new: ModelDocument) -> Iterator[Change]:
    """The categories, and the series that are enabled."""
    for before, after in _pair(old.categories, new.categories, _category_name, _category_name):
        known = after or before
        assert known is not None
        yield from _change("category", _category_name(known), before, after, _category_text, _category_values)
    settings, now = dataclasses.asdict(old.series), dataclasses.asdict(new.series)
    values = _values((key, settings[key], now[key]) for key in settings)
    if values:
        yield Change("series", CHANGED, "series", values=values)


def _category_name(category: Category) -> str:
    return f"{category.template} {category.field} {category.slot_ms} ms"


def _category_text(category: Category) -> str:
    return f"{len(category.shares)} values"


def _category_values(category: Category) -> list[tuple[str, Any]]:
    shares = ", ".join(f"{share.value}: {share.share}" for share in category.shares)
    windows = ", ".join(f"{window.slots}: {window.dispersion}" for window in category.windows)
    return [("shares", shares), ("windows", windows)]


def _change(
    part: str,
    name: str,
    old: T | None,
    new: T | None,
    text: Callable[[T], str],
    values: Callable[[T], list[tuple[str, Any]]],
    automaton: str | None = None,
) -> Iterator[Change]:
    """The change from one record to another; None = it is not there."""
    if old is not None and new is not None:
        found = _values(
            (key, before, after) for (key, before), (_, after) in zip(values(old), values(new), strict=True)
        )
        if found:
            yield Change(part, CHANGED, name, automaton, values=found)
    elif old is not None:
        yield Change(part, REMOVED, name, automaton, text(old))
    elif new is not None:
        yield Change(part, ADDED, name, automaton, text(new))


def _values(rows: Iterable[tuple[str, Any, Any]]) -> tuple[Difference, ...]:
    return tuple(Difference(key, old, new) for key, old, new in rows if old != new)


def _pair(
    old: Sequence[T], new: Sequence[T], first: Callable[[T], str], second: Callable[[T], str]
) -> list[tuple[T | None, T | None]]:
    """Which records belong together: those with the same first key, of the rest those that alone share the second.

    The order is the old one's; what is new comes last.
    """
    by_first = {first(record): record for record in new}
    partner: dict[int, T] = {i: by_first[first(r)] for i, r in enumerate(old) if first(r) in by_first}
    taken = {first(record) for record in partner.values()}
    rest_old = [i for i in range(len(old)) if i not in partner]
    rest_new = [record for record in new if first(record) not in taken]
    for i in rest_old:
        name = second(old[i])
        candidates = [record for record in rest_new if second(record) == name]
        if len(candidates) == 1 and sum(second(old[j]) == name for j in rest_old) == 1:
            partner[i] = candidates[0]
            taken.add(first(candidates[0]))
    pairs: list[tuple[T | None, T | None]] = [(record, partner.get(i)) for i, record in enumerate(old)]
    return pairs + [(None, record) for record in new if first(record) not in taken]


def _counts(old: ModelDocument, new: ModelDocument, automata: list[tuple[Automaton | None, Automaton | None]]) -> int:
    """How many records that are in both differ in counts, examples or what they were learnt from."""
    found = int(old.learned != new.learned)
    templates: list[tuple[Template | None, Template | None]] = _pair(
        old.templates, new.templates, lambda t: t.id, lambda t: t.grok
    )
    found += sum((a.count, a.example) != (b.count, b.example) for a, b in templates if a and b)
    sets = {(s.template, s.field): s for s in old.values}
    for known in new.values:
        earlier = sets.get((known.template, known.field))
        counts = {entry.value: entry.count for entry in known.values}
        found += earlier is not None and (earlier.support, {e.value: e.count for e in earlier.values}) != (
            known.support,
            counts,
        )
    before_links = {_link_name(link): link.support for link in old.links}
    found += sum(before_links.get(_link_name(link), link.support) != link.support for link in new.links)
    for before, after in automata:
        if before is None or after is None:
            continue
        found += (before.support, before.duration.support) != (after.support, after.duration.support)
        states = _pair(before.states, after.states, lambda s: s.id, lambda s: s.template)
        found += sum(a.support != b.support for a, b in states if a and b)
        new_support = _relation_support(after)
        found += sum(new_support.get(key, count) != count for key, count in _relation_support(before).items())
    return found


def _relation_support(automaton: Automaton) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {("order", o.before, o.after): o.support for o in automaton.order}
    found.update({("requires", r.if_, r.then): r.support for r in automaton.requires})
    found.update({("equal", *sorted(e.states)): e.support for e in automaton.equal})
    found.update({("excludes", *sorted(e.states)): e.support for e in automaton.excludes})
    found.update({("transition", t.from_, t.to): t.support for t in automaton.transitions})
    return found
