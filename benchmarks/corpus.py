"""The lines that the benchmarks run on: a real HDFS log made as long as wanted, or the generated sample without it.

The log is repeated. Each copy is set some days later and its blocks get fresh identifiers, so that time goes on and
transactions stay apart. The lines of a block stand in one of several files, as a topic keyed by block would have them
in one partition.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from models.sample.generator import generate, write_lines

HDFS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hdfs"
"""Where the real log lies unless told otherwise: ``hdfs.log.gz`` and ``labels.csv``."""

BLOCK = re.compile(rb"blk_(-?)([0-9]+)")
_ID_STEP = 1_000_000_007
_SAMPLE_SEED = 2026
_SAMPLE_TRAINING = 12_000


@dataclass(frozen=True, slots=True)
class Corpus:
    """Lines in files.

    Attributes:
        name: what it is, for people.
        training: the file to learn from.
        files: the files to watch, each in order of time; a transaction stands in one of them.
        lines: how many lines ``files`` hold together.
        bytes: how many bytes.
    """

    name: str
    training: Path
    files: tuple[Path, ...]
    lines: int
    bytes: int


def make_corpus(folder: Path, lines: int, files: int, data: Path) -> Corpus:
    """Write a corpus into a folder, which must exist.

    Args:
        folder: where to write.
        lines: how many lines to watch.
        files: how many files to watch.
        data: folder with ``hdfs.log.gz``; where it is absent, the sample is generated.
    """
    paths = tuple(folder / f"watched-{at}.log" for at in range(files))
    training = folder / "training.log"
    if (data / "hdfs.log.gz").is_file():
        log = read_log(data)
        training.write_bytes(b"".join(log))
        with ExitStack() as stack:
            streams = [stack.enter_context(path.open("wb")) for path in paths]
            for file, line in islice(repeated(log, files), lines):
                streams[file].write(line)
        name = f"HDFS log of {len(log):,} lines, repeated with later days and fresh blocks"
    else:
        training.write_bytes(generate(_SAMPLE_SEED, _SAMPLE_TRAINING).training)
        for at, path in enumerate(paths):
            share = lines // files + (at < lines % files)
            write_lines(path, _SAMPLE_SEED + 1 + at, share, anomalies=0.01)
        name = "generated sample, 1 % of its transactions anomalous"
    return Corpus(name, training, paths, lines, sum(path.stat().st_size for path in paths))


def read_log(data: Path) -> list[bytes]:
    """The lines of the real log, with their line ends."""
    with gzip.open(data / "hdfs.log.gz") as stream:
        return stream.read().splitlines(keepends=True)


def repeated(log: list[bytes], files: int) -> Iterator[tuple[int, bytes]]:
    """The log again and again, without end: the number of a file, and a line for it.

    A copy is set as many days later as leave less than a day between it and the one before: a longer pause would be
    one that no real log has.
    """
    days = (_day(log[-1]) - _day(log[0])).days
    step = timedelta(days=days if log[-1][7:13] < log[0][7:13] else days + 1)
    file_of: dict[bytes, int] = {}
    pieces = []
    for line in log:
        found = BLOCK.search(line)
        name = found[0] if found else b""
        pieces.append((line[:6], file_of.setdefault(name, len(file_of) % files), line[6:]))
    copy = 0
    while True:
        dates = {day: (_day(day) + copy * step).strftime("%y%m%d").encode() for day, _, _ in pieces}
        shift = copy * _ID_STEP

        def fresh(found: re.Match[bytes], shift: int = shift) -> bytes:
            return b"blk_%b%d" % (found[1], int(found[2]) + shift)

        for day, file, rest in pieces:
            yield file, dates[day] + (BLOCK.sub(fresh, rest) if copy else rest)
        copy += 1


def _day(line: bytes) -> date:
    return date(2000 + int(line[:2]), int(line[2:4]), int(line[4:6]))
