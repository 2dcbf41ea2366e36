"""``weirwatch eval``: accuracy on public benchmarks, computed here with the benchmarks' own rules."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from jobs.commands import evaluate_series
from jobs.commands.options import command, whole_number
from jobs.progress import Progress
from models.series.alarms import ALARM_SCORE
from models.series.nab.corpus import LabelledSeries, load_corpus
from models.series.nab.heldout import best_candidate, best_candidates, best_threshold, held_out
from models.series.nab.judged import RETUNED, JudgedFile, candidates, judge_file
from models.series.nab.scoring import OUTSIDE, PROFILES, Steps, row_worth, steps
from models.series.nab.sweep import Sweep
from models.series.settings import PRESETS, Settings

_NO_SCORE = "–"
_TEN = 10
_HEADS = ("", "files", "rows", "windows", "found", "false", *(profile.name for profile in PROFILES))


def add_to(commands: Any) -> None:
    """Declare the commands."""
    what = "measure accuracy on benchmarks"
    group = commands.add_parser("eval", help=what, description=f"{what[0].upper()}{what[1:]}.")
    benchmarks = group.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    parser = command(
        benchmarks,
        "nab",
        run,
        "score the series detector on the Numenta Anomaly Benchmark",
        description="Run the series detector over the files of the Numenta Anomaly Benchmark and score it by the "
        "benchmark's rules: with the one threshold that is best in hindsight, with the threshold that the detector "
        "ships with, and on files that had no part in choosing the threshold or the constants.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of the benchmark, with data/ and labels/")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="sensitive", help="(default: %(default)s)")
    parser.add_argument(
        "--splits",
        type=whole_number(1, 100_000),
        default=200,
        metavar="N",
        help="random halves, each chosen on and scored on once (default: %(default)s)",
    )
    parser.add_argument(
        "--candidates",
        type=whole_number(0, 10_000),
        default=200,
        metavar="N",
        help="random sets of constants to choose from anew on files held out; 0 leaves that out (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, 1_000_000_000),
        default=1,
        metavar="N",
        help="of the random sets of constants: what re-tuning gives depends on them (default: %(default)s)",
    )
    parser.add_argument(
        "--processes", type=whole_number(1, 256), metavar="N", help="at a time (default: one a processor)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    evaluate_series.add_to(benchmarks)


def run(options: argparse.Namespace) -> int:
    """Judge all files and print the tables."""
    corpus = load_corpus(options.folder)
    settings = PRESETS[options.preset]
    others = candidates(settings, options.candidates, options.seed)
    begin = time.monotonic()
    judged = _judge(corpus, settings, others, options.processes or os.cpu_count() or 1, options.quiet)
    seconds = time.monotonic() - begin
    rows = sum(len(series.values) for series in corpus)
    windows = sum(len(series.windows) for series in corpus)
    print(f"{len(corpus)} files, {rows:,} rows, {windows} windows; preset {options.preset}; {seconds:,.0f} s")
    by_profile = [
        [
            steps(file.scores, row_worth(len(file.scores), series.windows), profile)
            for file, series in zip(judged, corpus, strict=True)
        ]
        for profile in PROFILES
    ]
    sweeps = [Sweep(files) for files in by_profile]
    best = [sweep.best().threshold for sweep in sweeps]
    shown = ", ".join(f"{threshold:.4f}" for threshold in best)
    print(f"\nNAB protocol: one threshold for all files, the best in hindsight for each profile ({shown})")
    print(_by_group(corpus, judged, sweeps, best))
    print(f"\ncausal: the fixed threshold {ALARM_SCORE}, with which the detector ships")
    print(_by_group(corpus, judged, sweeps, [ALARM_SCORE] * len(sweeps)))
    print(f"\nheld out: chosen on other files; {options.splits} random halves both ways, then each group left out")
    print(_held_out(corpus, judged, by_profile, options.splits))
    if others:
        print(f"re-tuned: the best of {len(others)} random sets of constants, which vary {RETUNED};")
        print(
            "mean of the best ten: of any one of them; not chosen: of any set, so that what choosing adds can be seen"
        )
    return 0


def _judge(
    corpus: Sequence[LabelledSeries], settings: Settings, others: Sequence[Settings], processes: int, quiet: bool
) -> list[JudgedFile]:
    """All files, several at a time; the longest first, so that none is waited for alone."""
    order = sorted(range(len(corpus)), key=lambda i: -len(corpus[i].values))
    found: dict[int, JudgedFile] = {}
    progress = Progress(quiet=quiet)
    work = partial(judge_file, settings=settings, others=others)
    try:
        for i, file in zip(order, _each(work, [corpus[i] for i in order], min(processes, len(corpus))), strict=True):
            found[i] = file
            progress.text(f"{len(found)} of {len(corpus)} files judged")
    finally:
        progress.close()
    return [found[i] for i in range(len(corpus))]


def _each(work: Any, files: list[LabelledSeries], processes: int) -> Iterator[JudgedFile]:
    if processes == 1:
        yield from map(work, files)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(work, files)


def _by_group(
    corpus: Sequence[LabelledSeries], judged: Sequence[JudgedFile], sweeps: Sequence[Sweep], thresholds: Sequence[float]
) -> str:
    rows = []
    names = sorted({series.group for series in corpus})
    for name in [*names, None]:
        files = [i for i, series in enumerate(corpus) if name in (None, series.group)]
        scores = [sweep.score(t, files) for sweep, t in zip(sweeps, thresholds, strict=True)]
        counts = np.sum([_counts(corpus[i], judged[i], thresholds[0]) for i in files], axis=0)
        rows.append([name or "all", f"{len(files)}", *(f"{count:,}" for count in counts), *map(_score, scores)])
    return _columns(_HEADS, rows)


def _counts(series: LabelledSeries, file: JudgedFile, threshold: float) -> tuple[int, int, int, int]:
    """Rows, windows, windows found, and false alarms at a threshold."""
    worth = row_worth(len(file.scores), series.windows)
    hit = worth.window[worth.scored & (file.scores >= threshold)]
    found = len(set(hit.tolist()) - {OUTSIDE})
    return len(file.scores), len(series.windows), found, int((hit == OUTSIDE).sum())


def _held_out(
    corpus: Sequence[LabelledSeries], judged: Sequence[JudgedFile], by_profile: Sequence[Sequence[Steps]], splits: int
) -> str:
    groups = [series.group for series in corpus]
    ways: list[tuple[str, list[Any]]] = [("threshold re-optimised", [best_threshold(files) for files in by_profile])]
    points = np.array([file.candidate_points for file in judged])
    if points.shape[1]:
        sets = [points[:, :, at] for at in range(len(PROFILES))]
        ways += [
            ("constants re-tuned", [best_candidate(one) for one in sets]),
            ("constants re-tuned, mean of the best ten", [best_candidates(one, _TEN) for one in sets]),
            ("constants not chosen", [best_candidates(one, one.shape[1]) for one in sets]),
        ]
    rows = []
    for name, choices in ways:
        found = [held_out(way, files, groups, splits) for way, files in zip(choices, by_profile, strict=True)]
        rows.append([f"{name}, halves", *(f"{one.halves:.2f} ± {one.spread:.2f}" for one in found)])
        rows.append([f"{name}, a group left out", *(_score(one.groups) for one in found)])
    return _columns(("", *(profile.name for profile in PROFILES)), rows)


def _score(score: float) -> str:
    return _NO_SCORE if math.isnan(score) else f"{score:.2f}"


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of figures: all columns but the first stand to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        [
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in [heads, *rows]
    ]
    return "\n".join("  ".join(line).rstrip() for line in lines)
