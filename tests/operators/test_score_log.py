"""A shard of series in keyed state: restored at any moment it says the same, and its log stays small."""

from __future__ import annotations

import base64
import json

import pytest

from models.series.scoring.settings import TYPED, WEIRWATCH, ScoreSettings
from operators import score_log
from operators.score_log import ScoreLog
from tests.models.series.scoring.made_up import batch_of, points, said
from tests.operators.list_state import ListState

ALL = points(5, 320)


@pytest.mark.parametrize("detector", [TYPED, WEIRWATCH])
@pytest.mark.parametrize("least", [1, 3_000, 1 << 16])
def test_a_shard_restored_at_any_moment_says_the_same(detector, least, monkeypatch):
    monkeypatch.setattr(score_log, "_LEAST_LOG_BYTES", least)
    settings = ScoreSettings(detector)
    state = ListState()
    log, found = ScoreLog(state, settings), []
    for number, begin in enumerate(range(0, len(ALL), 93)):
        batch = batch_of(ALL[begin : begin + 93], begin)
        found += said(None, batch, log.take(state, batch.encode(), batch))
        if number % 2:
            log = ScoreLog(ListState(state.entries), settings)
    assert found == said(settings.shard(), batch_of(ALL))
    assert any(row[3] for row in found)


def test_the_log_is_bounded_by_the_snapshot():
    settings = ScoreSettings(TYPED)
    state = ListState()
    log = ScoreLog(state, settings)
    sizes = []
    for begin in range(0, len(ALL), 5):
        batch = batch_of(ALL[begin : begin + 5], begin)
        log.take(state, batch.encode(), batch)
        sizes.append(sum(map(len, state.entries)))
    assert max(sizes) < (1 << 16) + 5 * 4_000 + 1_000
    assert min(sizes[len(sizes) // 2 :]) < 5 * 4_000, "a snapshot has taken the place of the log"


@pytest.mark.parametrize("detector", [TYPED, WEIRWATCH])
def test_the_log_of_version_1_is_read(detector, repo_root):
    kept = json.loads((repo_root / "tests/fixtures/score_log_v1.json").read_text())[detector]
    log = ScoreLog(ListState(map(base64.b64decode, kept["log"])), ScoreSettings(detector))
    assert log.shard.series == 2
    points_after = [(name, time, float("nan") if value is None else value) for name, time, value in kept["next"]]
    rows = said(log.shard, batch_of(points_after, 360))
    assert [row[2] for row in rows] == pytest.approx(kept["scores"], abs=1e-9)
    assert any(kept["scores"])
