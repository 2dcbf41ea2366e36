"""A shard of typed series says the same however points come together, and goes on from its record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import BatchError
from models.series.incidents import PRESETS
from models.series.scoring.lane import LEAP, MOST_GAP_SLOTS, OLD, Lane, _rounds
from models.series.scoring.points import NO_TIME
from models.series.scoring.slot_length import FIRST_POINTS
from models.series.scoring.typed import UNTIMED, TypedShard
from models.series.watch import SeriesWatch
from tests.models.series.scoring.made_up import SLOT, T0, batch_of, points, said, values

SERIES, SLOTS = 6, 24 * 20
ALL = points(SERIES, SLOTS)


def shard() -> TypedShard:
    return TypedShard(PRESETS["sensitive"])


def by_series(rows):
    found: dict[str, list] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    return found


@pytest.fixture(scope="module")
def whole():
    return said(shard(), batch_of(ALL))


@pytest.mark.parametrize("seed", [0, 1])
def test_batches_may_be_cut_anywhere_and_series_interleaved_anyhow(whole, seed):
    chance = np.random.default_rng(seed)
    queues = {f"s{number}": [point for point in ALL if point[0] == f"s{number}"] for number in range(SERIES)}
    one, found = shard(), []
    while queues:
        part = []
        for _ in range(int(chance.integers(1, 400))):
            if not queues:
                break
            name = sorted(queues)[int(chance.integers(len(queues)))]
            part.append(queues[name].pop(0))
            if not queues[name]:
                del queues[name]
        found += said(one, batch_of(part))
    assert by_series(found) == by_series(whole)
    assert sum("begin" in row[-1] for row in whole) >= 3


def test_what_is_said_of_a_point_does_not_depend_on_later_ones(whole):
    for cut in (1, 40, 700, len(ALL) - 200):
        assert said(shard(), batch_of(ALL[:cut])) == whole[:cut]


@pytest.mark.parametrize("cut", [0, 30, SERIES * FIRST_POINTS - 5, 1500, len(ALL) - 150])
def test_it_goes_on_from_its_record(whole, cut):
    first = shard()
    found = said(first, batch_of(ALL[:cut]))
    second = TypedShard.restore(first.snapshot(), PRESETS["sensitive"])
    assert second.series == first.series
    found += said(second, batch_of(ALL[cut:]))
    assert found == whole


def test_it_says_what_is_said_of_one_series_slot_by_slot():
    one = values(0, SLOTS)
    rows = said(TypedShard(PRESETS["sensitive"], SLOT), batch_of([("a", T0 + t * SLOT, v) for t, v in enumerate(one)]))
    watch = SeriesWatch(SLOT)
    for slot, row in enumerate(rows):
        result = watch.learn_one(T0 + slot * SLOT, one[slot])
        assert row[2] == pytest.approx(result.score, abs=1e-9)
        assert row[3] == any(told.stage == "begin" for told in result.told)
    assert any(row[3] for row in rows)


def test_missing_slots_are_judged_as_slots_without_a_value():
    rows = [("a", T0 + t * SLOT, v) for t, v in enumerate(values(2, 300))]
    with_nan = [*rows[:250], *(("a", time, float("nan")) for _, time, _ in rows[250:280]), *rows[280:]]
    without = [*rows[:250], *rows[280:]]
    told = [row for row in said(shard(), batch_of(with_nan)) if row[-1] != "None"]
    (late,) = [row for row in said(shard(), batch_of(without)) if "begin" in row[-1]]
    assert "'flat'" in late[-1]
    assert late[1] == rows[280][1], "told with the point after the gap"
    assert str(told[0][-1])[:40] == str(late[-1])[:40]


def test_a_point_without_a_slot_of_its_own_is_refused_and_leaves_no_trace():
    rows = [("a", T0 + t * SLOT, v) for t, v in enumerate(values(2, 200))]
    more = [("a", rows[150][1] + 1000, 9e9), ("a", rows[20][1], -9e9), ("a", NO_TIME, 5.0)]
    found = said(shard(), batch_of([*rows[:151], *more, *rows[151:]]))
    assert [row[7] for row in found if row[7]] == [OLD, OLD, UNTIMED]
    assert [row for row in found if not row[7]] == said(shard(), batch_of(rows))


def test_one_wrong_clock_does_not_make_the_rest_too_old():
    rows = [("a", T0 + t * SLOT, v) for t, v in enumerate(values(2, 200))]
    far = T0 + 100_000 * SLOT
    found = said(shard(), batch_of([*rows[:150], ("a", far, 1.0), ("a", far + SLOT, 1.0), *rows[150:]]))
    assert [row[7] for row in found if row[7]] == [LEAP, LEAP]
    assert [row for row in found if not row[7]] == said(shard(), batch_of(rows))


def test_three_points_that_agree_are_believed_and_a_long_gap_costs_little(monkeypatch):
    calls = []
    plain = Lane._judge_missing

    def counted(self, rows, slots, missing, places, found):
        calls.append(int(missing.max()))
        plain(self, rows, slots, missing, places, found)

    monkeypatch.setattr(Lane, "_judge_missing", counted)
    rows = [("a", T0 + t * SLOT, v) for t, v in enumerate(values(2, 200))]
    late = [("a", time + 50_000 * SLOT, value) for _, time, value in rows[150:]]
    one = shard()
    found = said(one, batch_of([*rows[:150], *late]))
    assert [row[7] for row in found].count(LEAP) == 2
    assert calls == [50_002]
    assert all(not row[7] for row in found[152:])
    assert MOST_GAP_SLOTS < 50_000


def test_the_step_is_found_for_each_series_by_itself():
    rows = []
    for step, name in ((60_000, "minute"), (SLOT, "hour")):
        rows += [(name, T0 + t * step, float(t % 7)) for t in range(40)]
    rows += [("short", T0 + t * SLOT, 1.0) for t in range(FIRST_POINTS - 1)]
    one = shard()
    one.take(batch_of(rows))
    assert one.slot_lengths() == {60_000: 1, SLOT: 1}
    assert one.series == 3


def test_limits_go_on_from_the_settings_not_from_the_record():
    climb = [("disk", T0 + t * SLOT, 40 + max(0, t - 300) * 0.35) for t in range(SLOTS)]
    limits = (("d*", 100.0),)
    first = shard()
    before = said(first, batch_of(climb[:400]))
    again = TypedShard.restore(first.snapshot(), PRESETS["sensitive"], limits=limits)
    rows = said(again, batch_of(climb[400:]))
    assert not any("forecast_limit" in row[-1] for row in before)
    assert any("forecast_limit" in row[-1] for row in rows)
    whole = TypedShard(PRESETS["sensitive"], limits=limits)
    assert any("forecast_limit" in row[-1] for row in said(whole, batch_of(climb)))


def test_records_of_something_else_are_refused():
    one = shard()
    one.take(batch_of(ALL[:500]))
    with pytest.raises(BatchError):
        TypedShard.restore(one.snapshot()[:-7], PRESETS["sensitive"])
    with pytest.raises(BatchError):
        TypedShard.restore(b"nothing", PRESETS["sensitive"])
    with pytest.raises(BatchError):
        Lane.from_record(one.snapshot(), PRESETS["sensitive"])


@given(st.lists(st.integers(0, 5), max_size=40))
@settings(max_examples=50)
def test_rounds_hold_each_series_once_in_order(rows):
    array = np.array(rows, np.int64)
    seen: list[int] = []
    for at in _rounds(array):
        assert (np.diff(array[at]) > 0).all()
        seen += at.tolist()
    assert sorted(seen) == list(range(len(rows)))
    for row in set(rows):
        assert [place for place in seen if rows[place] == row] == [p for p, r in enumerate(rows) if r == row]
