"""Tries a model that somebody sends to a running job, so that nothing in the job can fail over it later.

As a program, ``python -m models.model_trial`` tries documents from its input and tells what is wrong with them: in a
process of its own a trial can be given up when it takes too long.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from models.automata.compiled import CompiledAutomata
from models.document import ModelDocument
from models.document_text import JsonTextError, parse_json
from models.errors import UserError
from models.parser import LineParser
from models.regex_samples import hard_texts
from models.timestamps.reader import TimestampReader
from models.timestamps.settings import TimestampSettings

MAX_TEMPLATES = 20_000
MAX_STATES = 20_000
"""In all automata together."""
MAX_RELATIONS = 200_000
MAX_EXPRESSION = 20_000
"""Characters of a template or a pattern."""
CONTENT = "its content"
"""What is tried first: schema, references, and whether its expressions are some."""
SEARCH_SECONDS = 3.0
"""Time of the processor for all searches with one expression; 1 ms is usual."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def try_model(document: Any, name: str = "the model", at: Callable[[str], None] = lambda _: None) -> ModelDocument:
    """Check a model document all through: its schema, its references, and that all that is made of it can be made.

    Args:
        document: JSON data.
        name: what errors call it.
        at: is told what is tried next.

    Raises:
        UserError: with everything that is wrong with it.
    """
    _check_sizes(document, name)
    _check_texts(document, name)
    at(CONTENT)
    model = ModelDocument.from_json(document, name)
    if not _ID.fullmatch(model.id):
        raise UserError(
            f"{name}: $.id: {model.id[:200]!r} is no name of a model: up to 200 letters, digits, '.', '_', '-'"
        )
    CompiledAutomata(model)
    TimestampReader(TimestampSettings.from_document(model.timestamp))
    fields = {s.template: (s.field,) for a in model.automata for s in a.states}
    groks = [t.grok for t in model.templates]
    parser = LineParser(groks, [fields.get(t.id, ()) for t in model.templates], model.patterns, model.id_pattern)
    for template, grok in zip(model.templates, parser.groks, strict=True):
        at(f"the template {template.id}")
        for text in hard_texts(grok.regex):
            grok.regex.fullmatch(text)
    if model.id_pattern:
        at("the id_pattern")
        expression = re.compile(model.id_pattern)
        for text in hard_texts(expression):
            expression.search(text)
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
    kinds = ("order", "requires", "equal", "excludes", "transitions")
    relations = sum(size(a.get(key)) for a in automata for key in kinds)
    for what, count, most in (
        ("templates", size(document.get("templates")), MAX_TEMPLATES),
        ("automata", size(document.get("automata")), MAX_STATES),
        ("states", sum(size(a.get("states")) for a in automata), MAX_STATES),
        ("relations of states", relations, MAX_RELATIONS),
        ("patterns", size(patterns), MAX_TEMPLATES),
        ("characters in one expression", max(len(t) for t in [*texts, ""] if isinstance(t, str)), MAX_EXPRESSION),
    ):
        if count > most:
            raise UserError(f"{name}: has {count:,} {what}, more than the {most:,} that a running job takes")


def main() -> None:
    """Try the models in the standard input, a JSON document a line, and say in lines what comes of it.

    These are JSON: ``{"at": what is tried next}``, and at last ``{"wrong": why it cannot be used, or null}``.
    """
    for line in sys.stdin.buffer:
        _say(wrong=_wrong_with(line.decode("utf-8", "surrogatepass")))


def _wrong_with(text: str) -> str | None:
    def at(what: str) -> None:
        # Nothing stops a search by regular expression from within; so the process ends when one takes too long.
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0 if what == CONTENT else SEARCH_SECONDS)
        _say(at=what)

    try:
        try_model(parse_json(text, "the model"), "the model", at)
    except (JsonTextError, UserError) as error:
        return str(error)
    except (RecursionError, ValueError, KeyError, TypeError, OverflowError, re.error) as error:
        return f"the model cannot be used: {type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
    return None


def _say(**what: str | None) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
