"""Tries a model that somebody sends to a running job, so that nothing in the job can fail over it later.

As a program, ``python -m models.model_trial`` tries documents from its input and tells what is wrong with them: in a
process of its own a trial can be given up when it takes too long.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from models.automata.compiled import CompiledAutomata
from models.document import ModelDocument
from models.document_text import JsonTextError, parse_json
from models.errors import UserError
from models.line_reader import LineReader
from models.parser import LineParser
from models.rules.line_checks import LineChecks
from models.visits import identifier_fields

MAX_TEMPLATES = 20_000
MAX_STATES = 20_000
"""In all automata together."""
MAX_RELATIONS = 200_000
MAX_RULES = 5_000
"""Content rules; also sets of values, and allowed findings."""
MAX_EXPRESSION = 20_000
"""Characters of a template or a pattern."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def try_model(document: Any, name: str = "the model") -> ModelDocument:
    """Check a model document all through: its schema, its references, and that all that is made of it can be made.

    Args:
        document: JSON data.
        name: what errors call it.

    Raises:
        UserError: with everything that is wrong with it.
    """
    _check_sizes(document, name)
    _check_texts(document, name)
    model = ModelDocument.from_json(document, name)
    if not _ID.fullmatch(model.id):
        raise UserError(
            f"{name}: $.id: {model.id[:200]!r} is no name of a model: up to 200 letters, digits, '.', '_', '-'"
        )
    CompiledAutomata(model)
    LineReader.of(model)
    fields = identifier_fields(model.automata)
    groks = [t.grok for t in model.templates]
    wanted = LineChecks(model).wanted(fields)
    LineParser(groks, [wanted[t.id] for t in model.templates], model.patterns, model.id_pattern)
    return model


def _check_texts(document: Mapping[str, Any], name: str) -> None:
    """What a model says of lines may hold anything, but its names and expressions go into what the job writes."""
    told = {key: value for key, value in document.items() if key != "learned"}
    templates = told.get("templates")
    if isinstance(templates, list):
        told["templates"] = [{k: t[k] for k in t if k != "example"} if isinstance(t, dict) else t for t in templates]
    try:
        json.dumps(told, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 40) : error.start].encode("utf-8", "replace").decode()
        raise UserError(f"{name}: holds half of a surrogate pair after {near!r}; write a whole character") from None
    except RecursionError:
        raise UserError(f"{name}: is nested too deeply") from None


def _check_sizes(document: Any, name: str) -> None:
    """Turn away what would take long to find everything wrong with, before it has been looked at."""
    if not isinstance(document, Mapping):
        raise UserError(f"{name}: is no model but another kind of JSON")

    def size(value: Any) -> int:
        return len(value) if isinstance(value, list | dict) else 0

    def items(value: Any) -> list[Any]:
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    automata = items(document.get("automata"))
    templates = items(document.get("templates"))
    patterns = document.get("patterns")
    texts = [t.get("grok") for t in templates]
    texts += list(patterns.values()) if isinstance(patterns, dict) else []
    texts.append(document.get("id_pattern"))
    texts += [entry.get("text_pattern") for entry in items(document.get("allow"))]
    kinds = ("order", "requires", "equal", "excludes", "transitions")
    relations = sum(size(a.get(key)) for a in automata for key in kinds)
    for what, count, most in (
        ("templates", size(document.get("templates")), MAX_TEMPLATES),
        ("automata", size(document.get("automata")), MAX_STATES),
        ("states", sum(size(a.get("states")) for a in automata), MAX_STATES),
        ("relations of states", relations, MAX_RELATIONS),
        ("patterns", size(patterns), MAX_TEMPLATES),
        ("rules", size(document.get("rules")), MAX_RULES),
        ("sets of values", size(document.get("values")), MAX_RULES),
        ("allowed findings", size(document.get("allow")), MAX_RULES),
        ("characters in one expression", max(len(t) for t in [*texts, ""] if isinstance(t, str)), MAX_EXPRESSION),
    ):
        if count > most:
            raise UserError(f"{name}: has {count:,} {what}, more than the {most:,} that a running job takes")


def main() -> None:
    """Try the models in the standard input, a JSON document a line; of each say why it cannot be used, as JSON."""
    for line in sys.stdin.buffer:
        wrong = _wrong_with(line.decode("utf-8", "surrogatepass"))
        sys.stdout.write(json.dumps({"wrong": wrong}) + "\n")
        sys.stdout.flush()


def _wrong_with(text: str) -> str | None:
    try:
        try_model(parse_json(text, "the model"), "the model")
    except (JsonTextError, UserError) as error:
        return str(error)
    except (RecursionError, ValueError, KeyError, TypeError, OverflowError) as error:
        return f"the model cannot be used: {type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main()
