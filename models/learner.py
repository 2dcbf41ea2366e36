"""Learning a model from logs: timestamps, templates, identifiers, automata. No labels, no format description.

The logs are read three times, split by split, so that memory holds what is distinct and not what is long: for the
distinct folds of all lines, for the identifiers (a stretch of the log), and for the transactions; the last two once
more where the transactions show that templates are one (:mod:`models.mining.alternatives`) or several
(:mod:`models.mining.steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.anomalies import iso_ms
from models.document import ModelDocument
from models.errors import UserError
from models.folding import first_lines, fold
from models.mining.alternatives import find_alternatives
from models.mining.automata import count_transactions, learn_automata
from models.mining.identifier_pattern import identifier_pattern
from models.mining.identifiers import IdentifierChoice, TemplateSample, discover_identifiers
from models.mining.links import learn_links
from models.mining.steps import find_steps, split_contents
from models.mining.templates import MinedTemplate, mine_templates
from models.mining.transactions import EventTable
from models.parser import LineParser, content_of, content_ranges
from models.source_reader import Events, ReadLimits, SourceState, read_events
from models.splits import SplitReader, plan_splits
from models.timestamps import TimestampReader, detect

Progress = Callable[[str, int, int], None]
"""Called with the stage, the bytes done and all bytes of the stage."""

_SAMPLE_LINES = 5000
_IDENTIFIER_EVENTS = 200_000
_MOST_FOLDS = 300_000
_PATTERN_VALUES = 500


@dataclass(slots=True, frozen=True)
class LearnOptions:
    """What a user may set.

    Attributes:
        model_id: name of the model.
        timezone: of timestamps that do not tell theirs.
        timestamp_format: if given, formats are not searched.
        year: of the first line, for timestamps without a year.
        id_pattern: regular expression of the identifiers; found by itself if None.
        encoding: of the logs.
        limits: what is read and believed.
    """

    model_id: str = "model"
    timezone: str = "UTC"
    timestamp_format: str | None = None
    year: int | None = None
    id_pattern: str | None = None
    encoding: str = "utf-8"
    limits: ReadLimits = ReadLimits()


@dataclass(slots=True)
class LearnReport:
    """What was read: counts of lines, events, continuation lines, dead letters, transactions; notes for the user."""

    lines: int = 0
    events: int = 0
    continued: int = 0
    dead_letters: int = 0
    transactions: int = 0
    notes: list[str] = field(default_factory=list)


def learn(
    sources: Sequence[tuple[str, str]], options: LearnOptions, progress: Progress | None = None
) -> tuple[ModelDocument, LearnReport]:
    """Learn a model.

    Args:
        sources: for each log its name, and its path.
        options: see :class:`LearnOptions`.
        progress: told how far the work is.

    Raises:
        UserError: the logs hold no timestamps, or nothing to learn from.
        OSError: a log cannot be read.
    """
    logs = _Logs(sources, options, progress or (lambda stage, done, total: None))
    settings = detect(logs.head(), options.timezone, options.timestamp_format, options.year)
    reader = TimestampReader(settings)
    report = LearnReport()
    folds = _collect_folds(logs, reader, report)
    if not report.events:
        raise UserError(f"no events in {', '.join(name for name, _ in sources)}: nothing to learn from")
    report.notes += [f"{name}: {reason}" for name, reason in logs.broken.items()]
    if folds.left_out:
        report.notes.append(f"{folds.left_out:,} lines were too varied to look at; they may be reported as unmatched")
    mined = mine_templates(folds.contents, folds.counts, folds.examples)
    choice, pattern, samples = _find_identifiers(logs, reader, mined, options)
    table = _collect_events(logs, reader, mined, choice)
    joined = find_alternatives([t.pattern for t in mined], table, choice.kinds(len(mined)))
    steps = {t: found for t, found in find_steps(samples, choice).items() if mined[t].pattern not in joined}
    del samples
    if joined or steps:
        split = split_contents(mined, folds.contents, steps)
        mined = mine_templates(folds.contents, folds.counts, folds.examples, joined=joined, split=split)
        choice, pattern, _ = _find_identifiers(logs, reader, mined, options)
        table = _collect_events(logs, reader, mined, choice)
    templates = [{"id": t.id, "grok": t.grok, "count": t.count, "example": t.example} for t in mined]
    automata = learn_automata(table, templates, choice)
    report.transactions = count_transactions(table, len(mined), choice)
    if not choice.by_template:
        report.notes.append(
            "no field identifies transactions, so that only lines unlike all learnt ones will be found; "
            "if a field does, --id-pattern REGEX names it"
        )
    document: dict[str, Any] = {
        "kind": "weirwatch.model",
        "format": 1,
        "id": options.model_id,
        "version": 1,
        "learned": {
            "files": [name for name, _ in sources],
            "lines": report.lines,
            "events": report.events,
            "transactions": report.transactions,
            "from": iso_ms(int(table.event_ms.min())),
            "to": iso_ms(int(table.event_ms.max())),
        },
        "timestamp": settings.to_document(),
        "templates": templates,
        "automata": automata,
    }
    links = learn_links(table, templates, choice, automata)
    if links:
        document["links"] = links
    if pattern:
        document["id_pattern"] = pattern
    return ModelDocument.from_json(document, "the learnt model"), report


class _Logs:
    """The logs, to be read several times."""

    def __init__(self, sources: Sequence[tuple[str, str]], options: LearnOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._plans = [plan_splits(path, name, options.encoding) for name, path in sources]
        self.broken: dict[str, str] = {}
        """Why the rest of a log cannot be read, by its name."""

    def head(self) -> list[bytes]:
        """Some first lines of each log."""
        lines: list[bytes] = []
        each = max(1, _SAMPLE_LINES // len(self._plans))
        for splits in self._plans:
            reader = SplitReader(each, self._options.limits.max_line_bytes)
            lines += next(reader.read(splits[0])).data.split(b"\n")[:each]
        return [line.rstrip(b"\r") for line in lines]

    def events(self, reader: TimestampReader, stage: str, most: int | None = None) -> Iterator[tuple[int, Events]]:
        """All events of all logs, batch by batch, each with the number of its log; at most about ``most`` events."""
        total = sum(splits[-1].end for splits in self._plans)
        done = seen = 0
        for number, splits in enumerate(self._plans):
            state = SourceState()
            lines = SplitReader(50_000, self._options.limits.max_line_bytes)
            for split in splits:
                for batch in lines.read(split):
                    if batch.error:
                        self.broken[batch.source] = batch.error
                    events, state = read_events(state, batch.data, batch.at_end, reader, self._options.limits)
                    yield number, events
                    seen += len(events)
                done += split.end - split.begin
                self._progress(stage, done, total)
                if most is not None and seen >= most:
                    self._progress(stage, total, total)
                    return


@dataclass(slots=True)
class _Folds:
    contents: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    left_out: int = 0


def _collect_folds(logs: _Logs, reader: TimestampReader, report: LearnReport) -> _Folds:
    """The distinct folds of all contents, each with one content that has it."""
    folds = _Folds()
    known: dict[bytes, int] = {}
    for _, events in logs.events(reader, "reading messages"):
        report.lines += events.lines
        report.events += len(events)
        report.continued += events.continued
        report.dead_letters += len(events.dead)
        if not len(events):
            continue
        starts, marks = content_ranges(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        keys, codes, _ = fold(events.data, starts, events.ends, marks, events.time_ends).distinct()
        counts = np.bincount(codes, minlength=len(keys)).tolist()
        for key, count, row in zip(keys, counts, first_lines(codes, len(keys)).tolist(), strict=True):
            at = known.get(key)
            if at is not None:
                folds.counts[at] += count
            elif len(known) >= _MOST_FOLDS:
                folds.left_out += count
            else:
                known[key] = len(known)
                span = int(starts[row]), int(events.ends[row]), int(marks[row]), int(events.time_ends[row])
                folds.contents.append(content_of(events.data, *span)[0])
                folds.counts.append(count)
                line = events.data[events.starts[row] : events.ends[row]]
                folds.examples.append(line.tobytes().decode("utf-8", "replace"))
    return folds


def _find_identifiers(
    logs: _Logs, reader: TimestampReader, mined: Sequence[MinedTemplate], options: LearnOptions
) -> tuple[IdentifierChoice, str | None, dict[int, TemplateSample]]:
    """Which fields identify transactions, a pattern that finds such identifiers in any text, and what showed it."""
    parser = LineParser([t.grok for t in mined], [()] * len(mined))
    rows: dict[int, list[int]] = {}
    values: dict[int, dict[str, list[str]]] = {
        i: {f.name: [] for f in grok.fields} for i, grok in enumerate(parser.groks)
    }
    row = 0
    for _, events in logs.events(reader, "finding identifiers", _IDENTIFIER_EVENTS):
        parsed = parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        starts, marks = content_ranges(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        for k, template in enumerate(parsed.template.tolist()):
            row += 1
            if template < 0:
                continue
            span = int(starts[k]), int(events.ends[k]), int(marks[k]), int(events.time_ends[k])
            found = parser.groks[template].regex.fullmatch(content_of(events.data, *span)[0])
            if found is None:
                continue
            rows.setdefault(template, []).append(row)
            for name, column in values[template].items():
                column.append(found[name] or "")
    samples = {i: TemplateSample(np.array(at, np.int64), values[i]) for i, at in rows.items()}
    choice = discover_identifiers(samples, options.id_pattern)
    if options.id_pattern:
        return choice, options.id_pattern, samples
    kinds: dict[int, list[str]] = {}
    for template in samples:
        for identifier in choice.identifiers_of(template):
            kinds.setdefault(identifier.kind, []).extend(values[template][identifier.field][:_PATTERN_VALUES])
    return choice, identifier_pattern([kinds[kind] for kind in sorted(kinds)]), samples


def _collect_events(
    logs: _Logs, reader: TimestampReader, mined: Sequence[MinedTemplate], choice: IdentifierChoice
) -> EventTable:
    """What all events visit and by which transactions, in order of (order time, source, position)."""
    visits = choice.visits(len(mined))
    parser = LineParser([t.grok for t in mined], [choice.fields_of(i) for i in range(len(mined))])
    numbers: dict[bytes, int] = {}
    columns: list[tuple[Any, ...]] = []
    for source, events in logs.events(reader, "following transactions"):
        parsed = parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        event, place, visit = visits.of(parsed.template, parsed.begin >= 0)
        transaction = np.full(len(visit), -1, np.int64)
        named = np.flatnonzero((parsed.begin[place, event] >= 0) & (visit >= 0))
        raw = events.data.tobytes()
        begins, ends = (x[place[named], event[named]].tolist() for x in (parsed.begin, parsed.end))
        transaction[named] = [numbers.setdefault(raw[a:b], len(numbers)) for a, b in zip(begins, ends, strict=True)]
        columns.append(
            (
                visit,
                transaction,
                events.event_ms[event],
                events.order_ms[event],
                np.full(len(visit), source),
                events.line[event],
            )
        )
    visit, transaction, event_ms, order_ms, sources, line = (np.concatenate(c) for c in zip(*columns, strict=True))
    order = np.lexsort((line, sources, order_ms))
    order = order[visit[order] >= 0]
    # A line's visits stand one behind the other.
    same = (np.diff(line[order], prepend=-1) == 0) & (np.diff(sources[order], prepend=-1) == 0)
    return EventTable(visit[order], transaction[order], event_ms[order], np.cumsum(~same))
