"""What a JSON Schema finds wrong, in plain words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import jsonschema

Place = tuple[str | int, ...]

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping of keys to values",
    "string": "a text",
}

_LIMITS = {
    "minimum": "{value} is too small; the least is {limit}",
    "maximum": "{value} is too large; the most is {limit}",
    "exclusiveMinimum": "{value} is too small; it has to be more than {limit}",
    "exclusiveMaximum": "{value} is too large; it has to be less than {limit}",
    "multipleOf": "{value} is no multiple of {limit}",
    "minItems": "is too short; at least {limit} have to be there",
    "maxItems": "is too long; at most {limit} can be there",
    "minLength": "is too short; the least is {limit} characters",
    "maxLength": "is too long; the most is {limit} characters",
    "const": "{value} is not {limit!r}, which alone is possible here",
}


def explain(error: jsonschema.ValidationError) -> list[tuple[Place, str]]:
    """A violation of a schema, with the place that each word is about.

    Where a ``pattern`` does not fit, the schema's ``title`` says what was expected, as in "name of a topic: letters".
    """
    place: Place = tuple(error.absolute_path)
    limit: Any = error.validator_value
    value: Any = error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "additionalProperties":
            known = list(schema.get("properties", {}))
            unknown = [key for key in value if key not in known]
            return [((*place, str(key)), f"unknown key; {_suggest(str(key), known)}") for key in unknown]
        case "required":
            missing = [key for key in limit if key not in value and f"'{key}' is" in error.message]
            return [(place, f"the key {key} is missing; add it") for key in missing]
        case "dependentRequired":
            return [(place, text) for text in _dependent(limit, value, error.message)]
        case "oneOf" | "anyOf" | "not":
            return [(place, _choice(error, limit, value))]
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            return [(place, f"{shown(value)} is not {_or([_KINDS.get(kind, kind) for kind in kinds])}")]
        case "enum":
            return [(place, f"{shown(value)} is not known here; {_meant(value, limit)}")]
        case "pattern":
            return [(place, f"{shown(value)} is no {schema.get('title', f'text of the form {limit}')}")]
        case "uniqueItems":
            return [((*place, index), "stands twice; remove one") for index in _repeated(value)]
        case "minItems" | "minLength" | "minProperties" if limit == 1:
            return [(place, "must not be empty")]
        case _:
            words = _LIMITS.get(str(error.validator))
            return [(place, words.format(value=shown(value), limit=limit) if words else error.message)]


def shown(value: object) -> str:
    """A value in a message: short, and quoted where it is a text."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _meant(value: object, known: list[Any]) -> str:
    close = {str(one).lower(): str(one) for one in known}
    found = difflib.get_close_matches(str(value).lower(), list(close), n=1)
    return f"did you mean {close[found[0]]}?" if found else f"write {_or([str(one) for one in known])}"


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _dependent(limit: Mapping[str, list[str]], value: Mapping[str, Any], message: str) -> list[str]:
    """One key is there and another is not; jsonschema tells of each pair by itself."""
    return [
        f"there is {key} but no {needed}; add {needed}, or remove {key}"
        for key, all_needed in limit.items()
        if key in value
        for needed in all_needed
        if needed not in value and message == f"{needed!r} is a dependency of {key!r}"
    ]


def _choice(error: jsonschema.ValidationError, limit: Any, value: Any) -> str:
    """Alternatives that are told apart by the keys that they ask for, or by their types."""
    branches: list[Any] = [limit] if error.validator == "not" else list(limit)
    needed = [list(branch.get("required", [])) if isinstance(branch, Mapping) else [] for branch in branches]
    if all(needed):
        if error.validator == "not":
            return f"there are both {_and(needed[0])}; remove one"
        there = [keys for keys in needed if isinstance(value, Mapping) and all(key in value for key in keys)]
        if there:
            return f"there are both {_and([_and(keys) for keys in there])}; remove one"
        return f"one of the keys {_or([_and(keys) for keys in needed])} is missing; add it"
    kinds = [branch.get("type") if isinstance(branch, Mapping) else None for branch in branches]
    if all(isinstance(kind, str) for kind in kinds) and error.validator != "not":
        return f"{shown(value)} is not {_or([_KINDS.get(str(kind), str(kind)) for kind in kinds])}"
    # The alternative that the user came nearest to says most.
    best = jsonschema.exceptions.best_match(error.context or [])
    return "; ".join(text for _, text in explain(best)) if best else error.message


def _repeated(value: list[Any]) -> list[int]:
    return [index for index, item in enumerate(value) if item in value[:index]]
