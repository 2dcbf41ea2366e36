"""Lines to templates: which template each event fits, and the fields that are asked for.

The batch is folded (:mod:`models.folding`); each distinct fold is looked up in a cache, and only a fold never seen
before meets the templates: an index from constant words to templates proposes candidates, all of whose constant words
are there, and the most specific whose expression matches wins. Where a template is *exact* (its constants hold digits,
or a pattern counts digits) the fold cannot decide and each line is matched by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.folding import TIMESTAMP, Folded, fold
from models.grok import GrokTemplate, compile_grok
from models.known_folds import Entry, KnownFolds
from models.linear import LinearRegex, Match

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

UNMATCHED = -1
_CACHE_LIMIT = 200_000
_PIECE_BYTES = 1 << 19
"""Folded at a time: enough to be worth the calls, little enough that the working arrays are near the processor."""
_WORD = re.compile(rb"[A-Za-z0-9\x80-\xff]+")
_MARK = bytes([TIMESTAMP])


@dataclass(slots=True, frozen=True)
class Parsed:
    """What n events are.

    Attributes:
        template: int32[n], index of the template, or ``UNMATCHED``.
        begin, end: int64[k, n], byte range of the template's k-th wanted field; begin −1 where the event has none. Of
            a line that fits no template, the first one is what ``id_pattern`` finds.
    """

    template: Int32
    begin: Int64
    end: Int64


class LineParser:
    """Matches lines to templates.

    Args:
        templates: Grok of each template, in the model's order.
        wanted: for each template the names of the fields to cut out; None: all of its fields.
        patterns: the model's own Grok patterns.
        id_pattern: finds an identifier in lines that match no template.

    Attributes:
        wanted: the names of the fields that are cut out, by template.
    """

    def __init__(
        self,
        templates: Sequence[str],
        wanted: Sequence[Sequence[str]] | None,
        patterns: Mapping[str, str] | None = None,
        id_pattern: str | None = None,
    ) -> None:
        self.groks: list[GrokTemplate] = [compile_grok(template, patterns or {}) for template in templates]
        if wanted is None:
            wanted = [[field.name for field in grok.fields] for grok in self.groks]
        self.wanted = [tuple(names) for names in wanted]
        self._width = max(1, *map(len, self.wanted)) if self.wanted else 1
        self._id_pattern = LinearRegex(id_pattern) if id_pattern else None
        self._order = sorted(range(len(self.groks)), key=lambda i: (self.groks[i].specificity, i))
        self._rank = {template: rank for rank, template in enumerate(self._order)}
        self._by_words: dict[bytes, dict[bytes, list[tuple[int, frozenset[bytes]]]]] = {}
        self._always: list[int] = []
        self._index()
        self._cache = KnownFolds(self._width, _CACHE_LIMIT)

    def _index(self) -> None:
        """File each template under its two rarest constant words; words with digits fold away and cannot serve."""
        words = [[w for w in grok.words if not any(map(str.isdigit, w))] for grok in self.groks]
        frequency: dict[str, int] = {}
        for some in words:
            for word in some:
                frequency[word] = frequency.get(word, 0) + 1
        for i, some in enumerate(words):
            if some:
                needed = [w.encode() for w in sorted(some, key=lambda w: (frequency[w], -len(w), w))]
                first = self._by_words.setdefault(needed[0], {})
                first.setdefault(needed[min(1, len(needed) - 1)], []).append((i, frozenset(needed)))
            else:
                self._always.append(i)

    def match(self, content: str | bytes) -> tuple[int, Match | None]:
        """The template of one content (see :func:`content_of`) and its match; ``(UNMATCHED, None)`` if none fits."""
        content = content.encode("utf-8", "replace") if isinstance(content, str) else content
        for i in self._candidates(content):
            found = self.groks[i].regex.fullmatch(content)
            if found:
                return i, found
        return UNMATCHED, None

    def _candidates(self, content: bytes) -> list[int]:
        words = set(_WORD.findall(content))
        found = list(self._always)
        for first in words & self._by_words.keys():
            seconds = self._by_words[first]
            for second in words & seconds.keys():
                found += [i for i, needed in seconds[second] if needed <= words]
        return sorted(found, key=self._rank.__getitem__)

    def parse(self, data: Bytes, starts: Int64, ends: Int64, time_starts: Int64, time_ends: Int64) -> Parsed:
        """Parse n events.

        Args:
            data: uint8 buffer with the lines.
            starts: int64[n], first byte of each event's first line.
            ends: int64[n], one past its last byte.
            time_starts: int64[n], first byte of its timestamp.
            time_ends: int64[n], one past the timestamp; the same as its begin where the event has none.
        """
        n = len(starts)
        template = np.empty(n, np.int32)
        begin = np.full((self._width, n), -1, np.int64)
        end = np.full((self._width, n), -1, np.int64)
        starts, marks = content_ranges(data, starts, ends, time_starts, time_ends)
        first = 0
        while first < n:
            last = int(np.searchsorted(ends, starts[first] + _PIECE_BYTES, side="right"))
            piece = slice(first, max(last, first + 1))
            self._parse_piece(
                data,
                starts[piece],
                ends[piece],
                marks[piece],
                time_ends[piece],
                template[piece],
                begin[:, piece],
                end[:, piece],
            )
            first = piece.stop
        return Parsed(template, begin, end)

    def _parse_piece(
        self,
        data: Bytes,
        starts: Int64,
        ends: Int64,
        marks: Int64,
        time_ends: Int64,
        template: Int32,
        begin: Int64,
        end: Int64,
    ) -> None:
        """Parse some events; the last three arrays take the results."""
        folded = fold(data, starts, ends, marks, time_ends)

        def resolve(row: int) -> Entry:
            content = _Content.of(data, int(starts[row]), int(ends[row]), int(marks[row]), int(time_ends[row]))
            return self._resolve(content, folded, int(folded.offsets[row]))

        found = self._cache.find(folded, resolve)
        template[:] = found.template
        for k in range(self._width):
            rows = np.flatnonzero(found.begin[k] >= 0)
            if len(rows):
                at = folded.offsets[rows]
                begin[k, rows] = folded.came_from(at + found.begin[k, rows])
                end[k, rows] = folded.came_from(at + found.end[k, rows])
        each = np.flatnonzero(found.each)
        if len(each):
            self._match_each(each, data, starts, ends, marks, time_ends, template, begin, end)

    def _resolve(self, content: _Content, folded: Folded, begin: int) -> Entry:
        """What one new fold stands for, found on one line that has it."""
        for i in self._candidates(content.text):
            grok = self.groks[i]
            if not grok.digit_blind:
                return Entry(UNMATCHED, each=True)
            found = grok.regex.fullmatch(content.text)
            if found:
                spans = []
                for name in self.wanted[i]:
                    first, last = content.origin(found.byte_span(name))
                    a, b = folded.place_of(first), folded.place_of(last)
                    if a is None or b is None or a == b:
                        return Entry(i, each=True)  # the field begins or ends inside a word that is folded whole
                    spans.append((a - begin, b - begin))
                return Entry(i, tuple(spans))
        return Entry(UNMATCHED, each=self._id_pattern is not None)

    def _match_each(
        self,
        rows: Int64,
        data: Bytes,
        starts: Int64,
        ends: Int64,
        marks: Int64,
        mark_ends: Int64,
        template: Int32,
        begin: Int64,
        end: Int64,
    ) -> None:
        for row in rows.tolist():
            content = _Content.of(data, int(starts[row]), int(ends[row]), int(marks[row]), int(mark_ends[row]))
            i, found = self.match(content.text)
            template[row] = i
            spans: list[tuple[int, int]] = []
            if found is not None:
                spans = [found.byte_span(name) for name in self.wanted[i]]
            elif self._id_pattern is not None:
                somewhere = self._id_pattern.search(content.text)
                spans = [somewhere.byte_span()] if somewhere else []
            for k, span in enumerate(spans):
                if span[1] > span[0]:
                    begin[k, row], end[k, row] = content.origin(span)


def content_ranges(
    data: Bytes, starts: Int64, ends: Int64, time_starts: Int64, time_ends: Int64
) -> tuple[Int64, Int64]:
    """Where each content begins, and the begin of the timestamp to be marked in it (its end where none is)."""
    leading = (time_starts == starts) & (time_ends > time_starts)
    begins = np.where(leading, time_ends, starts)
    marks = np.where(leading, time_ends, time_starts)
    todo = np.flatnonzero(leading)
    last = len(data) - 1
    while len(todo):
        at = begins[todo]
        byte = data[np.minimum(at, last)]
        todo = todo[(at < ends[todo]) & ((byte == 0x20) | (byte == 0x09))]
        begins[todo] += 1
    return begins, marks


def content_of(data: Bytes, start: int, end: int, mark: int, mark_end: int) -> str:
    """The content of one line as text, with its timestamp as one character U+0004."""
    return _Content.of(data, start, end, mark, mark_end).text.decode("utf-8", "replace")


@dataclass(slots=True, frozen=True)
class _Content:
    """The content of one line; its timestamp is one byte, which stands before ``after`` and is ``less`` shorter."""

    text: bytes
    start: int
    after: int
    less: int

    @classmethod
    def of(cls, data: Bytes, start: int, end: int, mark: int, mark_end: int) -> _Content:
        if mark_end <= mark or mark < start:
            return cls(data[start:end].tobytes(), start, end - start + 1, 0)
        text = data[start:mark].tobytes() + _MARK + data[mark_end:end].tobytes()
        return cls(text, start, mark - start + 1, mark_end - mark - 1)

    def origin(self, span: tuple[int, int]) -> tuple[int, int]:
        """A range of the text as a range of the buffer."""
        begin, end = (self.start + at + (self.less if at >= self.after else 0) for at in span)
        return begin, end
