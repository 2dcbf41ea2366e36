"""The models in force in one subtask: those that the job came with, until broadcast state holds others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from models.automata.history import ModelHistory
from models.in_force import Entry
from operators.names import STATE_MODELS

MODELS = MapStateDescriptor(STATE_MODELS, Types.STRING(), Types.STRING())
"""What :meth:`models.automata.history.ModelHistory.to_records` writes."""


class ModelsInBroadcast:
    """Follows broadcast state.

    Broadcast state is empty until the first change of a model; from then on it wins over what the job came with.

    Args:
        initial: the models that the job was built with: no line is parsed before its model is there.

    Attributes:
        history: the models in force and those before them.
        table: the models in force: always the same table, whose ``epoch`` tells of changes.
    """

    def __init__(self, initial: Sequence[Entry]) -> None:
        self.history = ModelHistory(initial)
        self.table = self.history.table
        self._restored = False

    def restore(self, ctx: Any) -> None:
        """Take up what broadcast state holds, once; to be called before the models are used.

        Args:
            ctx: any context of a broadcast process function.
        """
        if not self._restored:
            self._restored = True
            self.history.load(dict(ctx.get_broadcast_state(MODELS).items()))

    def update(self, event: Mapping[str, Any], ctx: Any) -> bool:
        """A resolved control event arrived by broadcast: keep what it changes, in force from the next element on.

        Args:
            event: the event, read from its JSON; those that are not of the kind ``model`` do nothing.
            ctx: the context of ``process_broadcast_element``.

        Returns:
            Whether the event was news; its epoch is the table's from now on.
        """
        self.restore(ctx)
        changes = self.history.apply(event)
        if not changes:
            return False
        state = ctx.get_broadcast_state(MODELS)
        if state.is_empty():
            changes |= self.history.to_records()
        for key, text in changes.items():
            if text is not None:
                state.put(key, text)
            elif state.contains(key):
                state.remove(key)
        return True
