"""What ``parse`` remembers of the partitions of topics and of their sources, and how it rests in keyed state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.dead_letter_limit import DeadLetterLimit, LimitSettings
from models.source_reader import SourceState

PARTITION = ""
"""The record's key of the partition itself; no source has an empty name."""

_VERSION = 1


@dataclass(slots=True)
class WatchedSource:
    """A source within a partition.

    Attributes:
        state: how far its lines are read.
        limit: counts its dead letters.
        is_open: it is waited for, that is, the clock does not pass it.
        heard_ms: when its last lines came, by the clock that the caller tells.
        touched_ms: when its last lines were looked at.
    """

    state: SourceState
    limit: DeadLetterLimit
    is_open: bool = False
    heard_ms: int = 0
    touched_ms: int = 0

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_record` reads them."""
        return {"state": self.state.to_record(), "limit": self.limit.to_record(), "open": self.is_open}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], limits: LimitSettings, now_ms: int) -> WatchedSource:
        """Undo :meth:`to_record`, as if it was heard just now; raises ValueError for a version that is not known."""
        limit = DeadLetterLimit(limits, record["limit"])
        return cls(SourceState.from_record(record["state"]), limit, record["open"], now_ms, now_ms)


@dataclass(slots=True)
class PendingEnd:
    """That a source ends.

    Attributes:
        after: a question to the broker of a later number was asked after this was told.
        target: what stands before this offset belongs to the source that ends; None: not known yet.
    """

    after: int
    target: int | None = None


@dataclass(slots=True)
class WatchedPartition:
    """A partition of a topic.

    Attributes:
        sources: by name.
        ends_known: the number of the last end of a source that was told when this partition was there.
        ends: of sources, by name, that are still to be carried out.
        pass_ms: the clock may pass this, epoch ms, as far as sources are concerned that have ended here.
        changed: its record is to be written anew.
    """

    sources: dict[str, WatchedSource] = field(default_factory=dict)
    ends_known: int = 0
    ends: dict[str, PendingEnd] = field(default_factory=dict)
    pass_ms: int | None = None
    changed: bool = True

    def to_record(self, read_to: int, expected: bool) -> dict[str, Any]:
        """Plain JSON values of all but the sources.

        Args:
            read_to: the offset that is read next.
            expected: the partition holds lines, none of which has been read.
        """
        return {
            "version": _VERSION,
            "read_to": read_to,
            "expected": expected,
            "ends_known": self.ends_known,
            "ends": {name: end.target for name, end in self.ends.items()},
            "pass_ms": self.pass_ms,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], asked: int) -> WatchedPartition:
        """Undo :meth:`to_record`; raises ValueError for a version that is not known.

        Args:
            record: the record.
            asked: the number of the last question to the broker.
        """
        if record.get("version") != _VERSION:
            raise ValueError(f"state of a partition has version {record.get('version')!r}; known is {_VERSION}")
        ends = {name: PendingEnd(asked, target) for name, target in record["ends"].items()}
        return cls({}, record["ends_known"], ends, record["pass_ms"], changed=False)
