"""The main job written the usual way, to compare with: one record a line, keyed state for each transaction.

``FileSource`` → parse (timestamp, template, transaction identifier) → watermarks → key by transaction → step the
transaction in ``ValueState`` under event-time timers → judge → ``FileSink``. Templates are matched, transactions judged
and documents written by the very functions that the main job uses, and what can be made quick without leaving the shape
is: an index proposes few templates a line, state is one small pickle of bytes and not a tree of Flink types, bundles
and the state cache are large, a transaction has one timer at a time, and the JVM compiles all it can.

Two things differ from the main job. Events are stepped as they come and not in order of time, which is the same where
each transaction stands in one file that is in order; and it takes one file a subtask, since Flink's file source has no
watermark for each file.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction, RuntimeContext
from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, FileSource, StreamFormat
from pyflink.datastream.state import ValueStateDescriptor

from jobs.environment import make_environment
from models.anomalies import unmatched_log
from models.automata.compiled import Automaton, CompiledAutomata
from models.automata.documents import document
from models.automata.judge import Finding, judge, judge_late_end, judge_long
from models.automata.transaction import EVENT, ORDER, Keeping, Line, Transaction
from models.document import ModelDocument, load_model, parse_model
from models.document_text import pretty
from models.parser import LineParser
from models.visits import identifier_fields

UNMATCHED = OutputTag("unmatched", Types.STRING())
EVENT_TYPE = Types.TUPLE(
    [Types.STRING(), Types.LONG(), Types.INT(), Types.LONG(), Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
)
"""Key (automaton and identifier), epoch ms, slot, position, identifier, text."""
Event = tuple[str, int, int, int, str, bytes]

_EVIDENCE = 10
_KEEPING = Keeping(_EVIDENCE)
_SOURCE = "input"
JVM_ARGUMENTS = "-Xmx1536m -XX:+UseParallelGC"
SETTINGS = {
    # Flink's own: a bundle of many records writes a transaction's state once, by a call into the JVM for each.
    "python.fn-execution.bundle.size": "100000",
    "python.fn-execution.bundle.time": "1000",
    "python.state.cache.size": "20000",
}
_TIMES = (
    # The HDFS log's, and ISO 8601; each with the text that datetime.fromisoformat takes, which is compiled code.
    (re.compile(r"(\d{6}) (\d{6})(?!\w)[ \t]*"), "20{}T{}+00:00"),
    (re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{3})?)(?!\w)[ \t]*"), "{}T{}+00:00"),
)


class Parse(ProcessFunction):
    """Lines to events; lines without a timestamp, which continue the one before, are left out."""

    def __init__(self, model: str) -> None:
        self._text = model

    def open(self, runtime_context: RuntimeContext) -> None:  # noqa: ARG002
        """Compile the model."""
        self._model: ModelDocument = parse_model(self._text, "the model")
        automata = CompiledAutomata(self._model)
        fields = identifier_fields(self._model.automata)
        self._fields = [fields[t.id][0] if t.id in fields else None for t in self._model.templates]
        self._slots = automata.slot_of_template.tolist()
        self._automaton = [automata.automata[at].id for at, _ in automata.slots]
        wanted = [() if name is None else (name,) for name in self._fields]
        self._parser = LineParser([t.grok for t in self._model.templates], wanted, self._model.patterns)
        self._id_pattern = re.compile(self._model.id_pattern) if self._model.id_pattern else None
        self._position = 0

    def process_element(self, value: str, ctx: ProcessFunction.Context) -> Iterator[Any]:  # noqa: ARG002
        """One line."""
        self._position += 1
        timed = _event_time(value)
        if timed is None:
            return
        event_ms, begin = timed
        content = value[begin:]
        template, found = self._parser.match(content)
        if found is None:
            name = self._id_pattern.search(content) if self._id_pattern else None
            letter = unmatched_log(self._model, _SOURCE, self._position, event_ms, value, name[0] if name else None)
            yield UNMATCHED, json.dumps(letter, ensure_ascii=False)
            return
        field = self._fields[template]
        if field is not None and found[field]:
            slot = self._slots[template]
            identifier = found[field]
            key = f"{self._automaton[slot]}/{identifier}"
            yield key, event_ms, slot, self._position, identifier, value.encode()


def _event_time(line: str) -> tuple[int, int] | None:
    """Epoch ms of a line's timestamp, and where its content begins."""
    for pattern, iso in _TIMES:
        found = pattern.match(line)
        if found:
            return round(datetime.fromisoformat(iso.format(found[1], found[2])).timestamp() * 1000), found.end()
    return None


class EventTime(TimestampAssigner):
    """The event time of an event."""

    def extract_timestamp(self, value: Event, record_timestamp: int) -> int:  # noqa: ARG002
        """Epoch ms."""
        return value[1]


class Watch(KeyedProcessFunction):
    """Steps one transaction; the life of a transaction is that of :mod:`models.automata.shard`."""

    def __init__(self, model: str) -> None:
        self._text = model

    def open(self, runtime_context: RuntimeContext) -> None:
        """Compile the model, declare the state."""
        self._model = CompiledAutomata(parse_model(self._text, "the model"))
        self._state = runtime_context.get_state(
            ValueStateDescriptor("transaction", Types.PRIMITIVE_ARRAY(Types.BYTE()))
        )

    def process_element(self, value: Event, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        """One event."""
        _, at_ms, slot, position, identifier, text = value
        line: Line = (at_ms, slot, identifier.encode(), at_ms, position, _SOURCE, text)
        which, state = self._model.slots[slot]
        automaton = self._model.automata[which]
        transaction = self._load()
        if transaction is not None and not transaction.end_missed:
            over = at_ms > transaction.deadline
            again = transaction.ended and state in automaton.begins and not _lacks(automaton, transaction, state)
            if over or again:
                yield from self._close(automaton, transaction)
                transaction = transaction if transaction.end_missed else None
        if transaction is not None and transaction.end_missed:
            if at_ms <= transaction.deadline and (
                state not in automaton.begins or _lacks(automaton, transaction, state)
            ):
                yield from self._join_late(automaton, transaction, line, state)
                return
            transaction = None
        timers = ctx.timer_service()
        if transaction is None:
            transaction = Transaction(at_ms + automaton.expires_ms, _KEEPING)
            timers.register_event_time_timer(transaction.deadline)
        transaction.record(line, state)
        if transaction.ended or state in automaton.ends:
            first_end = not transaction.ended
            transaction.ended = True
            expiry = transaction.lines[0][ORDER] + automaton.expires_ms
            transaction.deadline = min(at_ms + automaton.settle_ms, expiry)
            if first_end:
                timers.register_event_time_timer(transaction.deadline)
        longest = automaton.max_ms if transaction.ended or not automaton.ends else None
        if longest is not None and at_ms - transaction.lines[0][EVENT] > longest and not transaction.long_told:
            transaction.long_told = True
            yield self._document(automaton, transaction, judge_long(automaton, transaction))
        self._store(transaction)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[str]:
        """A deadline, perhaps one that has been put off since."""
        transaction = self._load()
        if transaction is None:
            return
        if transaction.deadline > timestamp:
            ctx.timer_service().register_event_time_timer(transaction.deadline)
            return
        if transaction.end_missed:
            self._state.clear()
            return
        yield from self._close(self._automaton(transaction), transaction)
        if transaction.end_missed:
            ctx.timer_service().register_event_time_timer(transaction.deadline)
            self._store(transaction)
        else:
            self._state.clear()

    def _automaton(self, transaction: Transaction) -> Automaton:
        return self._model.automata[self._model.slots[transaction.lines[0][1]][0]]

    def _close(self, automaton: Automaton, transaction: Transaction) -> Iterator[str]:
        """Judge a transaction; one that should have ended and has not waits on for its end."""
        for finding in judge(automaton, transaction):
            yield self._document(automaton, transaction, finding)
        if automaton.ends and not transaction.ended:
            transaction.end_missed = True
            transaction.deadline = transaction.lines[0][ORDER] + 2 * automaton.expires_ms

    def _join_late(self, automaton: Automaton, transaction: Transaction, line: Line, state: int) -> Iterator[str]:
        transaction.record(line, state)
        if state in automaton.ends and not transaction.ended:
            transaction.ended = True
            finding = judge_late_end(automaton, transaction)
            if finding is not None:
                yield self._document(automaton, transaction, finding)
        self._store(transaction)

    def _document(self, automaton: Automaton, transaction: Transaction, finding: Finding) -> str:
        return json.dumps(document(self._model, automaton, transaction, finding, _EVIDENCE), ensure_ascii=False)

    def _load(self) -> Transaction | None:
        kept = self._state.value()
        return None if kept is None else pickle.loads(kept)

    def _store(self, transaction: Transaction) -> None:
        self._state.update(pickle.dumps(transaction, 5))


def _lacks(automaton: Automaton, transaction: Transaction, state: int) -> bool:
    return 0 < transaction.counts.get(state, 0) < automaton.states[state].low


def run(files: list[Path], model: Path, out: Path, parallelism: int) -> None:
    """Run the job on the embedded mini cluster; anomalies go to part files below ``out``."""
    os.environ.setdefault("JVM_ARGS", JVM_ARGUMENTS)
    env = make_environment(parallelism, embedded=True)
    configuration = Configuration()
    for key, value in SETTINGS.items():
        configuration.set_string(key, value)
    env.configure(configuration)
    text = pretty(load_model(model).to_json())
    source = FileSource.for_record_stream_format(
        StreamFormat.text_line_format(), *(str(path.absolute()) for path in files)
    ).build()
    events = env.from_source(source, WatermarkStrategy.no_watermarks(), "lines").process(Parse(text), EVENT_TYPE)
    found = (
        events.assign_timestamps_and_watermarks(
            WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(EventTime())
        )
        .key_by(lambda event: event[0], Types.STRING())
        .process(Watch(text), Types.STRING())
    )
    sink = (
        FileSink.for_row_format(str(out.absolute()), Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .build()
    )
    found.union(events.get_side_output(UNMATCHED)).sink_to(sink)
    env.execute("record at a time")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="The main job, one record a line.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the anomalies")
    parser.add_argument("--parallelism", type=int, default=2)
    options = parser.parse_args()
    run(options.files, options.model, options.out, options.parallelism)


if __name__ == "__main__":
    main()
