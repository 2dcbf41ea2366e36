"""The parse core's speed on a file of lines, as JSON: batches of lines to templates and identifiers, on one core.

Two figures: with everything (lines split, timestamps read, templates and identifiers found), and finding templates and
identifiers alone, which is what a peer's ``match`` does on lines without timestamps.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from models.document import load_model
from models.memory import keep_freed_memory
from models.parser import LineParser
from models.source_reader import ReadLimits, SourceState, read_events
from models.splits import SplitReader, plan_splits
from models.timestamps import TimestampReader, TimestampSettings
from models.visits import identifier_fields

BATCH_LINES = 10_000


def measure(model_path: Path, training: Path, path: Path) -> dict[str, object]:
    """Parse a file, batch by batch, with a parser that has seen the training lines before, as its peer has."""
    model = load_model(model_path)
    fields = identifier_fields(model.automata)
    parser = LineParser(
        [t.grok for t in model.templates],
        [fields.get(t.id, ()) for t in model.templates],
        model.patterns,
        model.id_pattern,
    )
    reader = TimestampReader(TimestampSettings.from_document(model.timestamp))
    _parse(parser, reader, training)
    figures = _parse(parser, reader, path)
    return {"templates": len(model.templates), **figures}


def _parse(parser: LineParser, reader: TimestampReader, path: Path) -> dict[str, float]:
    limits = ReadLimits()
    state = SourceState()
    count = matched = identified = 0
    whole = match = 0.0
    for data, at_end in _batches(path):
        begin = time.process_time()
        events, state = read_events(state, data, at_end, reader, limits)
        read = time.process_time()
        parsed = parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        end = time.process_time()
        whole += end - begin
        match += end - read
        count += len(events)
        matched += int((parsed.template >= 0).sum())
        identified += int((parsed.begin[0] >= 0).sum())
    return {
        "lines": count,
        "matched": matched / count,
        "identified": identified / count,
        "lines_per_second": count / match,
        "whole_lines_per_second": count / whole,
    }


def _batches(path: Path) -> Iterator[tuple[bytes, bool]]:
    lines = SplitReader(BATCH_LINES, 1 << 20)
    for split in plan_splits(str(path), path.name, split_bytes=1 << 24):
        for batch in lines.read(split):
            yield batch.data, batch.at_end


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description="The parse core's speed on a file of lines, as JSON.")
    options.add_argument("model", type=Path)
    options.add_argument("training", type=Path, help="lines to parse before, untimed")
    options.add_argument("file", type=Path, help="lines to parse")
    arguments = options.parse_args()
    keep_freed_memory()
    json.dump(measure(arguments.model, arguments.training, arguments.file), sys.stdout)
    print()


if __name__ == "__main__":
    main()
