"""Every line of a log with its template and parameters, in order: what ``weirwatch parse`` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from models.document import ModelDocument
from models.grok import Value
from models.line_reader import LineReader
from models.parser import LineParser, content_of, content_ranges
from models.source_reader import Events, ReadLimits, SourceState, read_events
from models.splits import SplitReader, plan_splits
from models.structure.canonical import plain_values

_BATCH_LINES = 10_000


@dataclass(slots=True, frozen=True)
class LineRow:
    """One line: its 1-based number, its template (None and "" where none fits) and the template's fields."""

    line: int
    template_id: str | None
    template: str
    parameters: dict[str, Value]


def parse_lines(
    model: ModelDocument,
    path: str,
    name: str,
    encoding: str = "utf-8",
    progress: Callable[[str, int, int], None] | None = None,
    problems: list[str] | None = None,
) -> Iterator[LineRow]:
    """All lines of one file, in order. A line that continues an event has that event's template and no parameters.

    Args:
        model: what lines are matched with.
        path: the file.
        name: what the file is called.
        encoding: of the file.
        progress: told the stage, the bytes done and all bytes.
        problems: takes the reasons why a file cannot be read to its end.

    Raises:
        OSError: the file cannot be read.
    """
    reader = LineReader.of(model)
    parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates), model.patterns)
    limits = ReadLimits()
    splits = plan_splits(path, name, encoding)
    lines = SplitReader(_BATCH_LINES, limits.max_line_bytes)
    state = SourceState()
    last: tuple[str | None, str] = (None, "")
    for split in splits:
        for batch in lines.read(split):
            if batch.error and problems is not None:
                problems.append(f"{name}: {batch.error}")
            first = state.next_line
            events, state = read_events(state, batch.data, batch.at_end, reader, limits)
            found = _templates(events, parser, model)
            dead = {letter.line for letter in events.dead}
            for line in range(first, state.next_line):
                if line in found:
                    row = found[line]
                    last = row.template_id, row.template
                    yield row
                elif line in dead:
                    yield LineRow(line, None, "", {})
                else:
                    yield LineRow(line, *last, {})
        if progress is not None:
            progress(f"parsing {name}", split.end, splits[-1].end)


def _templates(events: Events, parser: LineParser, model: ModelDocument) -> dict[int, LineRow]:
    parsed = parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
    starts, marks = content_ranges(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
    rows = {}
    for k, (line, index) in enumerate(zip(events.line.tolist(), parsed.template.tolist(), strict=True)):
        if index < 0:
            rows[line] = LineRow(line, None, "", {})
            continue
        template = model.templates[index]
        span = int(starts[k]), int(events.ends[k]), int(marks[k]), int(events.time_ends[k])
        values = parser.groks[index].values(content_of(events.data, *span)) or {}
        if model.structure is not None:
            values = plain_values(values)
        rows[line] = LineRow(line, template.id, template.grok, values)
    return rows
