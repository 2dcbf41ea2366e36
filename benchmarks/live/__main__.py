"""``make bench-live``: speed of the live job with a real Kafka and Elasticsearch, each figure beside its goal."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus import HDFS, make_corpus
from benchmarks.live import latency, throughput
from benchmarks.live.job import PARTITIONS, Live
from benchmarks.live.stream import write_training
from benchmarks.processes import run_python
from benchmarks.program import tell
from tests.services.elasticsearch import Elasticsearch, start_elasticsearch
from tests.services.kafka import Kafka, start_kafka

BENCHMARKS = ("throughput", "latency")


def main() -> int:
    """The command line; returns the exit code."""
    options = _options()
    return tell(_measured(options), options.json)


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="weirwatch-bench-") as name:
        folder = Path(name)
        with start_kafka(folder / "kafka") as kafka, start_elasticsearch(folder / "elasticsearch") as elasticsearch:
            for which in options.which or BENCHMARKS:
                print(flush=True)
                measure = _throughput if which == "throughput" else _latency
                (folder / which).mkdir()
                yield which, measure(folder / which, kafka, elasticsearch, options)


def _throughput(folder: Path, kafka: Kafka, elasticsearch: Elasticsearch, options: argparse.Namespace) -> Any:
    corpus = make_corpus(folder, options.lines, PARTITIONS, options.data)
    model = _learn(folder, corpus.training)
    live = Live("throughput", folder / "live", kafka, elasticsearch, model, options.parallelism)
    return throughput.run(live, corpus, model, options.parallelism, options.peer_lines, not options.unchecked)


def _latency(folder: Path, kafka: Kafka, elasticsearch: Elasticsearch, options: argparse.Namespace) -> Any:
    training = folder / "training.log"
    write_training(training)
    warm, stream, model = latency.prepare(folder, options.rate, options.seconds, _learn(folder, training))
    live = Live("latency", folder / "live", kafka, elasticsearch, model, options.parallelism)
    return latency.run(live, warm, stream, model, options.rate)


def _learn(folder: Path, training: Path) -> Path:
    model = folder / "model.json"
    run_python("jobs.cli", ["learn", training, "--out", model, "--quiet"])
    return model


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="throughput|latency", help="what to measure (default: both)")
    parser.add_argument("--lines", type=int, default=5_000_000, metavar="N", help="of throughput (default: 5,000,000)")
    parser.add_argument(
        "--peer-lines",
        type=int,
        default=150_000,
        metavar="N",
        help="lines that the record-at-a-time job reads; 0 leaves it out (default: 150,000)",
    )
    parser.add_argument("--unchecked", action="store_true", help="do not compare with what a scan of the lines finds")
    parser.add_argument("--rate", type=int, default=10_000, metavar="N", help="lines a second (default: 10,000)")
    parser.add_argument("--seconds", type=int, default=180, metavar="S", help="of latency (default: 180)")
    parser.add_argument("--parallelism", type=int, default=2, metavar="N", help="of the jobs (default: 2)")
    parser.add_argument("--data", type=Path, default=HDFS, metavar="DIR", help="folder with hdfs.log.gz")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    options = parser.parse_args()
    unknown = sorted(set(options.which) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    if options.rate < 1000 or options.seconds < 150:
        parser.error("--rate 1000 and --seconds 150 are the least that tell anything")
    if min(options.lines - 1, options.peer_lines, options.parallelism - 1) < 0:
        parser.error("numbers must be 1 at least (--peer-lines 0)")
    return options


if __name__ == "__main__":
    sys.exit(main())
