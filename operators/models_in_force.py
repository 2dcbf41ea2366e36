"""The model in force in one subtask: the one the job came with, until broadcast state holds a newer one."""

from __future__ import annotations

from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from models.document import ModelDocument, parse_model
from operators.names import STATE_MODELS

MODELS = MapStateDescriptor(STATE_MODELS, Types.STRING(), Types.STRING())


class ModelInForce:
    """Follows broadcast state.

    Args:
        initial: the model document that the job was built with, JSON: no line is parsed before its model is there.
    """

    def __init__(self, initial: str) -> None:
        self._initial = initial
        self._document: ModelDocument | None = None
        self._told: ModelDocument | None = None
        self._restored = False

    def current(self, ctx: Any) -> tuple[ModelDocument, bool]:
        """The model for the element at hand, and whether it is another one than last time.

        Args:
            ctx: the read-only context of a broadcast process function.
        """
        if self._document is None:
            self._document = parse_model(self._initial, "the job's model")
        if not self._restored:  # after a restore, what is in broadcast state wins
            self._restored = True
            kept = ctx.get_broadcast_state(MODELS).get(self._document.id)
            if kept is not None:
                self._take(kept)
        changed = self._document is not self._told
        self._told = self._document
        return self._document, changed

    def update(self, text: str, ctx: Any) -> None:
        """A model arrived by broadcast: keep it in broadcast state and use it from the next element on."""
        document = parse_model(text, "a broadcast model")
        ctx.get_broadcast_state(MODELS).put(document.id, text)
        if self._document is None or document.id == self._document.id:
            self._take(text)

    def _take(self, text: str) -> None:
        document = parse_model(text, "a broadcast model")
        if self._document is None or document.version != self._document.version:
            self._document = document
