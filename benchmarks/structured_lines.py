"""What structured lines cost: the sample as plain lines, as JSON and as logfmt, read and parsed, beside ``json.loads``.

Run: ``python benchmarks/structured_lines.py``. One process, its processor time, the best of some runs; the model of
each form is learnt from its training log, the watched log is read.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from models.learner import LearnOptions, learn
from models.line_reader import LineReader
from models.log_batch import LogBatch
from models.parser import LineParser
from models.sample.generator import generate
from models.sample.structured import FORMS, restructure
from models.source_reader import ReadLimits, SourceState, read_events
from models.splits import SplitReader, plan_splits


def best(work: Callable[[], int], runs: int) -> tuple[float, int]:
    """The shortest time of some runs, in seconds, and what the work counted."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        count = work()
        times.append(time.process_time() - begin)
    return min(times), count


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--transactions", type=int, default=4000)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    sample = generate(1, transactions=given.transactions)
    print(f"{'form':<10}{'lines':>10}{'bytes/line':>12}{'read µs':>10}{'read+parse µs':>15}{'peer µs':>10}")
    for form in ("plain", *FORMS):
        made = sample if form == "plain" else restructure(sample, form)
        with tempfile.TemporaryDirectory() as folder:
            training, watched, _ = made.write(Path(folder))
            model, _ = learn([("training", str(training))], LearnOptions())
            lines_of = SplitReader(10_000, 1 << 20)
            batches = [batch for split in plan_splits(str(watched), "watched") for batch in lines_of.read(split)]
        reader = LineReader.of(model)
        parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates))

        def work(
            parse: bool, batches: list[LogBatch] = batches, reader: LineReader = reader, parser: LineParser = parser
        ) -> int:
            state, lines = SourceState(), 0
            for batch in batches:
                events, state = read_events(state, batch.data, batch.at_end, reader, ReadLimits())
                if parse:
                    parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
                lines += events.lines
            return lines

        read, lines = best(lambda work=work: work(False), given.runs)  # type: ignore[misc]
        whole, _ = best(lambda work=work: work(True), given.runs)  # type: ignore[misc]
        size = sum(len(batch.data) for batch in batches)
        peer = ""
        if form == "json":
            raw = made.watched.splitlines()
            loads, _ = best(lambda raw=raw: sum(1 for line in raw if json.loads(line)), given.runs)  # type: ignore[misc]
            peer = f"{loads / lines * 1e6:10.2f}"
        print(
            f"{form:<10}{lines:>10,}{size / lines:>12.0f}{read / lines * 1e6:>10.2f}{whole / lines * 1e6:>15.2f}{peer}"
        )


if __name__ == "__main__":
    main()
