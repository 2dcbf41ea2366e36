"""The core of ``resolve``: control messages, one after another, to events and replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from models.allow_change import Keep, changed_entries
from models.control import (
    ADD,
    ALLOW,
    ALREADY_IN_FORCE,
    DELETE,
    DISALLOW,
    NOT_IN_FORCE,
    UPDATE,
    ControlError,
    ControlMessage,
    control_reply,
    parse_control,
)
from models.document import ModelDocument
from models.errors import UserError
from models.in_force import Entry, ModelsInForce

Fetch = Callable[[str, int | None], dict[str, Any]]
"""From a store: the document of a model, by id and version (None: the newest)."""
Try = Callable[[Any, str], ModelDocument]
"""Checks a model document all through, given also what errors call it; as :func:`models.model_trial.try_model`."""

NO_STORE = (
    "the job has no store of models to take it from; name one in its configuration (models.store), or send the "
    'document itself as "model"'
)


class ControlResolver:
    """Takes control messages in order, numbers the changes of models, and never fails over a message.

    Args:
        models: the table of models in force; follows every change.
        fetch: loads a model by reference; None: the job has no store.
        check: tries a model before it is put in force.
        unexpected: is told what no message should be able to bring about; the message is rejected all the same.
        keep: keeps a model that was changed here in the store; None: the job has none.
    """

    def __init__(
        self,
        models: ModelsInForce,
        fetch: Fetch | None,
        check: Try,
        unexpected: Callable[[Exception], None] = lambda _: None,
        keep: Keep | None = None,
    ) -> None:
        self.models = models
        self._fetch = fetch
        self._check = check
        self._unexpected = unexpected
        self._keep = keep

    def resolve(
        self, data: bytes | None, topic: str, partition: int, offset: int
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Take one message.

        Args:
            data: the message.
            topic: where it stands.
            partition: −1 for one from a file.
            offset: −1 for one from a file.

        Returns:
            The event that all operators have to follow, None if there is nothing to follow, and the reply.
        """
        place = (topic, partition, offset)
        message_id = action = entry = None
        try:
            message = parse_control(data)
            message_id, action = message.id, message.action
            if not message.is_about_models:
                return message.source_event(), control_reply(message_id, action, place)
            if action in (ALLOW, DISALLOW):
                event, entry = self._allow(message)
            else:
                event = self._delete(message) if action == DELETE else self._put(message)
        except ControlError as error:
            message_id, action = error.message_id or message_id, error.action or action
            return None, control_reply(message_id, action, place, reason=str(error), data=data)
        except UserError as error:
            return None, control_reply(message_id, action, place, reason=str(error), data=data)
        except Exception as error:  # noqa: BLE001  (whatever a message holds, the job goes on)
            self._unexpected(error)
            reason = f"cannot be followed: {type(error).__name__}: {error}"
            return None, control_reply(message_id, action, place, reason=reason, data=data)
        model = (event["id"], event["version"])
        epoch = event["epoch"]
        changed = self.models.apply(event)
        reply = control_reply(message_id, action, place, model=model, epoch=epoch, entry=entry)
        return event if changed else None, reply

    def _delete(self, message: ControlMessage) -> dict[str, Any]:
        assert message.reference is not None  # as parse_control says
        model = message.reference[0]
        there = self.models.get(model)
        if there is None:
            raise ControlError(f"model {model} {NOT_IN_FORCE}; {self._told()}")
        return self._event(DELETE, model, there.version, (), None)

    def _allow(self, message: ControlMessage) -> tuple[dict[str, Any], str]:
        """The event of a change of the allowed findings of a model in force, and the id of the entry."""
        found = message.allow
        told = found.get("anomaly", {}).get("model")
        model = message.reference[0] if message.reference else told.get("id") if isinstance(told, dict) else None
        if not isinstance(model, str):
            raise ControlError('the anomaly does not say of which model; add "reference": {"id": …}')
        there = self.models.get(model)
        if there is None:
            raise ControlError(f"model {model} {NOT_IN_FORCE}; {self._told()}")
        before = ModelDocument.from_json(json.loads(there.document), f"model {there.id}")
        after, entry = changed_entries(before, found)
        if after is None:
            return self._event(UPDATE, there.id, there.version, there.sources, there.document, there.epoch), entry
        self._check(after.to_json(), f"model {there.id} with that entry")
        if self._keep is not None:
            after.version = self._keep(before, after, f"{message.action} {entry}")
        text = json.dumps(after.to_json(), separators=(",", ":"))
        return self._event(UPDATE, there.id, after.version, there.sources, text), entry

    def _put(self, message: ControlMessage) -> dict[str, Any]:
        model = message.reference[0] if message.reference else _id_of(message.model)
        # told before anything is loaded or tried, which takes long
        if model is not None:
            self._check_in_force(message.action, model)
        name, document = self._document(message)
        found = self._check(document, name)
        if message.reference and found.id != model:
            raise ControlError(f"{name}: the store gave model {found.id}; look at it with weirwatch model validate")
        self._check_in_force(message.action, found.id)
        there = self.models.get(found.id)
        sources = message.sources if message.sources is not None else there.sources if there else ()
        text = json.dumps(found.to_json(), separators=(",", ":"))
        if there is not None and (there.version, there.sources) == (found.version, sources) and _same(there, text):
            return self._event(UPDATE, there.id, there.version, there.sources, there.document, there.epoch)
        return self._event(message.action, found.id, found.version, sources, text)

    def _document(self, message: ControlMessage) -> tuple[str, Any]:
        """What to call the model, and its document."""
        if message.reference is None:
            return "the model", message.model
        model, version = message.reference
        name = f"model {model}" + (f" version {version}" if version else "")
        if self._fetch is None:
            raise ControlError(f"{name}: {NO_STORE}")
        try:
            return name, self._fetch(model, version)
        except UserError as error:
            raise ControlError(f"{name} cannot be loaded: {error}") from None

    def _check_in_force(self, action: str, model: str) -> None:
        there = self.models.get(model)
        if action == ADD and there is not None:
            raise ControlError(f"model {model} {ALREADY_IN_FORCE}, version {there.version}; use update")
        if action == UPDATE and there is None:
            raise ControlError(f"model {model} {NOT_IN_FORCE}; use add; {self._told()}")

    def _told(self) -> str:
        names = list(self.models.entries)
        if not names:
            return "no model is"
        shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        return f"in force {'is' if len(names) == 1 else 'are'} {shown}"

    def _event(
        self,
        op: str,
        model: str,
        version: int,
        sources: tuple[str, ...],
        document: str | None,
        epoch: int | None = None,
    ) -> dict[str, Any]:
        return {
            "kind": "model",
            "op": op,
            "epoch": self.models.epoch + 1 if epoch is None else epoch,
            "id": model,
            "version": version,
            "sources": list(sources),
            "document": document,
        }


def _id_of(document: dict[str, Any] | None) -> str | None:
    """The id of a model document that has not been checked yet, where it can be one."""
    found = document.get("id") if document else None
    return found if isinstance(found, str) and len(found) <= 200 else None


def _same(there: Entry, text: str) -> bool:
    """Whether the model in force says what a document says; its text may come from a file, laid out otherwise."""
    try:
        return json.dumps(ModelDocument.from_json(json.loads(there.document)).to_json(), separators=(",", ":")) == text
    except (UserError, ValueError):
        return False
