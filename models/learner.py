"""Learning a model from log files: timestamps, templates, identifiers, automata. No labels, no format description.

The logs are read twice, split by split: for the distinct messages and a stretch of lines, then for the visits of
transactions. What is held in memory in between is bounded, see :mod:`models.learning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from models.document import ModelDocument
from models.errors import UserError
from models.learning.messages import MessageSummary
from models.learning.options import LearnLimits, LearnOptions, LearnReport
from models.learning.plan import LearnPlan, make_plan
from models.learning.result import make_model
from models.learning.second_pass import SecondPass
from models.learning.update import known_templates, no_events, reader_of
from models.line_reader import LineReader
from models.line_search import find_line_reader
from models.log_sample import sample_lines
from models.source_reader import Events, SourceState, read_events
from models.splits import SplitReader, plan_splits

__all__ = ["LearnLimits", "LearnOptions", "LearnReport", "Progress", "learn"]

Progress = Callable[[str, int, int], None]
"""Called with the stage, the bytes done and all bytes of the stage; 0 of a stage that reads none."""

_SAMPLE_LINES = 5000


def learn(
    sources: Sequence[tuple[str, str]],
    options: LearnOptions,
    progress: Progress | None = None,
    base: ModelDocument | None = None,
) -> tuple[ModelDocument, LearnReport]:
    """Learn a model, or bring one up to date.

    Args:
        sources: for each log its name, and its path.
        options: see :class:`LearnOptions`.
        progress: told how far the work is.
        base: the model to bring up to date; how it reads timestamps, and its name, win over the options.

    Raises:
        UserError: the logs hold no timestamps, or nothing to learn from.
        OSError: a log cannot be read.
    """
    logs = _Logs(sources, options, progress or (lambda stage, done, total: None))
    if base is None:
        times = options.timezone, options.timestamp_format, options.year
        reader = find_line_reader(logs.head(), logs.raw, times, options.structure, options.multiline)
    else:
        reader = reader_of(base, options.year)
    summary = _collect_messages(logs, reader, options, base)
    names = [name for name, _ in sources]
    check_events(summary, names, base)
    if progress is not None:
        progress("finding templates", 0, 0)
    plan = make_plan(summary, options, base)
    found = _collect_events(logs, reader, plan, options)
    return make_model(names, summary, plan, found.visits, found.tallies, reader.sections(), options, base)


def check_events(summary: MessageSummary, names: Sequence[str], base: ModelDocument | None) -> None:
    """Raise :class:`~models.errors.UserError` if there is nothing to learn from."""
    if not summary.events:
        if base is not None and summary.lines:
            raise no_events(base, ", ".join(names))
        raise UserError(f"no events in {', '.join(names)}: nothing to learn from")


class _Logs:
    """The logs, to be read several times."""

    def __init__(self, sources: Sequence[tuple[str, str]], options: LearnOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._plans = [plan_splits(path, name, options.encoding) for name, path in sources]
        self.broken: dict[str, str] = {}
        """Why the rest of a log cannot be read, by its name."""

    def head(self) -> list[bytes]:
        """Some lines of each log."""
        each = max(1, _SAMPLE_LINES // len(self._plans))
        limit = self._options.limits.max_line_bytes
        return [line.rstrip(b"\r") for splits in self._plans for line in sample_lines(splits, each, limit)]

    def raw(self, stage: str) -> Iterator[list[bytes]]:
        """All lines of all logs, batch by batch."""
        total = sum(splits[-1].end for splits in self._plans)
        done = 0
        for splits in self._plans:
            lines = SplitReader(10_000, self._options.limits.max_line_bytes)
            for split in splits:
                for batch in lines.read(split):
                    yield batch.data.split(b"\n")
                done += split.end - split.begin
                self._progress(stage, done, total)

    def events(self, reader: LineReader, stage: str) -> Iterator[tuple[str, Events]]:
        """All events of all logs, batch by batch, each with the name of its log."""
        total = sum(splits[-1].end for splits in self._plans)
        done = 0
        for splits in self._plans:
            state = SourceState()
            lines = SplitReader(50_000, self._options.limits.max_line_bytes)
            for split in splits:
                for batch in lines.read(split):
                    if batch.error:
                        self.broken[batch.source] = batch.error
                    events, state = read_events(state, batch.data, batch.at_end, reader, self._options.limits)
                    yield batch.source, events
                done += split.end - split.begin
                self._progress(stage, done, total)


def _collect_messages(
    logs: _Logs, reader: LineReader, options: LearnOptions, base: ModelDocument | None
) -> MessageSummary:
    """The first pass: the distinct messages of all lines, and a stretch of them."""
    summary = MessageSummary(options.memory)
    known = None if base is None else known_templates(base)
    for source, events in logs.events(reader, "reading messages"):
        summary.add(source, events, known)
    summary.broken.update(logs.broken)
    return summary


def _collect_events(logs: _Logs, reader: LineReader, plan: LearnPlan, options: LearnOptions) -> SecondPass:
    """The second pass: all visits of transactions, and the values of fields."""
    found = SecondPass(plan.reading(options.memory), plan.tallies)
    if not plan.reads_again:
        return found
    for source, events in logs.events(reader, "following transactions"):
        found.add(source, events)
    return found
