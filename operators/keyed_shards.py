"""What operators that keep shards have in common: word of models, event-time timers, looking again after a while."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from pyflink.datastream.time_domain import TimeDomain

from models.in_force import Entry
from operators.models_in_force import ModelsInBroadcast

_RETRY_MS = 20
"""What waits for a model change looks for it again after this time."""

_LOOK_MS = 1000
"""PyFlink tells Flink of a timer some time after it was registered; if the watermark has passed it meanwhile, it fires
with the next one, which may never come. So after this time it is seen to."""


class Keeper(Protocol):
    """A shard of one key, as :class:`operators.shard_keeper.ShardKeeper` is one."""

    timers: set[int]

    @property
    def holds(self) -> bool:
        """Whether something waits for a model change."""

    def take(self, log: Any, held: Any, record: bytes | None, watermark: int) -> Any:
        """A record has reached the shard, or an event-time timer (None); what came of it."""

    def look(self, log: Any, held: Any, watermark: int) -> Any:
        """Some time has passed; what came of it."""

    def due(self) -> int | None:
        """The event-time timer to set now, epoch ms; None for none."""


KeeperType = TypeVar("KeeperType", bound=Keeper)


class KeyedShards(KeyedBroadcastProcessFunction, Generic[KeeperType]):
    """Keyed by shard; broadcast: resolved control events, JSON. An element with an empty key only carries the clock.

    Args:
        initial: the models that the job starts with.
        endless: the input does not end by itself: a timer that was told too late has to be looked for.
    """

    def __init__(self, initial: Sequence[Entry], endless: bool) -> None:
        self._models = ModelsInBroadcast(initial)
        self._endless = endless
        self._keepers: dict[str, KeeperType] = {}
        self._retries: set[str] = set()
        self._looks: set[str] = set()

    def open_state(self, runtime_context: RuntimeContext, log: str, held: str) -> None:
        """Make the list states of these names ready."""
        kind = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._log = runtime_context.get_list_state(ListStateDescriptor(log, kind))
        self._held = runtime_context.get_list_state(ListStateDescriptor(held, kind))

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._models.update(json.loads(value), ctx)

    def process_element(self, value: bytes, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Any]:
        key = ctx.get_current_key()
        if key:
            keeper = self._keeper(key, ctx)
            found = keeper.take(self._log, self._held, value, ctx.timer_service().current_watermark())
            yield from self._after(key, keeper, found, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        key = ctx.get_current_key()
        keeper = self._keeper(key, ctx)
        watermark = ctx.timer_service().current_watermark()
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            self._retries.discard(key)
            self._looks.discard(key)
            found = keeper.look(self._log, self._held, watermark)
        else:
            keeper.timers.discard(timestamp)
            found = keeper.take(self._log, self._held, None, watermark)
        yield from self._after(key, keeper, found, ctx)

    @abstractmethod
    def new_keeper(self, key: str) -> KeeperType:
        """The keeper of a key that was not seen yet."""

    @abstractmethod
    def tell(self, key: str, keeper: KeeperType, found: Any, timers: Any) -> Iterator[Any]:
        """What goes out after a call; ``timers`` is Flink's timer service."""

    def _keeper(self, key: str, ctx: Any) -> KeeperType:
        self._models.restore(ctx)
        keeper = self._keepers.get(key)
        if keeper is None:
            keeper = self._keepers[key] = self.new_keeper(key)
        return keeper

    def _after(self, key: str, keeper: KeeperType, found: Any, ctx: Any) -> Iterator[Any]:
        """Tell what was found, and set the timers that the shard wants next."""
        timers = ctx.timer_service()
        yield from self.tell(key, keeper, found, timers)
        due = keeper.due()
        if due is not None:
            timers.register_event_time_timer(due)
            keeper.timers.add(due)
        if keeper.holds and key not in self._retries:
            self._retries.add(key)
            timers.register_processing_time_timer(timers.current_processing_time() + _RETRY_MS)
        elif self._endless and due is not None and key not in self._looks:
            self._looks.add(key)
            timers.register_processing_time_timer(timers.current_processing_time() + _LOOK_MS)
