"""One alarm for one incident, with its type, its bounds and a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from models.series.fleet import Fleet
from models.series.incidents import PRESETS, Incident
from models.series.sentences import reason

SLOT = 600_000
DAY = 144


def incidents(values: np.ndarray, preset: str = "sensitive", limit: float | None = None) -> list[Incident]:
    fleet = Fleet(SLOT, 1, PRESETS[preset])
    fleet.set_limit(0, limit)
    rows = np.array([0])
    told = []
    for slot, value in enumerate(values):
        told += fleet.update(rows, np.array([slot * SLOT]), np.array([value])).told
    return [one.incident for one in told if one.stage == "end"] + [one.incident for one in fleet.open_incidents()]


def noise(days: int, seed: int = 1) -> np.ndarray:
    return 50 + np.random.default_rng(seed).normal(0, 2, days * DAY)


def test_a_spike_of_three_slots_is_one_incident_with_begin_and_end():
    values = noise(6)
    values[700:703] = 90
    [found] = incidents(values)
    assert (found.type, found.begin_ms, found.last_ms) == ("spike", 700 * SLOT, 702 * SLOT)
    assert found.direction == "up"
    assert found.actual == 90
    assert found.typical == pytest.approx(50, abs=2)
    assert found.lower is not None
    assert found.upper is not None
    assert 40 < found.lower < 50 < found.upper < 62
    assert found.score > 0.6
    assert reason("orders", found, SLOT) == (
        f"orders rose to 90, typical {found.lower:.4g}–{found.upper:.4g} at this time, for 30 min"
    )


def test_a_step_becomes_the_new_normal():
    values = noise(8)
    values[800:] -= 16
    [found] = incidents(values)
    assert (found.type, found.lasting, found.direction) == ("level_shift", True, "down")
    assert 800 * SLOT <= found.begin_ms <= 802 * SLOT
    assert "went down to another level" in reason("load", found, SLOT)
    assert reason("load", found, SLOT).endswith("and stayed")


def test_the_quiet_time_holds_back_a_second_alarm():
    values = noise(9)
    values[700] = values[720] = values[1200] = 120
    assert [one.begin_ms // SLOT for one in incidents(values)] == [700, 1200]


def test_the_quiet_preset_asks_for_more():
    found = []
    for height in range(6, 16):
        values = noise(7)
        values[800] = 50 + 2 * height
        found.append((len(incidents(values, "sensitive")), len(incidents(values, "quiet"))))
    assert found[0] == (0, 0)
    assert (1, 0) in found
    assert found[-1] == (1, 1)
    assert found == sorted(found)


def test_silence_and_a_stuck_value_are_flat():
    silent, stuck = noise(7), noise(7)
    silent[800:840] = np.nan
    stuck[800:840] = 51.25
    [found] = incidents(silent)
    assert found.type == "flat"
    assert "says nothing any more" in reason("x", found, SLOT)
    [found] = incidents(stuck)
    assert found.type == "flat"
    assert "says nothing but 51.25" in reason("x", found, SLOT)


def test_a_limit_is_told_of_before_it_is_reached():
    values = noise(20) + 4 * np.arange(20 * DAY) / DAY
    limit = 50 + 4 * 17.0
    found = [one for one in incidents(values[: 17 * DAY], limit=limit) if one.type == "forecast_limit"]
    assert len(found) == 1
    assert 15 * DAY < found[0].begin_ms / SLOT < 17 * DAY
    assert found[0].eta_ms is not None
    assert found[0].eta_ms / SLOT == pytest.approx(17 * DAY, abs=40)
    assert reason("disk", found[0], SLOT).startswith("disk will reach its limit of 118 about 1970-01-1")


def test_an_open_incident_goes_through_its_record():
    incident = Incident("shape", 1, 2, "spike", rarity=7.0)
    assert Incident.from_head({**incident.to_head(), "of a later version": 1}) == incident
