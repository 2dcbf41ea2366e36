"""The core of ``pack`` for topics: messages of a topic to batches of lines, one for each source of each partition.

A message holds a line, or several, as they are or in an agent's envelope (:mod:`models.envelopes`). A line's place is
its message's offset and its index in the message (:mod:`models.positions`), whatever else the partition holds, so that
it does not depend on how messages come together in a batch.

Most topics hold single lines of one source a partition: those are joined and numbered with a handful of array
operations, without touching a message by itself.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from models.envelopes import EnvelopeError, EnvelopePaths, EnvelopeReader, clean_name
from models.log_batch import DeadRecord, LogBatch
from models.positions import INDEX_BITS, position_of

Int64 = npt.NDArray[np.int64]
Values = Sequence[bytes | None] | npt.NDArray[np.object_]
Headers = Sequence[bytes | str | None] | npt.NDArray[np.object_] | None

RAW, ENVELOPE, AUTO = "raw", "envelope", "auto"
FORMATS = (AUTO, RAW, ENVELOPE)
"""``raw``: a value is lines. ``envelope``: it is JSON of an agent. ``auto``: an envelope if it is a JSON object with a
text as its message, else lines."""

_NEWLINE = b"\n"
_LAST_INDEX = (1 << INDEX_BITS) - 1
_TOMBSTONE = "the message has no value (a tombstone): a topic of lines is not to be compacted (cleanup.policy=delete)"
_MAY_OPEN = np.zeros(256, np.bool_)
_MAY_OPEN[list(b"{ \t\r\n\xef")] = True
"""First bytes that an envelope may have: those of an object, of blanks, and of a byte order mark."""


@dataclass(slots=True, frozen=True)
class MessageSettings:
    """How messages are to be understood.

    Attributes:
        format: one of :data:`FORMATS`.
        encoding: of values; what cannot be decoded becomes U+FFFD. UTF-8 is left as it is and checked by the reader.
        paths: where things stand in envelopes.
    """

    format: str = AUTO
    encoding: str = "utf-8"
    paths: EnvelopePaths = field(default_factory=EnvelopePaths)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"no format {self.format!r}; there are {', '.join(FORMATS)}")
        codecs.lookup(self.encoding)  # LookupError for one that is not known


def pack_messages(
    topic: str,
    partitions: Int64,
    offsets: Int64,
    times_ms: Int64,
    values: Values,
    headers: Headers,
    settings: MessageSettings,
) -> list[LogBatch]:
    """Batches of the lines of some messages of one topic.

    Nothing is cut off, and nothing is lost: a message goes to exactly one batch, as lines or as a
    :class:`~models.log_batch.DeadRecord`. So there are no more batches than messages.

    Args:
        topic: the topic's name.
        partitions: int[n], the partition of each message.
        offsets: int[n], its offset there.
        times_ms: int[n], time of each record, epoch ms.
        values: what the messages hold; None for a message without a value.
        headers: for each message the name of its source from its headers, None where it has none.
        settings: how to understand them.

    Returns:
        One batch for each source of each partition, the lines in order of offset. A source is named by the envelope,
        else by the header, else it is ``topic/partition``. Only the last batch of a partition has a ``next_offset``:
        before it, not all that precedes that offset has been told.
    """
    batches: list[LogBatch] = []
    partitions, offsets, times_ms = (np.asarray(column, np.int64) for column in (partitions, offsets, times_ms))
    if not len(values):
        return batches
    envelopes = EnvelopeReader(settings.paths)
    whole = bool((partitions == partitions[0]).all())
    for partition in [int(partitions[0])] if whole else np.unique(partitions).tolist():
        rows = None if whole else np.flatnonzero(partitions == partition)
        own = offsets if rows is None else offsets[rows]
        if (own[1:] < own[:-1]).any():
            order = np.argsort(own, kind="stable")
            rows = order if rows is None else rows[order]
            own = offsets[rows]
        messages = _Messages(
            topic,
            partition,
            own,
            times_ms if rows is None else times_ms[rows],
            values if rows is None else [values[row] for row in rows.tolist()],
            headers if headers is None or rows is None else [headers[row] for row in rows.tolist()],
            int(own[-1]) + 1,
        )
        found = _pack_partition(messages, settings, envelopes)
        batches += [replace(batch, next_offset=-1) for batch in found[:-1]] + found[-1:]
    return batches


@dataclass(slots=True)
class _Messages:
    """Messages of one partition, in order of offset; ``next_offset`` is one after its last, of whatever source."""

    topic: str
    partition: int
    offsets: Int64
    times_ms: Int64
    values: Values
    headers: Headers
    next_offset: int


@dataclass(slots=True)
class _Source:
    """What a partition's messages bring of one source: the rows of those with lines, and what is in them."""

    rows: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    dead: list[DeadRecord] = field(default_factory=list)


def _pack_partition(messages: _Messages, settings: MessageSettings, envelopes: EnvelopeReader) -> list[LogBatch]:
    plain = codecs.lookup(settings.encoding).name == "utf-8"
    own = f"{messages.topic}/{messages.partition}"
    if plain and settings.format != ENVELOPE:
        found = [_pack_plain(name, some, settings.format == AUTO) for name, some in _by_header(own, messages)]
        batches = [batch for batch in found if batch is not None]
        if len(batches) == len(found):
            return batches
    sources: dict[str, _Source] = {}
    headers = [None] * len(messages.values) if messages.headers is None else messages.headers
    offsets, times = messages.offsets.tolist(), messages.times_ms.tolist()
    lenient = settings.format == AUTO
    for row, (value, header) in enumerate(zip(messages.values, headers, strict=True)):
        name = _name(header) if header else own
        time = times[row]
        reason = ""
        if value is None:
            reason = _TOMBSTONE
        else:
            text = value if plain else value.decode(settings.encoding, "replace").encode("utf-8", "replace")
            if settings.format != RAW and not (lenient and not _may_open(text)):
                try:
                    opened = envelopes.read(text, lenient)
                except EnvelopeError as error:
                    reason = str(error)
                else:
                    if opened is not None:
                        text = opened.message
                        name = opened.source or name
                        time = time if opened.time_ms is None else opened.time_ms
        source = sources.get(name)
        if source is None:
            source = sources[name] = _Source()
        if reason:
            source.dead.append(DeadRecord(position_of(offsets[row]), reason, value or b"", time))
        else:
            source.rows.append(row)
            source.values.append(text if text[-1:] == _NEWLINE else text + _NEWLINE)
            source.times.append(time)
    return [_batch(name, source, messages) for name, source in sources.items()]


def _by_header(own: str, messages: _Messages) -> Iterator[tuple[str, _Messages]]:
    """The messages of each source that headers name, those without a name as ``own``."""
    headers = messages.headers
    if headers is None or not any(headers):
        yield own, messages
        return
    rows_of: dict[bytes | str | None, list[int]] = {}
    for row, header in enumerate(headers):
        rows = rows_of.get(header)
        if rows is None:
            rows = rows_of[header] = []
        rows.append(row)
    named: dict[str, list[int]] = {}
    for header, rows in rows_of.items():
        named.setdefault(_name(header) if header else own, []).extend(rows)
    for name, rows in named.items():
        rows.sort()  # several headers may come to one name
        at, values = np.array(rows), [messages.values[row] for row in rows]
        yield name, replace(messages, offsets=messages.offsets[at], times_ms=messages.times_ms[at], values=values)


def _name(header: bytes | str) -> str:
    return header.decode("utf-8", "replace") if isinstance(header, bytes) else clean_name(header)


def _may_open(value: bytes) -> bool:
    return value[:1] == b"{" or value.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{"


def _pack_plain(name: str, messages: _Messages, auto: bool) -> LogBatch | None:
    """Single lines of one source without envelope and all with a value; None when the messages are anything else."""
    values = messages.values
    try:
        data = _NEWLINE.join(values)  # type: ignore[arg-type]
    except TypeError:  # a message without a value
        return None
    n = len(values)
    data += _NEWLINE
    if data.count(_NEWLINE) != n:
        return None
    if auto:
        lengths = np.fromiter(map(len, values), np.int64, n)
        begins = np.cumsum(lengths + 1) - lengths - 1
        first = np.flatnonzero(_MAY_OPEN[np.frombuffer(data, np.uint8)[begins]] & (lengths > 0))
        if any(_may_open(values[row] or b"") for row in first.tolist()):
            return None
    return LogBatch(
        name,
        data,
        topic=messages.topic,
        partition=messages.partition,
        position=messages.offsets << INDEX_BITS,
        time_ms=messages.times_ms,
        next_offset=messages.next_offset,
        messages=n,
    )


def _batch(name: str, source: _Source, messages: _Messages) -> LogBatch:
    rows = np.array(source.rows, np.int64)
    data = b"".join(source.values)
    times = np.array(source.times, np.int64)
    position = messages.offsets[rows] << INDEX_BITS
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE[0])
    if len(newlines) != len(rows):
        ends = np.cumsum(np.fromiter(map(len, source.values), np.int64, len(rows)))
        owner = np.searchsorted(ends, newlines, side="right")  # the message of each line
        index = np.arange(len(newlines)) - np.searchsorted(owner, owner)
        position, times = position[owner] | np.minimum(index, _LAST_INDEX), times[owner]
    return LogBatch(
        name,
        data,
        topic=messages.topic,
        partition=messages.partition,
        position=position,
        time_ms=times,
        dead=source.dead,
        next_offset=messages.next_offset,
        messages=len(rows) + len(source.dead),
    )
