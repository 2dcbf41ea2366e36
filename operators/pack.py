"""``pack``: reads splits of files into batches of lines.

One record in, one to a few batches out, each some thousand lines: what crosses between Java and Python is the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from models.splits import Split, SplitReader
from operators.worker import prepare_worker


class Pack(KeyedProcessFunction):
    """Keyed by source; takes ``(source, word)`` where the word is a split (JSON) or an encoded ``LogBatch``.

    Args:
        batch_lines: most lines in a batch.
        max_line_bytes: longer lines are cut to one byte more than this, and refused by ``parse``.
    """

    def __init__(self, batch_lines: int, max_line_bytes: int) -> None:
        self._batch_lines = batch_lines
        self._max_line_bytes = max_line_bytes
        self._reader: SplitReader | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._reader = SplitReader(self._batch_lines, self._max_line_bytes)

    def process_element(
        self, value: tuple[str, bytes], ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[str, bytes]]:
        source, word = value
        if not word.startswith(b"{"):
            yield source, word
            return
        assert self._reader is not None
        for batch in self._reader.read(Split.from_json(word.decode())):
            yield source, batch.encode()
