"""Fields of few values whose shares are stable over time: what is normal for them, for :mod:`models.slots.drift`.

A stretch of the log shows which fields have few values. Then the lines with each value are counted slot by slot, over
the whole log, in arrays whose size does not depend on its length. A field is taken if its shares hardly change from
slot to slot; how much they change by themselves, its *dispersion*, is estimated for each length of time that is judged:

- from all windows together, by the mean of their G statistics, which is one degree of freedom each where lines are
  independent (method of moments; McCullagh & Nelder, Generalized Linear Models, 4.5). To be on the safe side, the upper
  end of its confidence interval at 99 % is taken;
- and from the worst window: none of those that were learnt from may be called an anomaly.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int64
from models.mining.identifiers import TemplateSample
from models.parser import Parsed
from models.slots.chi_square import quantile
from models.slots.counting import cut_out
from models.slots.settings import SLOT_MS, Category, Share, Window
from models.slots.shares import ALARM, LEAST_LINES, Fit, fit, with_others
from models.source_reader import Events

MOST_VALUES = 50
"""A field of more values is none of few."""

COVERED = 0.99
"""So large a part of the lines have one of these values."""

MOST_DISPERSION = 0.02
"""Shares that vary more are not stable: a value with a share of a half would vary by 7 points from slot to slot."""

LEAST_SUPPORT = 1000
"""Fewer lines show no shares."""

WINDOWS = (1, 10, 60)
"""Slots that are judged together, each a divisor of the last."""

_LEAST_WINDOWS = {1: 30, 10: 12, 60: 8}
_LEAST_SAMPLE = 200
_MOST_FIELDS = 64
_BLOCK = WINDOWS[-1]
_MOST_BLOCKS = 200
_CONFIDENCE = 0.01
_HEADROOM = 2.0
"""The worst window of a longer time is worse than that of what was learnt from."""

Block = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field of few values: index of its template, its name, the values."""

    template: int
    field: str
    values: tuple[str, ...]


def find_candidates(
    samples: Mapping[int, TemplateSample], groks: Sequence[str], identifiers: Mapping[int, Sequence[str]]
) -> list[Candidate]:
    """The fields that have few values in a stretch of the log; those of the templates with most lines first.

    Args:
        samples: template index → its lines in that stretch.
        groks: Grok of each template.
        identifiers: template index → the fields that hold identifiers of transactions.
    """
    found: list[tuple[int, Candidate]] = []
    for template, sample in samples.items():
        lines = len(sample.rows)
        if lines < _LEAST_SAMPLE:
            continue
        for name, values in sample.fields.items():
            if name in identifiers.get(template, ()) or not _stands_alone(groks[template], name):
                continue
            counts = Counter(value for value in values if value)
            if not 2 <= len(counts) <= 4 * MOST_VALUES:
                continue
            most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
            if sum(count for _, count in most) >= COVERED * counts.total():
                found.append((lines, Candidate(template, name, tuple(value for value, _ in most))))
    found.sort(key=lambda item: (-item[0], item[1].template, item[1].field))
    return [candidate for _, candidate in found[:_MOST_FIELDS]]


def _stands_alone(grok: str, field: str) -> bool:
    """Whether no letter or digit touches a field: such a one could be cut out of no line but one by one."""
    site = re.search(rf"(.?)%\{{\w+:{re.escape(field)}(?::\w+)?\}}(.?)", grok)
    return site is None or not any(c.isalnum() or ord(c) >= 0x80 for c in site[1] + site[2])


class CategoryTally:
    """Lines with each value of some fields, slot by slot; tallies of parts of a log can be merged, in any order.

    Slots are kept in blocks of an hour. Of a longer log than :data:`_MOST_BLOCKS` blocks, those with the smallest
    checksums stay: the choice is the same whatever was seen first.

    Args:
        candidates: the fields.
        slot_ms: length of the slots.
    """

    def __init__(self, candidates: Sequence[Candidate], slot_ms: int = SLOT_MS) -> None:
        self.candidates = list(candidates)
        self.slot_ms = slot_ms
        self.blocks: list[dict[int, Block]] = [{} for _ in self.candidates]
        self._known = [{value.encode(): at for at, value in enumerate(c.values)} for c in self.candidates]

    def add(self, events: Events, parsed: Parsed, wanted: Sequence[Sequence[str]]) -> None:
        """Count the lines of a batch.

        Args:
            events: the lines.
            parsed: the same, parsed.
            wanted: for each template the names of the fields that were cut out of its lines, in order; the counted
                ones are among them.
        """
        for candidate, known, blocks in zip(self.candidates, self._known, self.blocks, strict=True):
            place = wanted[candidate.template].index(candidate.field)
            rows = np.flatnonzero(parsed.template == candidate.template)
            rows = rows[parsed.begin[place, rows] >= 0]
            if len(rows):
                values = cut_out(events.data, parsed.begin[place, rows], parsed.end[place, rows]).dictionary_encode()
                others = len(candidate.values)
                code = np.array([known.get(text, others) for text in values.dictionary.to_pylist()], np.int64)
                self._count(blocks, events.event_ms[rows] // self.slot_ms, code[values.indices.to_numpy()], others + 1)

    def _count(self, blocks: dict[int, Block], slots: Int64, values: Int64, width: int) -> None:
        for number in np.unique(slots // _BLOCK).tolist():
            inside = slots // _BLOCK == number
            cell = (slots[inside] - number * _BLOCK) * width + values[inside]
            counts = np.bincount(cell, minlength=_BLOCK * width).reshape(_BLOCK, width)
            blocks[number] = blocks[number] + counts if number in blocks else counts
        _thin_out(blocks)

    def merge(self, other: CategoryTally) -> None:
        """Add what another tally of the same fields has counted."""
        for blocks, more in zip(self.blocks, other.blocks, strict=True):
            for number, counts in more.items():
                blocks[number] = blocks[number] + counts if number in blocks else counts
            _thin_out(blocks)


def _thin_out(blocks: dict[int, Block]) -> None:
    if len(blocks) > _MOST_BLOCKS:
        order = sorted(blocks, key=lambda number: (zlib.crc32(str(number).encode()), number))
        for number in order[_MOST_BLOCKS:]:
            del blocks[number]


def stable_categories(tally: CategoryTally, ids: Sequence[str]) -> list[Category]:
    """Those of the counted fields whose shares are stable, in order of their templates' ``ids`` given by index."""
    found = []
    for candidate, blocks in zip(tally.candidates, tally.blocks, strict=True):
        counts = [blocks[number] for number in sorted(blocks)]
        total = sum(block.sum(axis=0) for block in counts) if counts else np.zeros(1, np.int64)
        support = int(total.sum())
        if support < LEAST_SUPPORT or total[-1] > (1 - COVERED) * support or np.count_nonzero(total[:-1]) < 2:
            continue
        shares = np.round(total[:-1] / support, 6)
        kept = np.flatnonzero(shares > 0)
        normal = with_others(shares[kept], support)
        # Values whose share is too small to be written count among the others.
        slim = [np.column_stack([block[:, kept], block.sum(axis=1) - block[:, kept].sum(axis=1)]) for block in counts]
        windows = [w for slots in WINDOWS if (w := _window(slots, slim, normal, support)) is not None]
        if windows:
            order = sorted(kept.tolist(), key=lambda at: (-shares[at], candidate.values[at]))
            values = tuple(Share(candidate.values[at], float(shares[at])) for at in order)
            found.append(
                (
                    candidate.template,
                    Category(ids[candidate.template], candidate.field, values, tally.slot_ms, tuple(windows), support),
                )
            )
    found.sort(key=lambda item: (item[0], item[1].field))
    return [category for _, category in found]


def _window(slots: int, blocks: Sequence[Block], normal: npt.NDArray[np.float64], support: int) -> Window | None:
    """How much the shares vary over so many slots; None where that cannot be told, or is too much."""
    lines = np.concatenate([block.sum(axis=1).reshape(-1, slots).sum(axis=1) for block in blocks])
    if lines[lines > 0].mean() < LEAST_LINES:
        return None
    fits = [(n, test) for n, test in _fits(slots, slots, blocks, normal) if test.df]
    if len(fits) < _LEAST_WINDOWS[slots]:
        return None
    dispersion = 0.0
    telling = [(n, test) for n, test in fits if test.mean > 0]
    if telling:
        df = sum(test.mean for _, test in telling)
        excess = sum(test.statistic for _, test in telling) / quantile(_CONFIDENCE, df) - 1
        dispersion = max(0.0, excess / (sum((n - 1) * test.mean for n, test in telling) / df))
    for n, test in _fits(slots, max(1, slots // 5), blocks, normal):
        if test.matters:
            worst = test.statistic / quantile(1 - ALARM, test.df) / (1 + n / support)
            dispersion = max(dispersion, _HEADROOM * (worst - 1) / (n - 1))
    dispersion = float(f"{dispersion:.3g}") * 1.01  # never rounded to less
    return Window(slots, float(f"{dispersion:.4g}")) if dispersion <= MOST_DISPERSION else None


def _fits(slots: int, step: int, blocks: Sequence[Block], normal: npt.NDArray[np.float64]) -> Iterator[tuple[int, Fit]]:
    """The lines and the test of each window of so many slots, one every ``step`` slots, none across blocks."""
    for block in blocks:
        sums = np.concatenate([np.zeros((1, block.shape[1]), np.int64), np.cumsum(block, axis=0)])
        for begin in range(0, _BLOCK - slots + 1, step):
            counts = sums[begin + slots] - sums[begin]
            lines = int(counts.sum())
            if lines >= LEAST_LINES:
                yield lines, fit(counts, normal, 0.0, 0)
