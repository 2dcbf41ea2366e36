"""Evidence adds up and is held; alarms make the detector harder to rouse, for a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.alarms import ALARM_SCORE, Alarms
from models.series.evidence import Evidence
from models.series.settings import PRESETS, QUIET, RARITIES, SENSITIVE, Settings
from models.series.tail import HIGHEST

SIMPLE = Settings(
    weights=(2.0, 1.0),
    bar=1.0,
    held_rows=2,
    threshold=1.0,
    habituation=1.0,
    habituation_rows=100.0,
    quiet_share=0.1,
    quiet_least_rows=5.0,
    quiet_most_rows=20.0,
)


def test_evidence_is_the_weighted_sum_of_what_lies_above_the_bar():
    assert Evidence(SIMPLE).add(0, (1.5, 3.0)) == 2 * 0.5 + 1 * 2.0
    assert Evidence(SIMPLE).add(0, (0.5, 3.0)) == 2.0
    assert Evidence(SIMPLE).add(0, (1.0, 1.0)) == 0.0


def test_a_channel_of_several_rarities_counts_by_the_mean_of_what_they_have_above_the_bar():
    settings = replace(SIMPLE, weights=(0.0, 0.0, 0.0, 0.0, 3.0))
    assert Evidence(settings).add(0, (4.0, 4.0, 4.0, 4.0, 0.5, 2.0, 4.0)) == pytest.approx(3 * (0.0 + 1.0 + 3.0) / 3)
    assert sum(SENSITIVE.shares()) == pytest.approx(sum(SENSITIVE.weights))
    assert len(SENSITIVE.shares()) == sum(RARITIES)


def test_evidence_of_one_channel_is_held_while_another_speaks():
    evidence = Evidence(SIMPLE)
    assert evidence.add(10, (3.0, 0.0)) == 4.0
    assert evidence.add(11, (0.0, 2.0)) == 4.0 + 1.0
    assert evidence.add(12, (1.25, 0.0)) == 4.0 + 1.0, "the greater evidence stands for the channel"
    assert evidence.add(13, (1.25, 0.0)) == 0.5 + 1.0, "of row 10 nothing is left"
    assert evidence.add(14, (0.0, 0.0)) == 0.0, "where no channel speaks there is none"
    assert evidence.add(40, (0.0, 3.0)) == 2.0


def evidence_by_definition(rows: list[tuple[float, float]], at: int, settings: Settings) -> float:
    if max(rows[at]) <= settings.bar:
        return 0.0
    last = rows[max(0, at - settings.held_rows) : at + 1]
    return sum(
        max(weight * max(0.0, row[channel] - settings.bar) for row in last)
        for channel, weight in enumerate(settings.weights)
    )


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=40))
def test_evidence_is_each_channels_largest_of_the_last_rows(rows):
    evidence = Evidence(SIMPLE)
    for at, rarities in enumerate(rows):
        assert evidence.add(at, rarities) == pytest.approx(evidence_by_definition(rows, at, SIMPLE), abs=1e-12)


def test_each_alarm_lifts_the_threshold_and_the_lift_decays():
    alarms = Alarms(SIMPLE)
    assert alarms.score(0, 1.0) == ALARM_SCORE
    assert alarms.score(30, 1.5) < ALARM_SCORE, "1 + exp(-0.3) is asked for"
    assert alarms.score(31, 2.0) > ALARM_SCORE
    assert alarms.score(60, 2.0) < ALARM_SCORE, "two alarms are remembered"
    assert alarms.score(1000, 1.01) > ALARM_SCORE, "and nearly forgotten"


@pytest.mark.parametrize(("row", "quiet"), [(10, 5), (100, 10), (1000, 20)])
def test_the_quiet_time_grows_with_the_series(row, quiet):
    settings = replace(SIMPLE, habituation=0.0)
    for gap in range(1, 30):
        alarms = Alarms(settings, last=row - gap, habituation=1.0)
        assert (alarms.score(row, 3.0) >= ALARM_SCORE) == (gap >= quiet)


@given(st.floats(0, 33), st.floats(0, 33))
def test_scores_rise_with_evidence_and_only_alarms_reach_a_half(one, other):
    low, high = sorted((one, other))
    assert 0.0 <= Alarms(SIMPLE).score(5, low) <= Alarms(SIMPLE).score(5, high) <= 1.0
    assert (Alarms(SIMPLE).score(5, low) >= ALARM_SCORE) == (low >= SIMPLE.threshold)
    assert Alarms(SIMPLE, last=4).score(5, high) < ALARM_SCORE, "quiet"


@pytest.mark.parametrize("settings", PRESETS.values())
def test_no_evidence_that_can_be_had_reaches_a_half_without_an_alarm(settings):
    most = Evidence(settings).add(0, (HIGHEST,) * sum(RARITIES))
    assert Alarms(settings, last=0, habituation=1.0).score(1, most) < ALARM_SCORE


def test_the_quiet_preset_is_quieter_in_all_that_it_changes():
    assert QUIET.threshold > SENSITIVE.threshold
    assert QUIET.habituation >= SENSITIVE.habituation
    assert QUIET.quiet_most_rows >= SENSITIVE.quiet_most_rows
