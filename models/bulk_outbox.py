"""Documents that wait to be sent in bulk: in memory as they are sent, in keyed state as they came.

An *entry* is what keyed state holds of one arrival: the kind, a line feed, and JSON documents joined by line feeds.
Documents leave the state only when they have been settled. Writing the state anew after each bulk would cost as much as
there waits, so it is written when half of it is settled: the rest, sent again after a failure, only overwrites itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models.anomalies import revision
from models.index_names import ANOMALY, DEAD_LETTER, ILM, KINDS, TIME_KEYS, IndexNames

_SEPARATOR = "\n"
_SERIES = '"series": {'

# Reading a whole document for its id and time takes longer than sending it: our own are written in a known way. A quote
# within a text stands behind a backslash, so no text can pass for a key.
_ANOMALY_HEAD = re.compile(r'\{"@timestamp": "([^"\\]*)", "id": "([0-9a-f]+)", ')
_DEAD_LETTER_HEAD = re.compile(r'\{"id": "([0-9a-f]+)", ')
_DEAD_LETTER_TIME = re.compile(r', "timestamp": (?:null|"([^"\\]*)"), "text": "')


@dataclass(slots=True)
class Waiting:
    """A document that waits.

    Attributes:
        kind: one of :data:`models.index_names.KINDS`.
        data: the document, JSON in one line, UTF-8.
        action: the line that tells Elasticsearch where it goes.
        failures: how often the server has failed on this very document.
    """

    kind: str
    data: bytes
    action: bytes
    failures: int = 0

    @property
    def size(self) -> int:
        """Bytes that it takes in a bulk."""
        return len(self.data) + len(self.action) + 2

    @property
    def text(self) -> str:
        """The document, JSON."""
        return self.data.decode()


def parsed(text: str) -> dict[str, Any]:
    """The document in a text; an empty one if there is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


class Outbox:
    """What waits under one key, oldest first.

    Args:
        names: where documents go.
        entries: what keyed state holds.
    """

    def __init__(self, names: IndexNames, entries: Iterable[str] = ()) -> None:
        self._names = names
        self._documents: deque[Waiting] = deque()
        self._settled = 0
        self._must_write = False
        for entry in entries:
            kind, _, payload = entry.partition(_SEPARATOR)
            self.add(kind, payload)

    def __len__(self) -> int:
        return len(self._documents)

    def add(self, kind: str, payload: str) -> str:
        """Take documents in, joined by line feeds; returns the entry to add to keyed state ("" for none).

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no kind of documents {kind!r}")
        before = len(self._documents)
        self._documents.extend(self._waiting(kind, text) for text in payload.split(_SEPARATOR) if text.strip())
        return f"{kind}{_SEPARATOR}{payload}" if len(self._documents) > before else ""

    def take(self, documents: int, size: int) -> list[Waiting]:
        """The oldest documents, in order, at most so many and of so many bytes; one at least. They leave the queue."""
        taken: list[Waiting] = []
        while self._documents and len(taken) < documents:
            size -= self._documents[0].size
            if size < 0 and taken:
                break
            taken.append(self._documents.popleft())
        return taken

    def give_back(self, documents: list[Waiting]) -> None:
        """Put documents that were taken back, to be the next again."""
        self._documents.extendleft(reversed(documents))

    def settle(self, count: int) -> None:
        """So many of the taken documents are done with."""
        self._settled += count

    def must_be_written(self) -> None:
        """Let :meth:`rewritten` give the entries in any case, since doing the settled ones again would be seen."""
        self._must_write = True

    def rewritten(self) -> list[str] | None:
        """The entries that keyed state shall hold from now on, or None to leave it as it is."""
        if not self._settled or not (self._must_write or not self._documents or self._settled >= len(self._documents)):
            return None
        self._settled, self._must_write = 0, False
        entries: list[str] = []
        run: list[str] = []
        kind = ""
        for document in self._documents:
            if document.kind != kind and run:
                entries.append(_SEPARATOR.join([kind, *run]))
                run = []
            kind = document.kind
            run.append(document.text)
        return [*entries, _SEPARATOR.join([kind, *run])] if run else []

    def _waiting(self, kind: str, text: str) -> Waiting:
        data = text.encode("utf-8", "replace")
        identity, time = identity_and_time(kind, text)
        if not identity:
            identity = hashlib.sha256(data).hexdigest()[:20]
        number = revision(parsed(text)) if kind == ANOMALY and _SERIES in text else None
        return Waiting(kind, data, self._action(self._names.of(kind, time), identity, number))

    def _action(self, index: str, identity: str, number: int | None) -> bytes:
        written = f'"{identity}"' if identity.isascii() and identity.isalnum() else json.dumps(identity)
        # A missing alias must not become an index of its name.
        alias = ',"require_alias":true' if self._names.rollover == ILM else ""
        # What was told of an incident before must not take the place of what is known now, whichever comes first.
        version = "" if number is None else f',"version":{number},"version_type":"external_gte"'
        return f'{{"index":{{"_index":"{index}","_id":{written}{alias}{version}}}}}'.encode()


def identity_and_time(kind: str, text: str) -> tuple[str, str]:
    """The id and the time (ISO 8601) that a document gives itself; empty where it gives none."""
    if kind == ANOMALY:
        head = _ANOMALY_HEAD.match(text)
        if head is not None:
            return head[2], head[1]
    else:
        head = _DEAD_LETTER_HEAD.match(text)
        time = _DEAD_LETTER_TIME.search(text) if head is not None else None
        if head is not None and time is not None:
            return head[1], time[1] or ""
    document = parsed(text)
    identity, moment = document.get("id"), document.get(TIME_KEYS[kind])
    return str(identity) if isinstance(identity, str | int) else "", moment if isinstance(moment, str) else ""


def bulk_body(documents: Iterable[Waiting]) -> bytes:
    """The documents as a bulk request."""
    lines: list[bytes] = []
    for document in documents:
        lines += document.action, document.data
    lines.append(b"")
    return b"\n".join(lines)


def is_dead_letter(document: Waiting) -> bool:
    """Whether it tells of a refusal itself."""
    return document.kind == DEAD_LETTER
