"""``series``: points a second over many series, in one process and through the whole job, and bytes of state a series.

Beside it run detectors of river and rrcf on points of the same kind, in an environment of their own, and what all score
on the Numenta Anomaly Benchmark, by one and the same scoring. Peers get fewer points, since some are slow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import KINDS, ROOT, CommandError, Usage, run_command, run_python
from benchmarks.series_points import SLOT_MS, slots_of, write_points
from benchmarks.tables import MIB, against, table
from models.series.nab.corpus import LabelledSeries, load_corpus
from models.series.nab.judged import judge_file
from models.series.nab.scoring import PROFILES, Floats, row_worth, steps
from models.series.nab.sweep import Sweep
from models.series.settings import SENSITIVE

GOAL_POINTS_PER_SECOND = 100_000.0
GOAL_STATE_BYTES = 10_000.0

_TINY_SLOTS = 1
_SLOW = "rrcf, 40 trees of 256"
_SLOW_SHARE = 40
"""Of the points that the other peers get, the slow one gets one in so many."""
_PEER_SERIES = 20


def run(
    folder: Path, series: int, slots: int, peer_points: int, nab: Path, nab_points: int, parallelism: int
) -> dict[str, Any]:
    """Measure, print the tables, and return the figures.

    Args:
        folder: an empty folder for files.
        series: how many series.
        slots: points of each.
        peer_points: how many points peers get; 0 leaves them out.
        nab: folder of the Numenta Anomaly Benchmark; left out where it is not.
        nab_points: how many points of it the slow peer gets.
        parallelism: subtasks of each operator of the job.

    Raises:
        CommandError: a contender fails.
    """
    print(f"series: {series:,} series, {slots:,} points each, a step of {SLOT_MS // 60_000} minutes")
    core = {"typed": _core("typed", series, slots, 300), "weirwatch": _core("weirwatch", min(series, 200), slots, 300)}
    job = _job(folder, series, slots, parallelism)
    peers = _peers(folder, peer_points) if peer_points else {}
    _tell_speed(core, job, peers)
    figures: dict[str, Any] = {"core": core, "job": job, "peers": peers}
    figures |= {"goal_points_per_second": GOAL_POINTS_PER_SECOND, "goal_state_bytes": GOAL_STATE_BYTES}
    if (nab / "labels").is_dir():
        figures["nab"] = _nab(folder, load_corpus(nab), nab_points, bool(peer_points))
    else:
        print("  no benchmark scores: there is no folder", nab)
    return figures


def _core(detector: str, series: int, slots: int, warm_up: int) -> dict[str, Any]:
    arguments = ["--detector", detector, "--series", series, "--slots", slots, "--warm-up", warm_up]
    return _figures(run_python("benchmarks.series_core", map(str, arguments)).output)


def _job(folder: Path, series: int, slots: int, parallelism: int) -> dict[str, Any]:
    """The whole job as ``weirwatch series run`` runs it, less what starting takes."""
    runs: dict[str, tuple[int, Usage]] = {}
    for name, count in (("tiny", _TINY_SLOTS), ("full", slots)):
        path = folder / f"{name}.csv"
        points = write_points(path, series, count)
        config = folder / f"{name}.yaml"
        config.write_text(
            f"sources: [{{path: {path.name}}}]\noutput: {{directory: {name}}}\ndetector: typed\n"
            f"parallelism: {parallelism}\n"
        )
        runs[name] = points, run_python("jobs.cli", ["series", "run", "--config", config, "--quiet"])
        summary = json.loads((folder / name / "summary.json").read_text(encoding="utf-8"))
        if summary["scored"] != points or summary["series"] != series:
            raise CommandError(f"the job scored {summary['scored']:,} points of {points:,}")
        path.unlink()
    (tiny_points, tiny), (points, full) = runs["tiny"], runs["full"]
    more = points - tiny_points
    cpu = {kind: max(0.0, full.cpu[kind] - tiny.cpu[kind]) / more * 1e6 for kind in KINDS}
    return {
        "points": points,
        "parallelism": parallelism,
        "seconds": full.seconds,
        "start_up_seconds": tiny.seconds,
        "points_per_second": more / max(1e-3, full.seconds - tiny.seconds),
        "points_per_second_a_core": 1e6 / max(1e-9, sum(cpu.values())),
        "cpu_us_per_point": cpu,
        "peak_mib": full.peak_bytes / MIB,
    }


def peer_python() -> Path:
    """The interpreter of the peers' environment.

    Raises:
        CommandError: it is missing.
    """
    found = ROOT / ".venv-series" / "bin" / "python"
    if not found.is_file():
        raise CommandError("the environment of river and rrcf is missing; `make bench-series` makes it")
    return found


def _peer(*arguments: str) -> dict[str, Any]:
    return _figures(run_command([str(peer_python()), str(ROOT / "benchmarks" / "series_peers.py"), *arguments]).output)


def _figures(output: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise CommandError(f"there are no figures in what was printed:\n{output[-2000:]}") from None
    return found


def _peers(folder: Path, points: int) -> dict[str, Any]:
    path = folder / "peers.csv"
    with path.open("w", encoding="utf-8") as out:
        for time_ms, values in slots_of(_PEER_SERIES, max(1, points // _PEER_SERIES)):
            hour = time_ms // 3_600_000 % 24
            out.writelines(f"s{number},{hour},{value!r}\n" for number, value in enumerate(values.tolist()))
    return _peer("speed", str(path), json.dumps({_SLOW: max(1, points // _SLOW_SHARE)}))


def _tell_speed(core: Mapping[str, Any], job: Mapping[str, Any], peers: Mapping[str, Any]) -> None:
    ours = core["typed"]["points_per_second"]
    rows = [
        [f"{name}, in one process", f"{one['series']:,}", f"{one['points']:,}", f"{one['points_per_second']:,.0f}", "",
         f"{one['state_bytes_a_series']:,.0f}"]
        for name, one in core.items()
    ]  # fmt: skip
    rows += [
        [name, f"{one['series']:,}", f"{one['points']:,}", f"{one['points_per_second']:,.0f}",
         f"{ours / one['points_per_second']:,.1f}", ""]
        for name, one in peers.items()
    ]  # fmt: skip
    header = ["", "series", "points", "points/s, one core", "typed is faster by", "state, bytes a series"]
    print(table(header, rows))
    state = core["typed"]["state_bytes_a_series"]
    reached = "reached" if state <= GOAL_STATE_BYTES else "MISSED"
    print(f"  state a series, bytes: {state:,.0f} (goal ≤ {GOAL_STATE_BYTES:,.0f}: {reached})")
    cpu = ", ".join(f"{kind} {us:,.2f}" for kind, us in job["cpu_us_per_point"].items())
    print(f"  job, typed, {job['points']:,} points, parallelism {job['parallelism']}: {job['seconds']:,.1f} s")
    print(f"    start-up {job['start_up_seconds']:,.1f} s; {job['points_per_second']:,.0f} points/s without it")
    print(f"    µs of processor a point: {sum(job['cpu_us_per_point'].values()):,.2f}: {cpu}")
    print(f"    points/s a core: {against(job['points_per_second_a_core'], GOAL_POINTS_PER_SECOND)}")
    print(f"    peak memory, MiB: {job['peak_mib']:,.0f}")


def _nab(folder: Path, corpus: list[LabelledSeries], slow_points: int, peers: bool) -> dict[str, Any]:
    """Benchmark scores with the one threshold that is best in hindsight for each contender and profile."""
    ours = [judge_file(series, SENSITIVE).scores for series in corpus]
    short = shortest(corpus, slow_points)
    found: dict[str, Any] = {"all": {"Weirwatch": nab_scores(corpus, ours)}, "short": {}}
    points = sum(len(series.values) for series in corpus)
    some = sum(len(corpus[at].values) for at in short)
    found["points"], found["short_points"], found["short_files"] = points, some, len(short)
    if peers:
        work = folder / "nab"
        work.mkdir()
        for at, series in enumerate(corpus):
            write_values(work / f"{at:03}.values", series)
        for name in ("river HalfSpaceTrees", "river GaussianScorer", "river PredictiveAnomalyDetection"):
            _peer("scores", str(work), name)
            found["all"][name] = nab_scores(corpus, [_read(work / f"{at:03}.scores") for at in range(len(corpus))])
        some_work = folder / "nab-short"
        some_work.mkdir()
        chosen = [corpus[at] for at in short]
        for at, series in enumerate(chosen):
            write_values(some_work / f"{at:03}.values", series)
        _peer("scores", str(some_work), _SLOW)
        found["short"]["Weirwatch"] = nab_scores(chosen, [ours[at] for at in short])
        found["short"][_SLOW] = nab_scores(chosen, [_read(some_work / f"{at:03}.scores") for at in range(len(chosen))])
    rows = [[name, *(f"{score:.1f}" for score in scores)] for name, scores in found["all"].items()]
    rows += [[f"{name} (some files)", *(f"{score:.1f}" for score in scores)] for name, scores in found["short"].items()]
    print(
        f"  Numenta Anomaly Benchmark: {len(corpus)} files, {points:,} points; for each the threshold best in hindsight"
    )
    print(f"  some files: the {len(short)} shortest, {some:,} points")
    print(table(["", *(profile.name for profile in PROFILES)], rows))
    return found


def shortest(corpus: Sequence[LabelledSeries], points: int) -> list[int]:
    """The shortest files with no more points than these, in their order; one at least."""
    order = sorted(range(len(corpus)), key=lambda at: (len(corpus[at].values), at))
    sums = np.cumsum([len(corpus[at].values) for at in order])
    return sorted(order[: max(1, int(np.searchsorted(sums, points, side="right")))])


def write_values(path: Path, series: LabelledSeries) -> None:
    """Write hour and value of each row; a row without a value repeats the one before."""
    last = 0.0
    with path.open("w", encoding="utf-8") as out:
        for time, value in zip(series.times, series.values, strict=True):
            last = last if value is None else value
            out.write(f"{int(time) // 3600 % 24},{last!r}\n")


def _read(path: Path) -> Floats:
    return np.array([float(line) for line in path.read_text(encoding="utf-8").split()])


def nab_scores(corpus: Sequence[LabelledSeries], scores: Sequence[Floats]) -> list[float]:
    """The benchmark's score of each profile, with the threshold that is best for it."""
    worth = [row_worth(len(series.values), series.windows) for series in corpus]
    return [
        Sweep([steps(own, one, profile) for own, one in zip(scores, worth, strict=True)]).best().score
        for profile in PROFILES
    ]
