"""Generate the sample: a log to learn from and a log to watch, with known anomalies. The same seed, the same bytes."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from models.errors import UserError
from models.sample.injection import INJECTABLE
from models.sample.traffic import Rates, Traffic
from models.sample.truth import TYPES, LogTruth, Truth

START = datetime(2026, 1, 12, 6, 0, tzinfo=UTC)
"""Time of the first training line unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A generated sample.

    Attributes:
        training: the log to learn from, as the bytes of a file.
        watched: the log to watch, which begins when the training log has ended.
        truth: what was injected into both.
    """

    training: bytes
    watched: bytes
    truth: Truth

    def write(self, directory: Path, *, compress: bool = False) -> tuple[Path, Path, Path]:
        """Write training.log, watched.log (``.log.gz`` when ``compress``) and truth.json.

        Returns:
            The three paths, in this order.

        Raises:
            UserError: the directory cannot be made or written.
        """
        ending = ".log.gz" if compress else ".log"
        paths = directory / f"training{ending}", directory / f"watched{ending}", directory / "truth.json"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for path, data in zip(paths[:2], (self.training, self.watched), strict=True):
                # Without a time in the header the same seed gives the same bytes.
                path.write_bytes(gzip.compress(data, compresslevel=6, mtime=0) if compress else data)
            paths[2].write_text(self.truth.to_json(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{directory}: cannot write the sample: {error}; choose another directory") from error
        return paths


def generate(
    seed: int,
    transactions: int = 4000,
    anomalies_per_type: int = 3,
    start: datetime = START,
    *,
    watched_transactions: int | None = None,
    training_anomalies: float = 0.03,
    rates: Rates | None = None,
) -> Sample:
    """Generate a sample.

    Args:
        seed: the same seed and options give the same bytes.
        transactions: number of transactions in the training log.
        anomalies_per_type: number of anomalies of each of nine types in the watched log.
        start: time of the first training line; without a zone it is UTC.
        watched_transactions: number of transactions in the watched log; half of ``transactions`` unless given.
        training_anomalies: share of anomalous transactions in the training log, 0 to 1, of all types that a
            transaction can have; it never holds unmatched lines, since a line of any kind there is one to learn.
        rates: how dense the traffic is.

    Raises:
        UserError: an option is out of range.
    """
    watched_count = transactions // 2 if watched_transactions is None else watched_transactions
    wanted = anomalies_per_type * len(TYPES)
    if transactions < 1 or watched_count < 1:
        raise UserError(f"a sample needs transactions: at least 1 in each log, not {transactions} and {watched_count}")
    if anomalies_per_type < 0 or wanted > watched_count:
        raise UserError(
            f"{anomalies_per_type} anomalies of each of {len(TYPES)} types do not fit into {watched_count} watched "
            f"transactions; take 0 to {watched_count // len(TYPES)}"
        )
    if not 0 <= training_anomalies <= 1:
        raise UserError(f"the share of training anomalies must lie between 0 and 1, not {training_anomalies}")
    rates = rates or Rates()
    rng = Random(f"weirwatch sample {seed}")
    traffic = Traffic(rng, _epoch_ms(start), rates)
    training, training_truth = _write(traffic, transactions, _by_chance(rng, training_anomalies))

    # Identifiers go on where training ended, hence the same traffic; its tallies start anew.
    traffic.begin_file()
    chosen = rng.sample(range(watched_count), wanted)
    spread = rng.randrange(100)
    anomaly_of = {
        index: (kind, (i if kind == "unmatched_log" else spread + i + 2 * t))
        for t, kind in enumerate(TYPES)
        for i, index in enumerate(sorted(chosen[t * anomalies_per_type : (t + 1) * anomalies_per_type]))
    }
    watched, watched_truth = _write(traffic, watched_count, anomaly_of.get)
    return Sample(training, watched, Truth(seed, training_truth, watched_truth))


def generate_lines(
    seed: int, lines: int, *, start: datetime = START, anomalies: float = 0.0, rates: Rates | None = None
) -> Iterator[str]:
    """Lines for benchmarks, without line breaks, exactly ``lines`` of them, in bounded memory.

    The last transactions are cut off where the lines end. ``anomalies`` is the share of anomalous transactions.
    """
    for block in _blocks(seed, lines, start, anomalies, rates):
        yield from block.split("\n")


def write_lines(
    path: Path, seed: int, lines: int, *, start: datetime = START, anomalies: float = 0.0, rates: Rates | None = None
) -> None:
    """Write the lines of :func:`generate_lines` into a file, compressed when its name ends in ``.gz``.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        with path.open("wb") as raw:
            packed = gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else None
            target = packed or raw
            for block in _blocks(seed, lines, start, anomalies, rates):
                target.write(f"{block}\n".encode())
            if packed is not None:
                packed.close()
    except OSError as error:
        raise UserError(f"{path}: cannot write the lines: {error}; choose another file") from error


def _blocks(seed: int, lines: int, start: datetime, anomalies: float, rates: Rates | None) -> Iterator[str]:
    """Joined lines, ``lines`` in all."""
    rng = Random(f"weirwatch lines {seed}")
    traffic = Traffic(rng, _epoch_ms(start), rates or Rates())
    left = lines
    batches = traffic.batches(None, _by_chance(rng, anomalies))
    while left > 0:
        events = next(batches)
        if not events:
            continue
        block = "\n".join(events)
        found = block.count("\n") + 1
        if found > left:
            block = "\n".join(block.split("\n", left)[:left])
        left -= found
        yield block


def _by_chance(rng: Random, share: float) -> Callable[[int], tuple[str, int] | None]:
    """Makes that share of transactions anomalous."""

    def anomaly_of(_index: int) -> tuple[str, int] | None:
        if rng.random() >= share:
            return None
        return INJECTABLE[int(rng.random() * len(INJECTABLE))], int(rng.random() * 1000)

    return anomaly_of


def _write(
    traffic: Traffic, transactions: int, anomaly_of: Callable[[int], tuple[str, int] | None]
) -> tuple[bytes, LogTruth]:
    parts = ["\n".join([*events, ""]) for events in traffic.batches(transactions, anomaly_of)]
    truth = LogTruth(traffic.lines, traffic.continued, traffic.transactions, tuple(traffic.anomalies))
    return "".join(parts).encode(), truth


def _epoch_ms(start: datetime) -> int:
    aware = start if start.tzinfo is not None else start.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
