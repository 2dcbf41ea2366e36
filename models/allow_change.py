"""Changes of the findings that a model allows, as a control message or a command says them."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from models.allow_entry import entry_for, with_id
from models.document import ModelDocument
from models.document_content import AllowEntry
from models.errors import UserError
from models.schema_check import check

Keep = Callable[[ModelDocument, ModelDocument, str], int]
"""Keeps a model that was changed: (before, after, note) → the version that it has now."""

_LONGEST = 20
_MOST_PROBLEMS = 5


def changed_entries(model: ModelDocument, said: Mapping[str, Any]) -> tuple[ModelDocument | None, str]:
    """The model with one entry more, or one less.

    Args:
        model: the document; it stays as it is.
        said: ``entry``, the id of the one to take out; or ``anomaly`` or ``match``, with ``reason`` and, if given,
            ``by``, ``at``, ``until`` and ``source``: what to add.

    Returns:
        The changed document, its version one higher, None where the entry is there already; and the entry's id.

    Raises:
        UserError: there is no such entry, the anomaly is none or of another model, or what is said is wrong.
    """
    if "entry" in said:
        return _without(model, said["entry"]), said["entry"]
    entry = _entry(model, said)
    if any(known.id == entry.id for known in model.allow):
        return None, entry.id
    after = copy.deepcopy(model)
    after.allow.append(entry)
    after.version = model.version + 1
    return ModelDocument.from_json(after.to_json(), f"model {model.id} with that entry"), entry.id


def _entry(model: ModelDocument, said: Mapping[str, Any]) -> AllowEntry:
    if "match" in said:
        return _of_match(said)
    wrong = check("anomaly", said["anomaly"])
    if wrong:
        raise UserError(f"what is to be allowed is no anomaly: {wrong[0]}")
    entry = entry_for(model, said["anomaly"])
    return _signed(with_id(replace(entry, source=said.get("source"), until=said.get("until"))), said)


def _of_match(said: Mapping[str, Any]) -> AllowEntry:
    """The entry that is given key by key."""
    match = dict(said["match"])
    for key in ("source", "until"):
        if said.get(key) is not None:
            match[key] = said[key]
    own = match.get("id")
    for key in ("reason", "by", "at"):
        match.pop(key, None)
    # The schema of a model says what an entry may be.
    minimal = {"kind": "weirwatch.model", "format": 1, "id": "m", "version": 1, "timestamp": {"formats": ["NONE"]}}
    entry = {"id": "n", "reason": said["reason"], **match}
    wrong = check("model", {**minimal, "templates": [], "automata": [], "allow": [entry]})
    if wrong:
        told = "; ".join(map(str, wrong[:_MOST_PROBLEMS]))
        raise UserError(told.replace("$.allow[0]", "$.match"))
    found = AllowEntry(**entry)
    return _signed(found if own is not None else with_id(found), said)


def _signed(entry: AllowEntry, said: Mapping[str, Any]) -> AllowEntry:
    return replace(entry, reason=said["reason"], by=said.get("by", ""), at=said.get("at"))


def _without(model: ModelDocument, name: str) -> ModelDocument:
    known = [entry.id for entry in model.allow]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        if near:
            hint = f"did you mean {near[0]!r}?"
        else:
            hint = f"its entries are {', '.join(known[:_LONGEST])}" if known else "it allows nothing"
        raise UserError(f"model {model.id} has no allowed finding {name!r}; {hint}")
    after = copy.deepcopy(model)
    after.allow = [entry for entry in after.allow if entry.id != name]
    after.version = model.version + 1
    return after
