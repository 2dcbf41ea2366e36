"""A document's index depends on the document alone, and there is a bound to the number of indices."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomalies import iso_ms
from models.index_names import ANOMALY, DEAD_LETTER, ILM, IndexNames

NAMES = IndexNames("shop", 2026)


@pytest.mark.parametrize(
    ("time", "index"),
    [
        ("2026-11-24T09:00:00.000Z", "shop-anomalies-2026.11.24"),
        ("2025-01-01T00:00:00.000Z", "shop-anomalies-2025.01.01"),
        ("2024-12-31T23:59:59.999Z", "shop-anomalies-2024"),
        ("2008-11-09T20:35:31.000Z", "shop-anomalies-2008"),
        ("1970-01-01T00:00:00.000Z", "shop-anomalies-1970"),
        ("1969-12-31T23:59:59.999Z", "shop-anomalies-undated"),
        ("0001-01-01T00:00:00.000Z", "shop-anomalies-undated"),
        ("2036-12-31T00:00:00.000Z", "shop-anomalies-2036.12.31"),
        ("2037-01-01T00:00:00.000Z", "shop-anomalies-undated"),
        ("9999-12-31T23:59:59.999Z", "shop-anomalies-undated"),
        ("2026-13-01T00:00:00.000Z", "shop-anomalies-undated"),
        ("2026-11-24", "shop-anomalies-undated"),
        ("٢٠٢٦-11-24T09:00:00.000Z", "shop-anomalies-undated"),
        ("", "shop-anomalies-undated"),
    ],
)
def test_an_anomaly_goes_to_the_index_of_its_day_or_year(time, index):
    assert NAMES.of(ANOMALY, time) == index


def test_dead_letters_have_indices_of_their_own():
    assert NAMES.of(DEAD_LETTER, "2026-11-24T09:00:00.000Z") == "shop-dead-letters-2026.11.24"
    assert NAMES.of(DEAD_LETTER, "") == "shop-dead-letters-undated"


def test_with_lifecycle_management_all_go_to_the_alias():
    names = IndexNames("shop", 2026, ILM)
    assert {names.of(ANOMALY, time) for time in ("", "2026-11-24T09:00:00.000Z")} == {"shop-anomalies"}
    assert names.of(DEAD_LETTER, "") == "shop-dead-letters"


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_every_time_that_anomalies_can_have_gives_a_valid_name(ms):
    name = NAMES.of(ANOMALY, iso_ms(ms))
    day = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=ms)
    assert name.removeprefix("shop-anomalies-") in {day.strftime("%Y.%m.%d"), str(day.year), "undated"}


def test_a_log_of_all_times_makes_no_more_indices_than_a_node_takes_for_the_past():
    past = (datetime.date(1800, 1, 1) + datetime.timedelta(days) for days in range(226 * 366))
    assert len({NAMES.of(ANOMALY, f"{day}T00:00:00.000Z") for day in past if day.year <= 2026}) < 800
