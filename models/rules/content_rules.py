"""Content rules of a model, compiled once and looked at batch by batch.

Only lines of templates that have rules are looked at, those of a template together: conditions narrow down the set of
lines part by part, the cheapest first, and a test sees each distinct value once. Lines without rules are
passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from models.batches import Int32, Int64
from models.document import ModelDocument
from models.document_content import Rule
from models.rules.conditions import (
    ALL,
    FIELD,
    NOT,
    Condition,
    Test,
    compile_condition,
    describe,
    reason,
    tests_of,
)
from models.rules.lines import Columns, Lines, Mask, fields_in, filled

_MOST_SOURCES = 10_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A line for which a rule's condition holds.

    Attributes:
        row: the event's place in the batch.
        rule: the rule.
        condition: what it asks, in words.
        held: what the line has of it, in words.
        told: the rule's message with its values, or "".
        fields: name → value of the fields that the rule names.
    """

    row: int
    rule: Rule
    condition: str
    held: str
    told: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    condition: Condition
    words: str
    names: tuple[str, ...]


class ContentRules:
    """The rules of a model that are enabled.

    Args:
        model: a checked model.

    Attributes:
        wanted: id of a template → the fields that its rules name.
    """

    def __init__(self, model: ModelDocument) -> None:
        self._of: dict[str | None, list[_Compiled]] = {}
        for rule in model.rules:
            if rule.enabled:
                self._of.setdefault(rule.template, []).append(_compiled(rule))
        self.wanted: dict[str, tuple[str, ...]] = {
            template: tuple(dict.fromkeys(name for rule in rules for name in rule.names))
            for template, rules in self._of.items()
            if template is not None
        }
        ids = [template.id for template in model.templates]
        self._templates = [(at, name) for at, name in enumerate(ids) if name in self._of]
        self._sources: dict[str, frozenset[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def broken(self, lines: Lines, template: Int32, columns: Mapping[str, Mapping[str, int]]) -> list[Broken]:
        """The lines of a batch that break rules, in order of lines and, within one, of rules.

        Args:
            lines: the batch.
            template: int32[n], the index of each line's template in the model, negative for none.
            columns: id of a template → name of a field → its column among the wanted fields.
        """
        if not self._of:
            return []
        asked = self._for_source(lines.source)
        found: list[tuple[int, int, Broken]] = []
        groups: list[tuple[str | None, Int64]] = [(None, np.arange(len(lines)))] if None in self._of else []
        groups += [(name, np.flatnonzero(template == at)) for at, name in self._templates]
        for name, rows in groups:
            if not len(rows):
                continue
            known = Columns(lines, rows, dict(columns.get(name, {})) if name is not None else {})
            for place, rule in enumerate(self._of[name]):
                if rule.rule.id in asked:
                    hits = rows[_holding(rule.condition, known, np.arange(len(rows)))]
                    found += [(row, place, _broken(rule, known, row)) for row in hits.tolist()]
        found.sort(key=lambda told: told[:2])
        return [broken for _, _, broken in found]

    def _for_source(self, source: str) -> frozenset[str]:
        """The ids of the rules that are for a source."""
        known = self._sources.get(source)
        if known is None:
            if len(self._sources) >= _MOST_SOURCES:
                self._sources.clear()
            rules = [rule.rule for rules in self._of.values() for rule in rules]
            known = self._sources[source] = frozenset(rule.id for rule in rules if _claims(rule.sources, source))
        return known


def _compiled(rule: Rule) -> _Compiled:
    condition = compile_condition(rule.when)
    names = [test.name for test in tests_of(condition) if test.kind == FIELD]
    names += fields_in(rule.message) if rule.template is not None else ()
    return _Compiled(rule, condition, describe(condition), tuple(dict.fromkeys(names)))


def _holding(condition: Condition, known: Columns, at: Int64) -> Int64:
    """Of some places of the template's lines, those for which a condition holds, ascending."""
    if isinstance(condition, Test):
        mask: Mask = known.test(condition, at)
        return at[mask]
    if condition.kind == NOT:
        return np.setdiff1d(at, _holding(condition.parts[0], known, at), assume_unique=True)
    parts = sorted(condition.parts, key=lambda part: part.cost)
    if condition.kind == ALL:
        for part in parts:
            if not len(at):
                break
            at = _holding(part, known, at)
        return at
    rest, hits = at, [np.empty(0, np.int64)]
    for part in parts:
        if not len(rest):
            break
        hits.append(_holding(part, known, rest))
        rest = np.setdiff1d(rest, hits[-1], assume_unique=True)
    return np.sort(np.concatenate(hits))


def _broken(rule: _Compiled, known: Columns, row: int) -> Broken:
    values = {name: known.field(name, row) for name in rule.names}
    held = reason(rule.condition, lambda test: known.value(test, row))
    told = filled(rule.rule.message, values) if rule.rule.template is not None else rule.rule.message
    return Broken(row, rule.rule, rule.words, held, told, {k: v for k, v in values.items() if v is not None})


def _claims(globs: Iterable[str], source: str) -> bool:
    """Whether a rule with these globs is for a source; of a file also its name without folders counts."""
    names = {source, source.rpartition("/")[2]}
    return not globs or any(fnmatchcase(name, glob) for name in names for glob in globs)
