"""What conditions see of the lines of one batch: values of fields, each distinct one looked at once, and texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.anomalies import line_score
from models.batches import Int64
from models.parser import Parsed
from models.rules.conditions import FIELD, LEVEL, SOURCE, TEXT, Test
from models.source_reader import Events

Mask = npt.NDArray[np.bool_]
ABSENT = -1

_LEVELS = ((90.0, "fatal"), (80.0, "error"), (65.0, "warning"))
OTHER = "other"
"""The level of a line that says nothing of it."""


class Lines:
    """The n events of a batch.

    Args:
        source: name of the source.
        events, raw: the batch, and its bytes.
        parsed: which template each line fits, and where its wanted fields lie.
    """

    def __init__(self, source: str, events: Events, raw: bytes, parsed: Parsed) -> None:
        self.source = source
        self._events = events
        self._raw = raw
        self._parsed = parsed

    def __len__(self) -> int:
        return len(self._events)

    def text(self, row: int) -> str:
        """The line, without those that continue it."""
        return self._raw[self._events.starts[row] : self._events.ends[row]].decode("utf-8", "replace")

    def field(self, row: int, column: int) -> str | None:
        """The value in a column of the wanted fields; None where the line has none."""
        begin = int(self._parsed.begin[column, row])
        if begin < 0:
            return None
        return self._raw[begin : int(self._parsed.end[column, row])].decode("utf-8", "replace")

    def distinct(self, rows: Int64, column: int) -> tuple[list[str], Int64]:
        """The distinct values of a field in some lines, and int64[rows] the place of each line's value among them.

        :data:`ABSENT` where a line has none.
        """
        raw = self._raw
        codes: dict[bytes, int] = {b"": ABSENT}
        begins, ends = self._parsed.begin[column, rows], self._parsed.end[column, rows]
        begins = np.where(begins < 0, ends, begins)
        found = [
            codes.setdefault(raw[a:b], len(codes) - 1) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)
        ]
        texts = [value.decode("utf-8", "replace") for value in codes if value]
        return texts, np.array(found, np.int64)

    def having(self, needle: str, rows: Int64) -> Mask:
        """Which of some lines hold a text: a search of the whole batch at once."""
        wanted = needle.encode("utf-8", "surrogatepass")
        starts, ends = self._events.starts[rows], self._events.ends[rows]
        mask = np.zeros(len(rows), np.bool_)
        if not len(rows):
            return mask
        find, at, last = self._raw.find, int(starts[0]), int(ends[-1])
        while (at := find(wanted, at, last)) >= 0:
            row = int(np.searchsorted(ends, at + len(wanted)))
            if starts[row] <= at:
                mask[row] = True
                row += 1
            if row >= len(rows):
                break
            at = max(at + 1, int(starts[row]))
        return mask


class Columns:
    """The values that tests of one template's rules ask for, each distinct one looked at once a test.

    Args:
        lines: the batch.
        rows: the lines of the template.
        columns: name of a field → its column among the wanted fields.
    """

    def __init__(self, lines: Lines, rows: Int64, columns: dict[str, int]) -> None:
        self.rows = rows
        self._lines = lines
        self._columns = columns
        self._distinct: dict[str, tuple[list[str], Int64]] = {}

    def test(self, test: Test, at: Int64) -> Mask:
        """Whether a test holds, for the lines at some places of ``rows``."""
        if test.kind == FIELD:
            if test.name not in self._distinct:
                self._distinct[test.name] = self._lines.distinct(self.rows, self._columns[test.name])
            texts, codes = self._distinct[test.name]
            used = codes[at]
            # The last one is for lines without the field, whose code is ABSENT.
            verdicts = np.zeros(len(texts) + 1, np.bool_)
            for code in np.unique(used).tolist():
                verdicts[code] = test.absent if code == ABSENT else test.holds(texts[code])
            return verdicts[used]
        if test.name == SOURCE:
            return np.full(len(at), test.holds(self._lines.source))
        rows = self.rows[at]
        if test.name == TEXT and test.operator == "contains":
            return self._lines.having(test.operand, rows)
        seen = (self.of_line(test, row) for row in rows.tolist())
        return np.fromiter(map(test.holds, seen), np.bool_, len(rows))

    def value(self, test: Test, row: int) -> str | None:
        """What one line has for a test."""
        if test.kind == FIELD:
            return self._lines.field(row, self._columns[test.name])
        return self.of_line(test, row)

    def field(self, name: str, row: int) -> str | None:
        """The value of a field in one line."""
        return self._lines.field(row, self._columns[name])

    def of_line(self, test: Test, row: int) -> str:
        """What a line is, says, or calls itself."""
        if test.name == SOURCE:
            return self._lines.source
        return level_of(self._lines.text(row)) if test.name == LEVEL else self._lines.text(row)


def level_of(line: str) -> str:
    """How severe a line calls itself: ``fatal``, ``error``, ``warning`` or ``other``, as for unmatched lines."""
    score = line_score(line)
    return next((name for least, name in _LEVELS if score >= least), OTHER)


def fields_in(message: str) -> Sequence[str]:
    """The names of fields that stand as ``{name}`` in a message."""
    return _PLACE.findall(message)


def filled(message: str, values: dict[str, str | None]) -> str:
    """The message with values in place of the names of fields."""
    return _PLACE.sub(lambda found: values.get(found[1]) or "", message)


_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
