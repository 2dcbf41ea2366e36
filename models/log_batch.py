"""Raw lines of one source on the way from ``pack`` to ``parse``: many lines in one Flink record."""

from __future__ import annotations

from dataclasses import dataclass

from models.batches import BatchError, pack_columns, unpack_columns


@dataclass(slots=True, frozen=True)
class LogBatch:
    """Raw lines of one source, or word about the source, on the way from ``pack`` to ``parse``.

    Attributes:
        source: name of the source.
        data: whole lines as UTF-8 bytes; only the last line of a source may lack its line end.
        at_end: the source ends with this batch.
        error: why the rest of the source cannot be read, or "".
        kind: ``LINES``; ``OPEN``: the source exists and has no event before ``clock_ms``; ``LANE``: no further source
            will be opened.
        clock_ms: for ``OPEN``, epoch ms, or None when it is not known.
    """

    source: str
    data: bytes = b""
    at_end: bool = False
    error: str = ""
    kind: str = "lines"
    clock_ms: int | None = None

    VERSION = 1
    LINES = "lines"
    OPEN = "open"
    LANE = "lane"

    def encode(self) -> bytes:
        """The batch as one record."""
        head = {"source": self.source, "at_end": self.at_end, "error": self.error, "kind": self.kind}
        return pack_columns(self.VERSION, {**head, "clock_ms": self.clock_ms}, [self.data])

    @classmethod
    def decode(cls, record: bytes) -> LogBatch:
        """Undo :meth:`encode`; raises :class:`BatchError`."""
        head, columns = unpack_columns(record, cls.VERSION)
        if len(columns) != 1:
            raise BatchError("a batch is cut off")
        return cls(data=bytes(columns[0]), **head)  # type: ignore[arg-type]
