"""What was found out about folds: the cache behind :class:`models.parser.LineParser`.

It has two levels. All folds known stand in a dictionary. Those of the latest large batches stand in columns as well, so
that such a batch is looked up as one and costs per line, not per distinct fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.folding import Folded, first_lines

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NOWHERE = (-1, -1)
_MOST_RECENT = 32_768
_WORTH_IT = 4
"""The table of recent folds is made ready anew for each batch: it may be so many times as long as the batch."""


@dataclass(slots=True, frozen=True)
class Entry:
    """What is known of a fold: the template, and where in the fold the wanted fields lie (begin −1: nowhere)."""

    template: int
    spans: tuple[tuple[int, int], ...] = ()
    each: bool = False
    """The fold does not decide: match every line by itself."""


@dataclass(slots=True, frozen=True)
class Found:
    """What is known of the lines of a batch.

    Attributes:
        template: int32[n], the entries' templates.
        begin, end: int64[k, n], their spans.
        each: bool[n].
    """

    template: Int32
    begin: Int64
    end: Int64
    each: Bools


class KnownFolds:
    """The entries of folds.

    Args:
        width: how many spans an entry has at most.
        limit: how many folds are known at most; beyond it all are forgotten.
    """

    def __init__(self, width: int, limit: int) -> None:
        self._width = width
        self._limit = limit
        self._entries: dict[bytes, Entry] = {}
        self._clear_recent()

    def __len__(self) -> int:
        return len(self._entries)

    def _clear_recent(self) -> None:
        self._recent = pa.array([], pa.binary())
        self._template = np.empty(0, np.int32)
        self._spans = np.empty((2, self._width, 0), np.int64)
        self._each = np.empty(0, np.bool_)

    def find(self, folded: Folded, resolve: Callable[[int], Entry]) -> Found:
        """The entries of a batch of lines.

        Args:
            folded: the lines.
            resolve: called with the number of a line whose fold is not known.
        """
        pieces = folded.pieces()
        if len(self._recent) > _WORTH_IT * len(pieces):
            some = pieces.dictionary_encode()
            entries = self._look_up(some, np.arange(len(pieces)), resolve)
            codes = some.indices.to_numpy()
            begin, end = _spans(entries, self._width)[:, :, codes]
            return Found(_templates(entries)[codes], begin, end, _each(entries)[codes])
        codes = self._codes(pieces)
        unknown = np.flatnonzero(codes < 0)
        if len(unknown):
            some = pieces.take(pa.array(unknown)).dictionary_encode()
            self._add_recent(some.dictionary, self._look_up(some, unknown, resolve))
            codes = self._codes(pieces)
        begin, end = self._spans[:, :, codes]
        found = Found(self._template[codes], begin, end, self._each[codes])
        if len(self._recent) > _MOST_RECENT:
            self._clear_recent()
        return found

    def _codes(self, pieces: pa.BinaryArray) -> Int32:
        """int32[n]: where each fold stands among the recent ones; -1: nowhere."""
        codes: Int32 = pc.index_in(pieces, value_set=self._recent).fill_null(-1).to_numpy(zero_copy_only=False)
        return codes

    def _look_up(self, some: pa.DictionaryArray, rows: Int64, resolve: Callable[[int], Entry]) -> list[Entry]:
        """The entries of the distinct folds of some lines."""
        keys: list[bytes] = some.dictionary.to_pylist()
        known = self._entries
        if len(known) + len(keys) > self._limit:
            known.clear()
        examples = rows[first_lines(some.indices.to_numpy(), len(keys))].tolist()
        entries = []
        for key, row in zip(keys, examples, strict=True):
            entry = known.get(key)
            if entry is None:
                entry = known[key] = resolve(row)
            entries.append(entry)
        return entries

    def _add_recent(self, folds: pa.BinaryArray, entries: Sequence[Entry]) -> None:
        self._recent = pa.concat_arrays([self._recent, folds])
        self._template = np.append(self._template, _templates(entries))
        self._spans = np.concatenate((self._spans, _spans(entries, self._width)), axis=2)
        self._each = np.append(self._each, _each(entries))


def _templates(entries: Sequence[Entry]) -> Int32:
    return np.array([e.template for e in entries], np.int32)


def _each(entries: Sequence[Entry]) -> Bools:
    return np.array([e.each for e in entries], np.bool_)


def _spans(entries: Sequence[Entry], width: int) -> Int64:
    """int64[2, width, entries]."""
    rows = [(*entry.spans, *[NOWHERE] * (width - len(entry.spans))) for entry in entries]
    return np.array(rows, np.int64).reshape(len(entries), width, 2).transpose(2, 1, 0)
