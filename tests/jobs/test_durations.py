import pytest

from jobs.durations import duration_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30_000), ("5m", 300_000), ("5 min", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), ("250ms", 250)],
)
def test_lengths_of_time(text, expected):
    assert duration_ms(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "-5m", "5 years", "1.5h", "400d", "5m5m"])
def test_others_are_none(text):
    assert duration_ms(text) is None
