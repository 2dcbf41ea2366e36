"""Lines that tell no time."""

from __future__ import annotations

import numpy as np

from models.timestamps import MISSING, TimestampReader, TimestampSettings, detect


def test_every_line_that_is_not_empty_is_an_event_at_time_zero():
    data = b"first\n\n2024-01-01 00:00:00 second"
    column = TimestampReader(TimestampSettings(("NONE",))).read(
        np.frombuffer(data, np.uint8), np.array([0, 6, 7]), np.array([5, 6, len(data)])
    )
    assert column.ms.tolist() == [0, MISSING, 0]
    assert column.begin.tolist() == column.end.tolist() == [0, 6, 7]


def test_asked_for_no_timestamps_none_are_sought():
    settings = detect([b"2024-01-01 00:00:00 a", b"b"], "UTC", "NONE")
    assert settings == TimestampSettings(("NONE",))
    assert "without a time" in settings.describe()
    assert TimestampSettings.from_document(settings.to_document()) == settings
