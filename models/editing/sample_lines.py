"""The lines of a log as one model reads them, one by one: for trying a model on a sample."""

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

EVENT, CONTINUED, DEAD = "event", "continued", "dead"
"""A line that says something of its own; one that continues the line before; one that cannot be read."""

_BATCH_LINES = 10_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One line.

    Attributes:
        number: 1-based.
        kind: ``event``, ``continued`` or ``dead``.
        template: index of its template, -1 where it fits none or is no event.
        content: what it says beside its timestamp; "" of lines that are no events.
        text: the line itself; of dead lines the reason why.
    """

    number: int
    kind: str
    template: int = -1
    content: str = ""
    text: str = ""


class SampleReader:
    """Reads logs with one model.

    Args:
        model: what lines are matched with.
    """

    def __init__(self, model: ModelDocument) -> None:
        self.model = model
        self._times = LineReader.of(model)
        self._parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates), model.patterns)
        self._limits = ReadLimits()

    def fields(self, line: SampleLine) -> dict[str, Value]:
        """The fields of a line, by name; empty where it fits no template."""
        if line.template < 0:
            return {}
        values = self._parser.groks[line.template].values(line.content) or {}
        return plain_values(values) if self.model.structure is not None else values

    def template_id(self, line: SampleLine) -> str | None:
        """The id of a line's template; None where it fits none."""
        return None if line.template < 0 else self.model.templates[line.template].id

    def lines(
        self, path: str, name: str, encoding: str = "utf-8", progress: Progress | None = None
    ) -> Iterator[SampleLine]:
        """All lines of one file, in order.

        Args:
            path: the file.
            name: what the file is called.
            encoding: of the file.
            progress: told the stage, the bytes done and all bytes.

        Raises:
            OSError: the file cannot be read.
        """
        splits = plan_splits(path, name, encoding)
        reader = SplitReader(_BATCH_LINES, self._limits.max_line_bytes)
        state = SourceState()
        for split in splits:
            for batch in reader.read(split):
                first = state.next_line
                events, state = read_events(state, batch.data, batch.at_end, self._times, self._limits)
                yield from self._of_batch(events, first, state.next_line)
            if progress is not None:
                progress(f"reading {name}", split.end, splits[-1].end)

    def _of_batch(self, events: Events, first: int, end: int) -> Iterator[SampleLine]:
        parsed = self._parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        starts, marks = content_ranges(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        dead = {letter.line: letter.reason for letter in events.dead}
        rows = dict(zip(events.line.tolist(), range(len(events)), strict=True))
        templates = parsed.template.tolist()
        for number in range(first, end):
            row = rows.get(number)
            if row is None:
                kind = DEAD if number in dead else CONTINUED
                yield SampleLine(number, kind, text=dead.get(number, ""))
                continue
            span = int(starts[row]), int(events.ends[row]), int(marks[row]), int(events.time_ends[row])
            text = events.raw[events.text_starts[row] : events.first_ends[row]].tobytes().decode("utf-8", "replace")
            yield SampleLine(number, EVENT, templates[row], content_of(events.data, *span), text)
