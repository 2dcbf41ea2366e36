"""What is judged of single lines that were parsed: content rules, and values that are new in their field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.anomalies import Document
from models.batches import Int64
from models.document import ModelDocument
from models.origins import Origin
from models.parser import Parsed
from models.rules.content_rules import ContentRules
from models.rules.documents import Line, new_value, rule_broken
from models.rules.lines import Lines
from models.rules.new_values import NewValues
from models.source_reader import Events


class LineChecks:
    """The rules and sets of values of one model.

    Args:
        model: a checked model.
    """

    def __init__(self, model: ModelDocument) -> None:
        self._model = model
        self._rules = ContentRules(model)
        self._values = NewValues(model)
        self._ids = [template.id for template in model.templates]
        self._automata = {state.template: automaton.id for automaton in model.automata for state in automaton.states}
        self._columns: dict[str, dict[str, int]] = {}

    def wanted(self, identifiers: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """For each template the fields that have to be cut out of its lines; to be called once.

        Args:
            identifiers: id of a template → its fields that are cut out anyway, which stay the first ones.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name in self._ids:
            fields = [*identifiers.get(name, ()), *self._rules.wanted.get(name, ()), *self._values.wanted.get(name, ())]
            found[name] = tuple(dict.fromkeys(fields))
            self._columns[name] = {field: column for column, field in enumerate(found[name])}
        self._identified = frozenset(name for name, fields in identifiers.items() if fields)
        return found

    def __bool__(self) -> bool:
        return bool(self._rules) or bool(self._values)

    def judge(
        self, origin: str, events: Events, raw: bytes, parsed: Parsed, told: tuple[str, ...], topic: bool
    ) -> tuple[list[Document], tuple[str, ...]]:
        """The anomalies of a batch, in order of lines.

        Args:
            origin: where the lines come from, see :mod:`models.origins`.
            events: the batch.
            raw: its bytes.
            parsed: the template of each line, and where the wanted fields lie.
            told: the new values that were told of this source before, see :class:`~models.source_reader.SourceState`.
            topic: the origin is one in a topic.

        Returns:
            The documents, and what is told with them.
        """
        if not self or not len(events):
            return [], told
        lines = Lines(Origin.parse(origin).source if topic else origin, events, raw, parsed)
        broken = self._rules.broken(lines, parsed.template, self._columns)
        fresh, told = self._values.found(lines, parsed.template, self._columns, told)
        found = [
            (
                told_of.row,
                rule_broken(self._model, self._line(origin, told_of.row, events, raw, parsed, topic), told_of),
            )
            for told_of in broken
        ]
        found += [
            (
                new.row,
                new_value(self._model, self._line(origin, new.row, events, raw, parsed, topic), new.known, new.value),
            )
            for new in fresh
        ]
        order = np.argsort(np.array([row for row, _ in found], np.int64), kind="stable")
        return [found[at][1] for at in order.tolist()], told

    def _line(self, origin: str, row: int, events: Events, raw: bytes, parsed: Parsed, topic: bool) -> Line:
        at = int(parsed.template[row])
        template = self._ids[at] if at >= 0 else None
        begin = int(parsed.begin[0, row])
        # Of a line that fits no template, the first column is what the id_pattern finds.
        identified = begin >= 0 and (template is None or template in self._identified)
        return Line(
            origin=origin,
            position=int(events.line[row]),
            event_ms=int(events.event_ms[row]),
            text=_text(raw, events.starts, events.text_ends, row),
            template=template,
            automaton=self._automata.get(template) if template is not None else None,
            transaction=_text(raw, parsed.begin[0], parsed.end[0], row) if identified else None,
            topic=topic,
        )


def _text(raw: bytes, begin: Int64, end: Int64, row: int) -> str:
    return raw[int(begin[row]) : int(end[row])].decode("utf-8", "replace")
