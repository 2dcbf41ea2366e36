"""``elasticsearch``: keeps documents in keyed state until Elasticsearch has them.

Keyed by bucket, a number that only spreads the documents: each has an outbox and sends bulks of its own. What waits is
in state, so nothing is lost in a failure; what is sent again after one overwrites itself, since a document keeps its id
and its index.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from models.back_off import BackOff
from models.bulk_delivery import Delivery
from models.bulk_outbox import Outbox
from models.bulk_reply import BulkReply
from models.index_names import IndexNames
from operators import metrics
from operators.counting import CountingGroup
from operators.elastic_bulk import send_bulk

STATE_OUTBOX = "outbox"
"""Keyed by bucket: entries of :mod:`models.bulk_outbox`, as they came."""

REFUSED = OutputTag("refused", Types.STRING())
"""Dead letters, joined by line feeds, of documents that Elasticsearch refused for good."""

ELEMENT_TYPE = Types.TUPLE([Types.STRING(), Types.STRING()])
"""What comes in: (kind of :data:`models.index_names.KINDS`, JSON documents joined by line feeds)."""
KEYED_ELEMENT_TYPE = Types.ROW([Types.INT(), ELEMENT_TYPE])
"""The same under its bucket."""

END_OF_INPUT = 2**63 - 1
"""Event time of the last watermark of a bounded input."""

_CALL_SECONDS = 2.0
_TELL_SECONDS = 60.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """How much is sent at once and may wait.

    Attributes:
        bulk_documents: documents of a bulk, at most; of so many a bulk is sent at once.
        flush_ms: how long fewer documents wait for more.
        max_waiting: documents that may wait in a subtask before it holds back its input.
    """

    bulk_documents: int = 1000
    flush_ms: int = 100
    max_waiting: int = 50_000


class ElasticsearchSink(KeyedProcessFunction):
    """Takes elements of :data:`ELEMENT_TYPE`; gives nothing but :data:`REFUSED`.

    While the server is away, a call lasts at most two seconds (and a request under way) before it takes its element in,
    so that checkpoints get through.

    Args:
        connect: makes the client, in the worker.
        names: where documents go.
        limits: how much is sent at once and may wait.
    """

    def __init__(
        self, connect: Callable[[], Elasticsearch], names: IndexNames, limits: SinkLimits | None = None
    ) -> None:
        self._connect = connect
        self._names = names
        self._limits = limits or SinkLimits()

    def open(self, runtime_context: RuntimeContext) -> None:
        self._state = runtime_context.get_list_state(ListStateDescriptor(STATE_OUTBOX, Types.STRING()))
        self._client: Elasticsearch | None = None
        self._outboxes: dict[int, Outbox] = {}
        self._flush_at: dict[int, int] = {}
        self._end_is_set: set[int] = set()
        self._waiting = 0
        self._told_at, self._troubled = -math.inf, False
        back_off = BackOff(time.monotonic, random.random)
        self._delivery = Delivery(self._send, back_off, time.monotonic, time.sleep, self._limits.bulk_documents)
        group = CountingGroup(runtime_context.get_metrics_group())
        self._indexed = group.counter(metrics.DOCUMENTS_INDEXED)
        self._refused = group.counter(metrics.DOCUMENTS_REFUSED)
        self._retries = group.counter(metrics.BULK_RETRIES)
        self._bulk_ms = group.distribution(metrics.BULK_MS)
        group.gauge(metrics.SINK_BACKLOG, lambda: self._waiting)

    def close(self) -> None:
        client = getattr(self, "_client", None)
        if client is not None:
            client.close()

    def process_element(
        self, value: tuple[str, str], ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[OutputTag, str]]:
        bucket = ctx.get_current_key()
        kind, payload = value
        outbox = self._outbox(bucket)
        before = len(outbox)
        entry = outbox.add(kind, payload)
        if entry:
            self._state.add(entry)
        self._waiting += len(outbox) - before
        until = time.monotonic() + _CALL_SECONDS
        if self._waiting > self._limits.max_waiting:
            yield from self._deliver(outbox, until, waits=True)
            # Other buckets' documents cannot be sent from here: their timers do that once the server is back.
        elif len(outbox) >= self._limits.bulk_documents:
            yield from self._deliver(outbox, until, least=self._limits.bulk_documents)
        self._set_timers(bucket, outbox, ctx)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[tuple[OutputTag, str]]:
        bucket = ctx.get_current_key()
        outbox = self._outbox(bucket)
        if timestamp == END_OF_INPUT:  # nothing will come after it, and timers of the clock not either
            yield from self._deliver(outbox, math.inf, waits=True)
            return
        if self._flush_at.get(bucket, 0) <= timestamp:
            self._flush_at.pop(bucket, None)
        yield from self._deliver(outbox, time.monotonic() + _CALL_SECONDS)
        self._set_timers(bucket, outbox, ctx)

    def _outbox(self, bucket: int) -> Outbox:
        outbox = self._outboxes.get(bucket)
        if outbox is None:
            outbox = self._outboxes[bucket] = Outbox(self._names, self._state.get() or ())
            self._waiting += len(outbox)
        return outbox

    def _send(self, body: bytes) -> BulkReply:
        if self._client is None:
            self._client = self._connect()
        return send_bulk(self._client, body)

    def _deliver(
        self, outbox: Outbox, until: float, least: int = 1, waits: bool = False
    ) -> Iterator[tuple[OutputTag, str]]:
        """Send what waits, and leave in state what has to stay there."""
        before = len(outbox)
        letters = self._delivery.run(outbox, until, least, waits)
        self._waiting += len(outbox) - before
        entries = outbox.rewritten()
        if entries:
            self._state.update(entries)
        elif entries is not None:
            self._state.clear()
        self._count()
        if letters:
            yield REFUSED, "\n".join(letters)

    def _set_timers(self, bucket: int, outbox: Outbox, ctx: Any) -> None:
        """See to it that a timer is set while anything waits."""
        timers = ctx.timer_service()
        if bucket not in self._end_is_set:
            timers.register_event_time_timer(END_OF_INPUT)
            self._end_is_set.add(bucket)
        if len(outbox) and bucket not in self._flush_at:
            pause = max(self._limits.flush_ms, math.ceil(1000 * self._delivery.pause))
            self._flush_at[bucket] = timers.current_processing_time() + pause
            timers.register_processing_time_timer(self._flush_at[bucket])

    def _count(self) -> None:
        delivery = self._delivery
        counts = delivery.counts()
        self._indexed.inc(counts.indexed)
        self._refused.inc(counts.refused)
        self._retries.inc(counts.retries)
        for milliseconds in counts.milliseconds:
            self._bulk_ms.update(milliseconds)
        if delivery.unheard:
            _LOG.error("Elasticsearch refused a dead letter, which is lost: %s", delivery.unheard)
            delivery.unheard = ""
        now = time.monotonic()
        if delivery.trouble and now - self._told_at >= _TELL_SECONDS:
            _LOG.warning("Elasticsearch does not take documents, %d wait: %s", self._waiting, delivery.trouble)
            self._told_at, self._troubled = now, True
        elif self._troubled and not delivery.failing:
            _LOG.warning("Elasticsearch takes documents again, %d wait", self._waiting)
            self._told_at, self._troubled = -math.inf, False
