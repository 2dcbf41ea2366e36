"""Checkers where lines are parsed: what they want is cut out, line checkers look, keyed ones get their batches."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from models.anomalies import Document
from models.batches import EventBatch, Int64
from models.checkers.documents import place_of, violation_document
from models.checkers.events import Event
from models.checkers.facts import ModelFacts
from models.checkers.interface import KeyedChecker, LineChecker, Violation
from models.checkers.running import Running, RunningCheckers
from models.document import ModelDocument
from models.grok import Field, Value
from models.origins import Origin
from models.parser import LineParser, Parsed
from models.source_reader import Events

_Places = Mapping[int, tuple[tuple[Field, int], ...]]
"""Template's index → the fields that a checker wants of it, each with its place in :class:`~models.parser.Parsed`."""


@dataclass(slots=True)
class Checked:
    """What a batch of lines brought: anomalies, and the events for keyed checkers, split by shard."""

    violations: list[Document] = field(default_factory=list)
    batches: list[EventBatch] = field(default_factory=list)


class CheckedLines:
    """The checkers that look at lines of one model.

    Args:
        model: the model in force.
        checkers: those of the subtask.
        shards: number of virtual partitions.
    """

    def __init__(self, model: ModelDocument, checkers: RunningCheckers, shards: int) -> None:
        self._model = model
        self._checkers = checkers
        self._shards = shards
        self._ids = [template.id for template in model.templates]
        self._viewers = checkers.viewers(ModelFacts.of(model))
        self._places: list[_Places] = []

    def wanted(self, own: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """For each template the fields to be cut out: those that are anyway, then those that checkers want."""
        asked = [wanted for _, wanted in self._viewers]
        extra = [[name for wanted in asked for name in wanted.get(template, ())] for template in self._ids]
        return [tuple(dict.fromkeys((*names, *more))) for names, more in zip(own, extra, strict=True)]

    def prepare(self, parser: LineParser, wanted: Sequence[Sequence[str]]) -> None:
        """Note where the parser puts which field; ``wanted`` are the fields that it was given for each template."""
        index = {template: at for at, template in enumerate(self._ids)}
        for _, asked in self._viewers:
            places: dict[int, tuple[tuple[Field, int], ...]] = {}
            for template, names in asked.items():
                at = index[template]
                fields = {f.name: f for f in parser.groks[at].fields}
                places[at] = tuple((fields[name], wanted[at].index(name)) for name in names)
            self._places.append(places)

    def look(self, origin: str, events: Events, parsed: Parsed, raw: bytes, epoch: int) -> Checked:
        """Let all checkers look at a batch of lines.

        Args:
            origin: where the lines come from, see :mod:`models.origins`.
            events: the lines.
            parsed: what they are.
            raw: the bytes that ``events`` is about.
            epoch: number of the change of models in force.
        """
        out = Checked()
        source = Origin.parse(origin).source if self._checkers.topic else origin
        for (running, _), places in zip(self._viewers, self._places, strict=True):
            if running.guard.is_off or not running.spec.watches(source):
                continue
            mine = np.zeros(len(self._ids) + 1, np.bool_)  # the last one is for lines that fit no template
            mine[list(places)] = True
            rows = np.flatnonzero(mine[parsed.template])
            if not len(rows):
                continue
            view = _View(self._model, self._ids, source, origin, events, parsed, raw, places)
            if isinstance(running.checker, LineChecker):
                self._look(running, running.checker, view, rows, out)
            if isinstance(running.checker, KeyedChecker):
                out.batches += self._batches(running, view, rows, epoch)
        return out

    def _look(self, running: Running, checker: LineChecker, view: _View, rows: Int64, out: Checked) -> None:
        for row in rows.tolist():
            event = view.event(row)
            found, failure = running.guard.call(
                partial(checker.check_line, event), partial(self._document, running, view, row, event)
            )
            out.violations += found
            if failure:
                self._checkers.tell(running, failure, event.line(), "line")
                if running.guard.is_off:
                    break

    def _document(
        self, running: Running, view: _View, row: int, event: Event, violation: Violation, number: int
    ) -> Document:
        place = place_of(view.origin, event.position, self._checkers.topic)
        return violation_document(
            violation,
            number,
            spec=running.spec,
            model=(self._model.id, self._model.version),
            # The line is part of the id, so that files of the same name in different folders do not collide.
            identity=("line", *place, view.text(row)),
            time_ms=event.time_ms,
            evidence=violation.evidence or [event.line()],
            topic=self._checkers.topic,
            template=event.template,
        )

    def _batches(self, running: Running, view: _View, rows: Int64, epoch: int) -> Iterator[EventBatch]:
        """The events of a keyed checker; ahead of the text of each stand its fields, JSON and a line feed."""
        picked = [(row, key) for row in rows.tolist() if (key := view.key(row))]
        shards = [zlib.crc32(key) % self._shards for _, key in picked]
        events = view.events
        for shard in sorted(set(shards)):
            some = [pair for pair, own in zip(picked, shards, strict=True) if own == shard]
            at = np.array([row for row, _ in some], np.int64)
            templates, place = np.unique(view.parsed.template[at], return_inverse=True)
            yield EventBatch(
                source=view.origin,
                shard=shard,
                model=self._model.id,
                epoch=epoch,
                templates=[self._ids[template] for template in templates.tolist()],
                order_ms=events.order_ms[at],
                event_ms=events.event_ms[at],
                position=events.line[at],
                template=place.astype(np.int32),
                transaction=[key for _, key in some],
                text=[_packed(view.fields(row), view.raw_text(row)) for row, _ in some],
                checker=running.spec.id,
            )


@dataclass(frozen=True, slots=True)
class _View:
    """The lines of a batch as one checker sees them, by row."""

    model: ModelDocument
    ids: Sequence[str]
    source: str
    origin: str
    events: Events
    parsed: Parsed
    raw: bytes
    places: _Places

    def event(self, row: int) -> Event:
        events = self.events
        return Event(
            self.model.id,
            self.ids[int(self.parsed.template[row])],
            self.source,
            self.origin,
            int(events.line[row]),
            int(events.event_ms[row]),
            int(events.order_ms[row]),
            partial(self.fields, row),
            partial(self.text, row),
            lambda: self.raw_text(row).decode("utf-8", "replace"),
        )

    def fields(self, row: int) -> dict[str, Value]:
        found = {}
        for wanted, place in self.places[int(self.parsed.template[row])]:
            begin, end = int(self.parsed.begin[place, row]), int(self.parsed.end[place, row])
            if begin >= 0:
                found[wanted.name] = wanted.convert(self.raw[begin:end].decode("utf-8", "replace"))
        return found

    def key(self, row: int) -> bytes:
        """The first field, as it stands in the line; empty where it is absent."""
        _, place = self.places[int(self.parsed.template[row])][0]
        begin = int(self.parsed.begin[place, row])
        return self.raw[begin : int(self.parsed.end[place, row])] if begin >= 0 else b""

    def text(self, row: int) -> str:
        begin, end = int(self.events.starts[row]), int(self.events.ends[row])
        return self.raw[begin:end].rstrip(b"\r").decode("utf-8", "replace")

    def raw_text(self, row: int) -> bytes:
        return self.raw[int(self.events.starts[row]) : int(self.events.text_ends[row])]


def _packed(fields: Mapping[str, Value], text: bytes) -> bytes:
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode() + b"\n" + text
