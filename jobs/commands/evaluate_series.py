"""``weirwatch eval series``: precision and recall of the typed detectors on series made up from seeds."""

from __future__ import annotations

import argparse
import time
from typing import Any

from jobs.commands.options import command, whole_number
from jobs.progress import Progress
from models.series.incidents import PRESETS
from models.series.suite.cases import all_cases
from models.series.suite.families import SLOTS
from models.series.suite.measure import Tally, alarms_of, count
from models.series.suite.pairs import DAY_SLOTS, measure_pairs

_NO_FIGURE = "–"


def add_to(benchmarks: Any) -> None:
    """Declare the command."""
    parser = command(
        benchmarks,
        "series",
        run,
        "score the typed detectors on made-up series",
        description="Make up series of five weeks from seeds, inject one anomaly into most of them, and print for each "
        "preset the precision and recall of each type of incident, and the false alarms a week; the same of pairs of "
        "series that go together. Seeds from 1000 on had "
        "no part in choosing the detectors' constants.",
    )
    parser.add_argument(
        "--seeds",
        type=whole_number(1, 1000),
        default=10,
        metavar="N",
        help="how many; some 30 series each (default: %(default)s)",
    )
    parser.add_argument(
        "--first-seed",
        type=whole_number(0, 1_000_000),
        default=1000,
        metavar="N",
        help="the first of them (default: %(default)s)",
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), help="one of the presets (default: each)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    cases = all_cases(range(options.first_seed, options.first_seed + options.seeds))
    last = options.first_seed + options.seeds - 1
    print(f"{len(cases):,} series, {len(cases) * SLOTS:,} slots; seeds {options.first_seed} to {last}")
    for name in [options.preset] if options.preset else sorted(PRESETS, reverse=True):
        progress = Progress(quiet=options.quiet)
        begin = time.monotonic()

        def step(slot: int, name: str = name, progress: Progress = progress) -> None:
            progress.text(f"preset {name}: {slot / SLOTS:.0%}")

        try:
            tally = count(cases, alarms_of(cases, PRESETS[name], step))
        finally:
            progress.close()
        print(f"\npreset {name}; {time.monotonic() - begin:,.0f} s")
        print(_table(tally))
    print(f"\n{_pairs(options)}")
    return 0


def _pairs(options: argparse.Namespace) -> str:
    """The pairs of series, which have no presets."""
    progress = Progress(quiet=options.quiet)
    begin = time.monotonic()

    def step(slot: int) -> None:
        progress.text(f"pairs: {slot / DAY_SLOTS:.0%}")

    try:
        tally = measure_pairs(range(options.first_seed, options.first_seed + options.seeds), step)
    finally:
        progress.close()
    return (
        f"pairs of series; {time.monotonic() - begin:,.0f} s\n"
        f"learnt {tally.learnt:,} of {tally.pairs:,}, and {tally.wrong:,} that are none\n"
        f"{'correlation':<16}{tally.injected:>10,}{_share(tally.recall):>10}{tally.told:>10,}"
        f"{_share(tally.precision):>11}\n"
        f"{tally.false_alarms / max(tally.days, 1.0):.4f} false alarms a pair and day, over {tally.days:,.0f} days"
    )


def _table(tally: Tally) -> str:
    lines = [f"{'':<16}{'injected':>10}{'recall':>10}{'alarms':>10}{'precision':>11}"]
    lines += [
        f"{kind:<16}{tally.injected[kind]:>10,}{_share(tally.recall(kind)):>10}{tally.claimed[kind]:>10,}"
        f"{_share(tally.precision(kind)):>11}"
        for kind in tally.kinds()
    ]
    weekly = f"{tally.false_a_week():.4f} false alarms a series and week, over {tally.weeks:,.0f} weeks"
    return "\n".join([*lines, weekly])


def _share(share: float) -> str:
    return _NO_FIGURE if share != share else f"{share:.3f}"
