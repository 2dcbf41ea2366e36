"""The five channels against their definitions, written out over lists."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.channels import AGE_ROWS, LEAST_NOVELTY, SLOTS, Channels
from models.series.density import DENSITY_QUANTILES, DENSITY_ROWS
from models.series.means import KEPT, MEAN_ROWS
from models.series.settings import RARITIES
from models.series.tail import TailRarity

ROWS = st.lists(
    st.tuples(
        st.one_of(st.integers(-5, 5).map(float), st.floats(-1e3, 1e3)),
        st.one_of(st.none(), st.integers(-10, 10**9).map(lambda n: n * 300.0)),
    ),
    max_size=150,
)


def distance(number: float, others: list[float]) -> float:
    return min(abs(number - other) for other in others)


def spread(numbers: list[float]) -> float:
    return max(numbers) - min(numbers)


def novelties(rows: list[tuple[float, float | None]], memory: int) -> list[list[float | None]]:
    """For each row what each channel measures, None for nothing."""
    values = [value for value, _ in rows]
    dense: list[float] = []
    means: dict[int, list[float]] = {n: [] for n in MEAN_ROWS}
    found = []
    for i, (value, time) in enumerate(rows):
        row: list[float | None] = [None] * sum(RARITIES)
        recent = values[max(0, i - AGE_ROWS) : i]
        old = values[: i - AGE_ROWS + 1][-memory:] if i >= AGE_ROWS else []
        least = 0.0
        if recent:
            known = recent + old
            least = LEAST_NOVELTY * spread(known)
            new = distance(value, known)
            row[0] = new if new >= least else 0.0
            if old:
                aged = distance(value, old)
                row[1] = aged if aged >= least else 0.0
                above = [value > sorted(old)[int(quantile * (len(old) - 1))] for quantile in DENSITY_QUANTILES]
                dense.append(sum(above) / len(above))
                row[3] = sum(dense[-DENSITY_ROWS:]) / DENSITY_ROWS
        if time is not None:
            slot = math.floor(time) % 86_400 // (86_400 // SLOTS)
            same = [v for v, t in rows[:i] if t is not None and math.floor(t) % 86_400 // (86_400 // SLOTS) == slot]
            if same:
                timed = distance(value, same[-(memory // SLOTS) :])
                row[2] = timed if timed >= least else 0.0
        for at, n in enumerate(MEAN_ROWS, 4):
            if i + 1 >= n:
                mean = sum(values[i + 1 - n : i + 1]) / n
                step = n // KEPT
                last_kept = len(means[n]) // step * step
                kept = [means[n][at] for at in range(0, last_kept - n + 1, step)]
                apart = kept[-max(1, memory // step) :]
                if apart:
                    new = distance(mean, apart)
                    row[at] = new if new >= LEAST_NOVELTY * spread(apart) else 0.0
                means[n].append(mean)
        found.append(row)
    return found


@pytest.mark.parametrize("memory", [30, 10_000])
@given(rows=ROWS)
def test_channels_are_what_they_are_said_to_be(memory, rows):
    channels = Channels(memory)
    tails = [TailRarity(memory) for _ in range(sum(RARITIES))]
    for (value, time), measured in zip(rows, novelties(rows, memory), strict=True):
        expected = [0.0 if r is None else tail.judge(r) for r, tail in zip(measured, tails, strict=True)]
        assert list(channels.judge(value, time)) == pytest.approx(expected, abs=1e-9)


@given(ROWS, ROWS)
def test_restored_channels_go_on_as_before(first, second):
    channels = Channels(40)
    for value, time in first:
        channels.judge(value, time)
    restored = Channels.from_columns(40, channels.to_columns())
    assert [channels.judge(*row) for row in second] == [restored.judge(*row) for row in second]


def test_what_is_remembered_is_bounded():
    channels = Channels(60)
    sizes = set()
    for i in range(600):
        channels.judge(float(i * 7919 % 1009), i * 300.0)
        if i >= 400:
            sizes.add(sum(map(len, channels.to_columns())))
    assert len(sizes) == 1
    means = sum(1 + KEPT + 60 // (n // KEPT) for n in MEAN_ROWS) + max(MEAN_ROWS)
    assert sizes.pop() == AGE_ROWS + 60 + 60 + DENSITY_ROWS + means + 60 * sum(RARITIES)


def test_columns_of_another_layout_are_refused():
    with pytest.raises(ValueError, match="another number of columns"):
        Channels.from_columns(40, Channels(40).to_columns()[:-1])
