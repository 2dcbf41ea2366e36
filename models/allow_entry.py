"""From an anomaly to the entry that marks it and its like as normal.

Its like are, for a line that fits no template, lines that differ in numbers and the like only, as the parser folds
them; for a rule or a new value, the same values of the same fields; for an incident of a series, the same type of the
same series; for a transaction, the same type of anomaly of the same automaton and states.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.allow import first_line
from models.anomalies import NEW_VALUE, RULE, UNMATCHED_LOG
from models.document import ModelDocument
from models.document_content import AllowEntry
from models.editing.contents import ContentReader
from models.errors import UserError
from models.grok_patterns import NUMBER_WITH_LETTERS
from models.rules.conditions import FIELD, compile_condition, tests_of

WORD = "[0-9A-Za-z\u0080-\U0010ffff]"
"""What folding takes for a character of a word."""

_WORDS = re.compile(f"{WORD}+")
_HEX = r"[0-9A-Fa-f]"
_DIGITS = re.compile(r"[0-9]+")
_HEX_PREFIXED = re.compile(f"0[xX]{_HEX}+")
_HEX_MIXED = re.compile(f"{_HEX}+")


def entry_for(model: ModelDocument, anomaly: Mapping[str, Any]) -> AllowEntry:
    """The entry for an anomaly and its like, without a reason.

    Args:
        model: the model in force.
        anomaly: a document that fits its schema.

    Raises:
        UserError: it is an anomaly of another model, or has no line to tell its like by.
    """
    kind = anomaly["type"]
    if anomaly["model"]["id"] != model.id:
        raise UserError(f"the anomaly {anomaly['id']} is one of the model {anomaly['model']['id']}, not of {model.id}")
    if kind == UNMATCHED_LOG:
        if not anomaly["evidence"]:
            raise UserError(f"the anomaly {anomaly['id']} shows no line; give text_pattern in place of the anomaly")
        content = ContentReader(model).content(first_line(anomaly))
        return with_id(AllowEntry("", kind, text_pattern=f"^{like(content)}$"))
    if kind in (RULE, NEW_VALUE):
        rule = anomaly["rule"]["id"] if kind == RULE else None
        judged = _judged(model, rule)
        fields = {f["name"]: f["value"] for f in anomaly.get("fields", ()) if judged is None or f["name"] in judged}
        return with_id(AllowEntry("", kind, template=anomaly["template"], rule=rule, fields=fields))
    if "series" in anomaly:
        return with_id(AllowEntry("", kind, template=anomaly["template"], series=anomaly["series"]["id"]))
    automaton = (anomaly["transaction"] or {}).get("automaton")
    states = sorted({v["state"] for v in anomaly["violations"] if v["state"] is not None})
    whole = any(v["state"] is None for v in anomaly["violations"])
    return with_id(
        AllowEntry("", kind, template=anomaly["template"], automaton=automaton, states=[] if whole else states)
    )


def _judged(model: ModelDocument, rule: str | None) -> set[str] | None:
    """The fields that a rule's condition asks for, without those that its message only tells; None: all there are."""
    found = next((r for r in model.rules if r.id == rule), None)
    return None if found is None else {t.name for t in tests_of(compile_condition(found.when)) if t.kind == FIELD}


def with_id(entry: AllowEntry) -> AllowEntry:
    """The entry under the id that follows from what it fits: the same again is the same entry."""
    said = {k: v for k, v in entry.to_json().items() if k not in ("id", "reason", "by", "at")}
    text = json.dumps(said, sort_keys=True)
    return replace(entry, id=f"n-{hashlib.sha256(text.encode()).hexdigest()[:8]}")


def like(content: str) -> str:
    """A regular expression for exactly the contents that fold as this one does (:mod:`models.folding`)."""
    parts: list[str] = []
    at = 0
    for word in _WORDS.finditer(content):
        parts += [_literal(content[at : word.start()]), _like_word(word[0])]
        at = word.end()
    return "".join([*parts, _literal(content[at:])])


def _like_word(word: str) -> str:
    if not any(c in "0123456789" for c in word):
        return re.escape(word)
    if _DIGITS.fullmatch(word):
        return "[0-9]+"
    if _HEX_PREFIXED.fullmatch(word):
        return f"0[xX]{_HEX}+"
    if _HEX_MIXED.fullmatch(word):
        return f"(?:[0-9]+[A-Fa-f]|[A-Fa-f]+[0-9]){_HEX}*"
    lead = re.split(r"[0-9]", word, maxsplit=1)[0]
    if not lead:
        return NUMBER_WITH_LETTERS
    # What is hexadecimal throughout folds otherwise.
    rest = f"{WORD}*?[G-Zg-z\u0080-\U0010ffff]{WORD}*" if re.fullmatch(f"{_HEX}+", lead) else f"{WORD}*"
    return f"{re.escape(lead)}[0-9]{rest}"


def _literal(text: str) -> str:
    """Text as an expression; blanks stay as they are, to be read."""
    return re.escape(text).replace("\\ ", " ")
