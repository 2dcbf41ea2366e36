"""A shard's state as one plain record, readable by later versions and after a change of the model.

Layout, version 1 (see :func:`models.batches.pack_columns`): a JSON head with the watermark, the counters, and the names
that the numbers stand for (sources, visits under ``templates``, automaton and state ids); and the columns of all
events, first those that wait, then those kept of each transaction. A transaction is ``[automaton, tombstone, told too
long, states left out of the path, events kept, [[state, passes], …], [path]]``. What follows from these (whether it has
ended, its deadline) is not written.

The head's ``steps`` holds, for transactions of which lines were dropped, ``[transaction, looked, [[from, to, shortest
ms, longest ms], …]]``: what was noted of the lines up to the place ``looked``. ``ends`` are the markers that wait:
``[source, order_ms]`` each; ``ended`` are the sources of open transactions that have ended. All three are absent where
there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from models.automata.compiled import NO_SLOT, CompiledAutomata
from models.automata.lane import Lane
from models.automata.pending import Chunk, Pending, end_marker
from models.automata.transaction import (
    EVENT,
    IDENTIFIER,
    ORDER,
    POSITION,
    SLOT,
    SOURCE,
    TEXT,
    Line,
    Transaction,
)
from models.batches import BatchError, columns_to_strings, pack_columns, strings_to_columns, unpack_columns

VERSION = 1
KIND = "weirwatch.shard"


def write(
    model: CompiledAutomata,
    watermark: int,
    counters: dict[str, int],
    pending: Pending,
    lanes: list[Lane],
    ended: Iterable[str] = (),
) -> bytes:
    """The record of a shard."""
    lines: list[Line] = []
    ends: list[tuple[str, int]] = []
    for chunk in pending.chunks:
        if chunk.is_end:
            ends.append((chunk.source, int(chunk.order[0])))
        else:
            lines += chunk.lines(chunk.start, len(chunk.order))
    waiting = len(lines)
    transactions: list[list[Any]] = []
    steps: list[list[Any]] = []
    for at, lane in enumerate(lanes):
        for transaction in (*lane.open.values(), *lane.tombs.values()):
            lines += transaction.lines
            if transaction.noted is not None:
                noted = [[*pair, *times] for pair, times in transaction.noted.items()]
                steps.append([len(transactions), transaction.looked, noted])
            transactions.append(
                [
                    at,
                    int(transaction.end_missed),
                    int(transaction.long_told),
                    transaction.skipped,
                    len(transaction.lines),
                    list(transaction.counts.items()),
                    transaction.path,
                ]
            )
    sources = sorted({line[SOURCE] for line in lines})
    rank = {source: at for at, source in enumerate(sources)}
    head = {
        "kind": KIND,
        "model": {"id": model.id, "version": model.version},
        "watermark": watermark,
        "counters": counters,
        "sources": sources,
        "templates": model.visit_names,
        "automata": [{"id": a.id, "states": [state.id for state in a.states]} for a in model.automata],
        "waiting": waiting,
        "transactions": transactions,
    }
    if steps:
        head["steps"] = steps
    if ends:
        head["ends"] = ends
    if ended:
        head["ended"] = sorted(ended)
    return pack_columns(
        VERSION,
        head,
        [
            np.array([line[ORDER] for line in lines], dtype=np.int64).tobytes(),
            np.array([line[EVENT] for line in lines], dtype=np.int64).tobytes(),
            np.array([line[POSITION] for line in lines], dtype=np.int64).tobytes(),
            np.array([rank[line[SOURCE]] for line in lines], dtype=np.int32).tobytes(),
            np.array([line[SLOT] for line in lines], dtype=np.int32).tobytes(),
            *strings_to_columns([line[IDENTIFIER] for line in lines]),
            *strings_to_columns([line[TEXT] for line in lines]),
        ],
    )


class Reader:
    """A record read against the model in force, which may be another one than the record was written under.

    Attributes:
        watermark, counters, ended: as written.
        dropped: how many waiting events and transactions have no place in this model.
    """

    def __init__(self, record: bytes, model: CompiledAutomata) -> None:
        """Read the columns.

        Raises:
            BatchError: the record is no shard, is cut off, or is of a version that this one does not know.
        """
        found, columns = unpack_columns(record, VERSION)
        head: dict[str, Any] = found
        if head.get("kind") != KIND or len(columns) != 9:
            raise BatchError("a record is not the state of a shard")
        self._model = model
        self._head = head
        self.watermark: int = head["watermark"]
        self.counters: dict[str, int] = head["counters"]
        self.ended: set[str] = set(head.get("ended", ()))
        self.dropped = 0
        order, event, position, source, visit, *strings = columns
        # Events of transactions may have lost their state under an earlier model: they have -1.
        slots = model.slots_of_names(head["templates"], np.frombuffer(visit, dtype=np.int32))
        self._lines: list[Line] = list(
            zip(
                np.frombuffer(order, dtype=np.int64).tolist(),
                slots.tolist(),
                columns_to_strings(strings[0], strings[1]),
                np.frombuffer(event, dtype=np.int64).tolist(),
                np.frombuffer(position, dtype=np.int64).tolist(),
                [head["sources"][at] for at in np.frombuffer(source, dtype=np.int32).tolist()],
                columns_to_strings(strings[2], strings[3]),
                strict=True,
            )
        )

    def fill(self, pending: Pending, lanes: list[Lane]) -> None:
        """Put the waiting events and the transactions where they belong; counts what does not as ``dropped``."""
        waiting = self._head["waiting"]
        for chunk in _chunks(self._lines[:waiting]):
            known = chunk.where(chunk.slot != NO_SLOT)
            self.dropped += len(chunk) - len(known)
            pending.add(known)
        for name, order in self._head.get("ends", ()):
            pending.add(end_marker(name, order, self._model.end_slot))
        by_id = {lane.automaton.id: (at, lane) for at, lane in enumerate(lanes)}
        begin = waiting
        steps = {owner: (looked, noted) for owner, looked, noted in self._head.get("steps", ())}
        for serial, row in enumerate(self._head["transactions"]):
            at, tomb, long_told, skipped, kept, counts, path = row
            lines = self._lines[begin : begin + kept]
            begin += kept
            old = self._head["automata"][at]
            if old["id"] not in by_id:
                self.dropped += 1
                continue
            number, lane = by_id[old["id"]]
            place = {state.id: new for new, state in enumerate(lane.automaton.states)}
            states = [place.get(name) for name in old["states"]]
            transaction = Transaction(0, lane.keeping)
            transaction.restore(
                [new for state in path if (new := states[state]) is not None],
                skipped,
                {new: count for state, count in counts if (new := states[state]) is not None},
            )
            transaction.long_told = bool(long_told)
            transaction.end_missed = bool(tomb)
            transaction.lines = [self._own(line, number) for line in lines]
            _restore_steps(transaction, states, steps.get(serial), None in map(states.__getitem__, path))
            if transaction.path:
                lane.restore(lines[0][IDENTIFIER], transaction)
            else:
                self.dropped += 1
        for lane in lanes:
            lane.restore_settling()

    def _own(self, line: Line, automaton: int) -> Line:
        """The line, without its slot if that belongs to another automaton by now."""
        slot = line[SLOT]
        if slot == NO_SLOT or self._model.slots[slot][0] == automaton:
            return line
        return (line[ORDER], NO_SLOT, *line[IDENTIFIER:])


def _restore_steps(
    transaction: Transaction,
    states: list[int | None],
    saved: tuple[int, list[list[int]]] | None,
    states_lost: bool,
) -> None:
    """Take in what was noted of the transitions of a transaction whose lines and path are restored.

    Args:
        transaction: it is changed.
        states: for each state of the model that wrote the snapshot, what it is in this one; None if there is none.
        saved: the last place looked at and the transitions noted, None if there are none.
        states_lost: the path was longer than it is now.
    """
    last = len(transaction.lines) - 1
    if saved is not None:
        transaction.noted = {}
        for one, two, least_ms, most_ms in saved[1]:
            start, goal = states[one], states[two]
            if start is not None and goal is not None:
                transaction.noted[start, goal] = least_ms, most_ms
        transaction.looked = min(saved[0], last)
    # Where lines were dropped unseen, or are of states that this model does not have, what is known begins here.
    if states_lost or (saved is None and transaction.events > len(transaction.lines)):
        transaction.looked = last


def _chunks(lines: list[Line]) -> Iterator[Chunk]:
    """Waiting events as one chunk a source."""
    by_source: dict[str, list[Line]] = {}
    for line in lines:
        by_source.setdefault(line[SOURCE], []).append(line)
    for source, own in by_source.items():
        yield Chunk(
            source,
            _int64(line[ORDER] for line in own),
            _int64(line[EVENT] for line in own),
            _int64(line[POSITION] for line in own),
            np.array([line[SLOT] for line in own], dtype=np.int32),
            [line[IDENTIFIER] for line in own],
            [line[TEXT] for line in own],
        )


def _int64(values: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(values, dtype=np.int64)
