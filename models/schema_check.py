"""Checks documents against their JSON Schema and says in plain words what is wrong and how to mend it."""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

KINDS = ("model", "anomaly", "summary", "dead_letter", "control", "control_reply")
"""The kinds of documents that have a schema, ``schemas/<kind>.schema.json``."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object {…}",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document: where (a JSON path such as ``$.automata[0].states[2].min``) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of document, as a fresh dict."""
    document: dict[str, Any] = json.loads(_schema_text(kind))
    return document


def check(kind: str, document: object) -> list[Problem]:
    """Everything that is wrong with a document of this kind, in the order of its paths; empty when it is valid."""
    problems = [p for error in _validator(kind).iter_errors(document) for p in _explain(error)]
    return sorted(set(problems), key=lambda p: (_natural(p.path), p.message))


def json_path(parts: Iterable[str | int]) -> str:
    """Keys and indices as a JSON path: ``$.automata[0].states[2].min``."""
    path = "$"
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{json.dumps(part, ensure_ascii=False)}]"
    return path


@functools.cache
def _schema_text(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"no schema for {kind!r}; there are {', '.join(KINDS)}")
    return (Path(__file__).parent / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8")


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    document = schema(kind)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def _natural(path: str) -> list[str]:
    return re.sub(r"[0-9]+", lambda m: m[0].zfill(12), path).split(".")


def _explain(error: ValidationError) -> Iterator[Problem]:
    where = list(error.absolute_path)
    value: Any = error.instance
    keyword = str(error.validator)
    rules: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    rule: Any = rules.get(keyword)
    if keyword == "additionalProperties" and rule is False:
        known = list(rules.get("properties", {}))
        for key in value:
            if key not in known:
                yield Problem(json_path([*where, key]), _unknown_key(key, [k for k in known if k not in value], known))
    elif keyword == "required":
        for key in rule:
            if key not in value:
                described = _description(rules, key)
                yield Problem(json_path([*where, key]), f"is missing{described}; add the key {json.dumps(key)}")
    elif keyword in ("anyOf", "oneOf") and error.context:
        # of the alternatives, explain the one that went furthest
        best = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "type"))
        yield from _explain(best)
    else:
        yield Problem(json_path(where), f"{_wrong(keyword, value)}; write {_wanted(rules)}")


def _unknown_key(key: str, missing: list[str], known: list[str]) -> str:
    """What is wrong with a key; a near one is looked for among the ``missing`` ones first, then among all ``known``."""
    tried = [(word, keys) for keys in (missing, known) for word in (key, key.lower())]
    near = next((found[0] for word, keys in tried if (found := difflib.get_close_matches(word, keys, n=1))), None)
    hint = f"did you mean {json.dumps(near)}?" if near else f"known keys are {', '.join(missing or known)}"
    return f"is an unknown key; {hint}"


def _description(rules: dict[str, Any], key: str) -> str:
    text = rules.get("properties", {}).get(key, {}).get("description", "")
    return f" ({text.rstrip('.')})" if text else ""


def _wrong(keyword: str, value: object) -> str:
    shown = _show(value)
    match keyword:
        case "minLength":
            return "is an empty text"
        case "minItems":
            return "is an empty list" if value == [] else "is too short a list"
        case "minimum" | "exclusiveMinimum":
            return f"is {shown}, which is too small"
        case "maximum" | "exclusiveMaximum":
            return f"is {shown}, which is too large"
        case _:
            return f"is {shown}"


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "an object {…}"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= 60 else text[:57] + "…"
    return f"the text {text}" if isinstance(value, str) else text


def _wanted(rules: dict[str, Any]) -> str:
    """What a schema asks for, in words: ``a whole number ≥ 0, or null for no bound``."""
    if "const" in rules:
        return json.dumps(rules["const"])
    if "enum" in rules:
        return "one of " + ", ".join(json.dumps(v) for v in rules["enum"])
    types = rules.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    words = []
    for name in types:
        text = _TYPES[name]
        if name in ("integer", "number"):
            if "minimum" in rules:
                text += f" ≥ {rules['minimum']}"
            if "maximum" in rules and rules["maximum"] < 2**53 - 1:
                text += f" and ≤ {rules['maximum']}"
        elif name == "null" and len(types) > 1:
            text = f"null for {rules.get('x-null', 'none')}"
        elif name == "string" and "pattern" in rules:
            text = (
                "a text without blanks" if rules["pattern"] == r"^\S+$" else f"a text that matches {rules['pattern']}"
            )
        elif name == "string" and rules.get("minLength"):
            text = "a text that is not empty"
        elif name == "array" and "minItems" in rules:
            text = f"a list of at least {rules['minItems']}"
        words.append(text)
    return ", or ".join(words) or "something else"
