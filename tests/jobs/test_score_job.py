"""The job that scores series on a real mini cluster: what the pure functions say, at any parallelism."""

from __future__ import annotations

import dataclasses
import json

import pytest

from jobs.cli import main
from jobs.config import SourceConfig
from jobs.score import run
from jobs.score_config import ScoreConfig
from models.log_batch import LogBatch
from models.series.scoring.documents import incident_documents, score_lines
from models.series.scoring.settings import TYPED, WEIRWATCH, ScoreSettings
from models.series.scoring.source import SourceState, take_file_lines
from tests.models.series.scoring.made_up import points

BAD = ["1704067200,oops,s1", "1704067200,5,s2"]
"""The second is older than its series: bad for the typed detectors alone."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    rows = [f"{time / 1000},{'' if value != value else value},{name}" for name, time, value in points(7, 330)]
    (folder / "a.csv").write_text("\n".join(["timestamp,value,series", *rows, *BAD, ""]))
    lines = [
        json.dumps({"timestamp": time, "value": None if value != value else value})
        for name, time, value in points(1, 330)
    ]
    (folder / "b.jsonl").write_text("\n".join([*lines, "?", ""]))
    return folder


def config(folder, detector, parallelism=1, batch_size=50_000):
    names = ("a.csv", "b.jsonl")
    return ScoreConfig(
        tuple(SourceConfig(folder / name, name) for name in names),
        folder / "out",
        scores=True,
        settings=ScoreSettings(detector),
        parallelism=parallelism,
        batch_size=batch_size,
        shards=5,
    )


def expected(folder, detector):
    """Incidents (the last word on each) and scores, by the pure functions, all series in one shard."""
    shard = ScoreSettings(detector).shard()
    incidents: dict[str, dict] = {}
    scores: list[str] = []
    for name in ("a.csv", "b.jsonl"):
        taken = take_file_lines(LogBatch(name, (folder / name).read_bytes()), SourceState(), 1)
        for batch in taken.batches:
            found = shard.take(batch)
            incidents |= {document["id"]: document for document in incident_documents(batch, found, detector)}
            scores += list(score_lines(batch, found, detector))
    return sorted(map(json.dumps, incidents.values())), sorted(scores)


@pytest.mark.parametrize("detector", [TYPED, WEIRWATCH])
def test_the_job_says_what_the_pure_functions_say_at_any_parallelism(folder, detector):
    wanted = expected(folder, detector)
    runs = [run(config(folder, detector, n, size), embedded=True) for n, size in ((1, 50_000), (2, 271))]
    assert len(wanted[0]) >= 3
    for found in runs:
        assert sorted(json.dumps(json.loads(line)) for line in found.incidents) == wanted[0]
        assert sorted(found.scores) == wanted[1]
    assert runs[0].incidents == runs[1].incidents
    assert runs[0].scores == runs[1].scores
    assert runs[0].dead_letters == runs[1].dead_letters
    letters = [(letter["source"], letter["reason"][:20]) for letter in map(json.loads, runs[0].dead_letters)]
    refused = [("a.csv", "the point was not ju")] if detector == TYPED else []
    assert letters == [("a.csv", "value 'oops' is no n"), *refused, ("b.jsonl", "it is no JSON (Expec")]
    timeless = {"seconds", "points_per_second"}
    summaries = [{key: value for key, value in one.summary.items() if key not in timeless} for one in runs]
    assert summaries[0] == summaries[1]
    assert summaries[0]["points"] == len(runs[0].scores)
    assert summaries[0]["series"] == 8
    assert summaries[0]["dead_letters"] == len(letters)


def test_the_command_runs_the_job_and_writes_files(folder, capsys):
    path = folder / "score.yaml"
    path.write_text("sources: [{path: a.csv}]\noutput: {directory: out}\ndetector: typed\n")
    assert main(["series", "run", "--config", str(path), "--quiet"]) == 0
    told = capsys.readouterr()
    assert "points per second" in told.out
    assert "2 lines or points were not judged" in told.err
    assert sorted(file.name for file in (folder / "out").iterdir()) == [
        "dead_letters.jsonl",
        "incidents.jsonl",
        "summary.json",
    ]
    wanted = run(dataclasses.replace(config(folder, TYPED), scores=False), embedded=True)
    own = [line for line in wanted.incidents if json.loads(line)["source"] == "a.csv"]
    assert (folder / "out" / "incidents.jsonl").read_text().splitlines() == own
    assert main(["config", "check", str(path)]) == 0
    assert "scores 1 files with detector typed" in capsys.readouterr().out
