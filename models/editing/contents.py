"""The content of a single line of text, as templates describe it: what it says beside its timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.document import ModelDocument
from models.line_reader import LineReader
from models.parser import content_of, content_ranges
from models.timestamps.reader import MISSING


class ContentReader:
    """Cuts the timestamp out of lines; of structured lines it makes their canonical form.

    Args:
        model: says how lines are read; its JSON sections that do are enough.
    """

    def __init__(self, model: ModelDocument | Mapping[str, Any]) -> None:
        self._reader = LineReader.of(model)
        self.settings = self._reader.settings

    def read(self, line: str) -> tuple[str, int | None]:
        """The content of a line, or of an object of several lines, and its event time as epoch ms.

        The time is None, and the content the whole line, where the line has no timestamp. Times without a year are
        given in the year of the settings.
        """
        if not line:
            return "", None
        data, start, end, column = self._reader.read_one(line.encode("utf-8", "replace"))
        whole = np.full(1, start, np.int64), np.full(1, end, np.int64)
        starts, marks = content_ranges(data, *whole, column.begin, column.end)
        content = content_of(data, int(starts[0]), end, int(marks[0]), int(column.end[0]))
        ms = int(column.ms[0])
        # Where lines carry no time at all, the reader gives every line the same.
        return content, None if ms == MISSING or int(column.end[0]) == int(column.begin[0]) else ms

    def content(self, line: str) -> str:
        """The content of a line; all of it where it has no timestamp."""
        return self.read(line)[0]
