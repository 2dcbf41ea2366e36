"""What a server says to a bulk request, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

NO_ANSWER = 0
_MOST_FAILURES = 5
_REFUSALS = frozenset({400, 409, 413, 422})
_NEWER = "version_conflict_engine_exception"
# Not the document is wrong but the place: when that has been mended, it will be taken.
_CONDITIONS = frozenset({"validation_exception", "cluster_block_exception", "index_not_found_exception"})


class Verdict(Enum):
    """What becomes of a document or of a whole request."""

    TAKEN = auto()
    AGAIN = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class ItemReply:
    """What became of one document: HTTP status, type of the error and the reason."""

    status: int
    error: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.error, self.reason))) or f"status {self.status}"


@dataclass(frozen=True, slots=True)
class BulkReply:
    """What became of a request.

    Attributes:
        status: HTTP status, or :data:`NO_ANSWER`: no connection, or no answer in time.
        reason: what went wrong with the request as a whole.
        items: what became of each document, in the order of the request.
        genuine: Elasticsearch itself has answered, not something on the way to it.
    """

    status: int
    reason: str = ""
    items: tuple[ItemReply, ...] = ()
    genuine: bool = True


def judge_request(reply: BulkReply, documents: int) -> Verdict:
    """What becomes of a request of so many documents; REFUSED: it will never be taken as it is.

    All but a refusal of what was sent is a condition of the server, wrong credentials too: it passes or is mended.
    """
    if 200 <= reply.status < 300:
        return Verdict.TAKEN if reply.genuine and len(reply.items) == documents else Verdict.AGAIN
    if reply.status == 413 or (reply.status == 400 and reply.genuine):
        return Verdict.REFUSED
    return Verdict.AGAIN


def judge_item(item: ItemReply, failures: int) -> Verdict:
    """What becomes of a document on which the server has failed so often before.

    A server that answers 500 has met a fault of its own: it may pass, or be of this document. One that has a later
    version of it needs no more.
    """
    if 200 <= item.status < 300 or (item.status == 409 and item.error == _NEWER):
        return Verdict.TAKEN
    if item.status in _REFUSALS and item.error not in _CONDITIONS:
        return Verdict.REFUSED
    return Verdict.REFUSED if item.status == 500 and failures + 1 >= _MOST_FAILURES else Verdict.AGAIN
