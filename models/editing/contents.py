"""The content of a single line of text, as templates describe it: what it says beside its timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.parser import content_of, content_ranges
from models.timestamps import TimestampReader, TimestampSettings
from models.timestamps.reader import MISSING


class ContentReader:
    """Cuts the timestamp out of lines.

    Args:
        timestamp: the ``timestamp`` section of a model.
    """

    def __init__(self, timestamp: Mapping[str, Any]) -> None:
        self.settings = TimestampSettings.from_document(timestamp)
        self._reader = TimestampReader(self.settings)

    def read(self, line: str) -> tuple[str, int | None]:
        """The content of a line, and its event time as epoch ms.

        The time is None, and the content the whole line, where the line has no timestamp. Times without a year are
        given in the year of the settings.
        """
        raw = np.frombuffer(line.encode("utf-8", "replace"), np.uint8)
        begin, end = np.zeros(1, np.int64), np.full(1, len(raw), np.int64)
        if not len(raw):
            return "", None
        column = self._reader.read(raw, begin, end)
        starts, marks = content_ranges(raw, begin, end, column.begin, column.end)
        content = content_of(raw, int(starts[0]), len(raw), int(marks[0]), int(column.end[0]))
        ms = int(column.ms[0])
        # Where lines carry no time at all, the reader gives every line the same.
        return content, None if ms == MISSING or int(column.end[0]) == int(column.begin[0]) else ms

    def content(self, line: str) -> str:
        """The content of a line; all of it where it has no timestamp."""
        return self.read(line)[0]
