"""Sends what waits, in bulks: nothing is lost while the server is away, and what it refuses for good is told of."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from models.back_off import BackOff
from models.bulk_outbox import Outbox, Waiting, bulk_body, is_dead_letter, parsed
from models.bulk_reply import BulkReply, Verdict, judge_item, judge_request
from models.dead_letters import refused_document
from models.index_names import DEAD_LETTER

MOST_BYTES = 5_000_000
_LEAST_BYTES = 250_000
_MOST_REASON = 500


@dataclass(slots=True)
class Counts:
    """What has happened since the last look.

    Attributes:
        indexed: documents that were taken.
        refused: documents that were refused for good.
        retries: bulks of which something has to be sent again.
        milliseconds: how long each bulk took.
    """

    indexed: int = 0
    refused: int = 0
    retries: int = 0
    milliseconds: tuple[int, ...] = ()


class Delivery:
    """The one sender of a subtask, for all its outboxes.

    A request that the server does not manage is followed by smaller ones, and these by larger ones again. A request
    that it refuses as a whole is taken apart until the document is found that it is about.

    Args:
        send: makes a bulk request and returns what came of it; raises nothing.
        back_off: when to try again.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        most_documents: of one bulk.
        most_bytes: of one bulk, unless a single document is larger.
    """

    def __init__(
        self,
        send: Callable[[bytes], BulkReply],
        back_off: BackOff,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        most_documents: int = 1000,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._send = send
        self._back_off = back_off
        self._clock = clock
        self._sleep = sleep
        self._most_documents = most_documents
        self._most_bytes = most_bytes
        self._documents = most_documents
        self._bytes = most_bytes
        self._counts = Counts()
        self.trouble = ""
        """Why the last bulk did not go through as a whole; empty when it did."""
        self.unheard = ""
        """The last reason why a dead letter was refused, which nothing else tells of."""

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._back_off.failing

    @property
    def pause(self) -> float:
        """Seconds until the next attempt may be made."""
        return self._back_off.remaining()

    def counts(self) -> Counts:
        """What has happened since the last call."""
        counts, self._counts = self._counts, Counts()
        return counts

    def run(self, outbox: Outbox, until: float = math.inf, least: int = 1, waits: bool = True) -> list[str]:
        """Send until fewer than ``least`` documents wait, or it is too late.

        Args:
            outbox: what waits. Dead letters of what is refused are put into it too.
            until: no bulk is begun after that, by the clock.
            least: the number of documents that are worth a bulk.
            waits: sit out pauses, as far as there is time; else return in the first of them.

        Returns:
            Dead letters, JSON, of the documents that were refused for good. They wait in the outbox too, and keyed
            state has to be given them before this call is over.
        """
        letters: list[str] = []
        while len(outbox) >= least and self._clock() < until:
            pause = self._back_off.remaining()
            if pause > 0:
                if waits:
                    self._sleep(min(pause, until - self._clock()))
                    continue
                break
            letters += self._bulk(outbox)
        return letters

    def _bulk(self, outbox: Outbox) -> list[str]:
        documents = outbox.take(self._documents, self._bytes)
        begin = self._clock()
        reply = self._send(bulk_body(documents))
        self._counts.milliseconds += (round(1000 * (self._clock() - begin)),)
        verdict = judge_request(reply, len(documents))
        if verdict is Verdict.TAKEN:
            return self._each(outbox, documents, reply)
        if verdict is Verdict.AGAIN:
            outbox.give_back(documents)
            self._bytes = min(self._bytes, max(_LEAST_BYTES, self._bytes // 2))
            self._trouble(reply.reason or f"status {reply.status}")
            return []
        if len(documents) > 1:  # one of them, or all together
            outbox.give_back(documents)
            self._documents = len(documents) // 2
            if reply.status == 413:  # for good: what is in the way will not take more another time
                self._bytes = self._most_bytes = sum(document.size for document in documents) // 2
            self._counts.retries += 1
            return []
        return self._refuse(outbox, documents[0], reply.reason or f"status {reply.status}")

    def _each(self, outbox: Outbox, documents: list[Waiting], reply: BulkReply) -> list[str]:
        self._documents = min(self._most_documents, 2 * self._documents)
        self._bytes = min(self._most_bytes, 2 * self._bytes)
        letters: list[str] = []
        again: list[Waiting] = []
        taken, reason = 0, ""
        for document, item in zip(documents, reply.items, strict=True):
            verdict = judge_item(item, document.failures)
            if verdict is Verdict.TAKEN:
                taken += 1
                continue
            if verdict is Verdict.REFUSED:
                letters += self._refuse(outbox, document, str(item))
                continue
            document.failures += item.status == 500
            again.append(document)
            reason = str(item)
        self._counts.indexed += taken
        outbox.settle(taken)
        outbox.give_back(again)
        if again:
            self._trouble(reason)
        else:
            self._back_off.succeeded()
            self.trouble = ""
        return letters

    def _trouble(self, reason: str) -> None:
        self._back_off.failed()
        self._counts.retries += 1
        self.trouble = reason

    def _refuse(self, outbox: Outbox, document: Waiting, reason: str) -> list[str]:
        self._counts.refused += 1
        outbox.settle(1)
        if is_dead_letter(document):
            self.unheard = reason
            return []
        content = parsed(document.text) or {"text": document.text}
        reason = f"Elasticsearch refused the {document.kind}: {reason}"[:_MOST_REASON]
        letter = json.dumps(refused_document(content, reason), ensure_ascii=False)
        outbox.add(DEAD_LETTER, letter)
        outbox.must_be_written()
        return [letter]
