"""``resolve``: control messages to events that all operators follow, and a reply to each message."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.allow_change import Keep
from models.control import ACCEPTED
from models.control_resolver import ControlResolver, Fetch
from models.errors import UserError
from models.in_force import Entry, ModelsInForce
from operators import metrics
from operators.counting import CountingGroup
from operators.model_trial import ModelTrial
from operators.names import STATE_CONTROL, TAG_REPLIES

REPLIES = OutputTag(TAG_REPLIES, Types.STRING())
EVENTS_TYPE = Types.STRING()
"""What goes out: events as :mod:`models.control` describes them, JSON."""
CONTROL_TYPE = Types.TUPLE([Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.STRING(), Types.INT(), Types.LONG()])
"""What comes in: (message, topic, partition, offset); partition and offset −1 for a line of a file."""
KEYED_CONTROL_TYPE = Types.ROW([Types.INT(), CONTROL_TYPE])
"""The same under its key, which is one for all."""
WAKE_UP = Row(0, (b"", "", -1, -1))
"""No message: it only lets the operator begin, with all that it loads, before the first one comes."""

_log = logging.getLogger(__name__)


class Resolve(KeyedProcessFunction):
    """Takes control messages, all under one key and in one subtask, so that their order is the order of all changes.

    Args:
        initial: the models the job starts with, at epochs 1 to n; what is restored wins over them.
        fetch: loads a model that a message refers to, in the worker; None: the job has no store.
        trial: checks a model before it is put in force.
        keep: keeps a model that ``allow`` has changed in the store, in the worker; None: the job has no store.
    """

    def __init__(
        self,
        initial: Sequence[Entry],
        fetch: Fetch | None = None,
        trial: Callable[..., Any] | None = None,
        keep: Keep | None = None,
    ) -> None:
        self._initial = list(initial)
        self._fetch = fetch
        self._keep_in_store = keep
        self._trial = trial or ModelTrial()
        self._resolver: ControlResolver | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        self._state = runtime_context.get_map_state(MapStateDescriptor(STATE_CONTROL, Types.STRING(), Types.STRING()))
        if isinstance(self._trial, ModelTrial):
            self._warm_up(self._trial)
        group = CountingGroup(runtime_context.get_metrics_group())
        self._accepted = group.counter(metrics.CONTROL_ACCEPTED)
        self._rejected = group.counter(metrics.CONTROL_REJECTED)
        initial = ModelsInForce(self._initial)
        group.gauge(
            metrics.MODELS_IN_FORCE, lambda: len((self._resolver.models if self._resolver else initial).entries)
        )
        group.gauge(metrics.MODELS_EPOCH, lambda: (self._resolver.models if self._resolver else initial).epoch)

    def close(self) -> None:
        if isinstance(self._trial, ModelTrial):
            self._trial.close()

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        data, topic, partition, offset = value
        if self._resolver is None:  # keyed state can be read only once there is an element
            kept = ModelsInForce.from_records(dict(self._state.items()))
            models = ModelsInForce(self._initial) if kept is None else kept
            self._resolver = ControlResolver(models, self._fetch, self._trial, _unexpected, self._keep_in_store)
        if not topic:
            return
        event, reply = self._resolver.resolve(None if data is None else bytes(data), topic, partition, offset)
        (self._accepted if reply["outcome"] == ACCEPTED else self._rejected).inc()
        if event is not None:
            if event["kind"] == "model":
                self._keep(event["id"])
            yield json.dumps(event)
        yield REPLIES, json.dumps(reply)

    def _warm_up(self, trial: ModelTrial) -> None:
        """Try what is in force already, so that the first change does not wait until all that this takes is loaded."""
        with contextlib.suppress(OSError, UserError):
            trial.prepare()
            for entry in self._initial[:1]:
                trial(json.loads(entry.document), entry.id)

    def _keep(self, model: str) -> None:
        """Keep a change. As in broadcast state there is nothing before the first one, and from then on all."""
        assert self._resolver is not None
        changes: dict[str, str | None] = dict(self._resolver.models.records_of(model))
        if self._state.is_empty():
            changes |= self._resolver.models.to_records()
        for key, text in changes.items():
            if text is None:
                self._state.remove(key)
            else:
                self._state.put(key, text)


def _unexpected(error: Exception) -> None:
    _log.error("a control message could not be followed", exc_info=error)
