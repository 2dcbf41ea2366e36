"""A model of a small shop for tests of editing, and lines of its log."""

from __future__ import annotations

from models.document import ModelDocument
from models.grok import compile_grok

TIME = "2026-01-12 10:00:00"

TEMPLATES = {
    "t-open": ("INFO open order %{INT:id} by %{WORD:user}", "INFO open order 7 by ann"),
    "t-visa": ("INFO paid order %{INT:id} with visa in %{INT:ms:int} ms", "INFO paid order 7 with visa in 12 ms"),
    "t-paypal": (
        "INFO paid order %{INT:nr} with paypal in %{INT:took:int} ms",
        "INFO paid order 7 with paypal in 9 ms",
    ),
    "t-close": (r"close \[order=%{INT:id}\] code %{INT:code:int}", "close [order=7] code 200"),
    "t-cache": (r"DEBUG cache %{DATA:what} evicted \(%{INT:n:int}\)", "DEBUG cache of images evicted (5)"),
    "t-idle": ("DEBUG idle since %{NUMBER:s:float} s%{SPACE}", "DEBUG idle since 1.5 s"),
}


def state(name, template, field, low, high, **more):
    """A state in JSON."""
    marks = {"begin": False, "end": False, "support": 90} | more
    return {"id": name, "template": template, "field": field, "min": low, "max": high, **marks}


def document():
    """The model in JSON."""
    templates = [
        {"id": name, "grok": grok, "count": 10 + k, "example": f"{TIME} {content}"}
        for k, (name, (grok, content)) in enumerate(TEMPLATES.items())
    ]
    automaton = {
        "id": "a-order",
        "name": "Order",
        "support": 100,
        "states": [
            state("open", "t-open", "id", 1, 1, begin=True),
            state("visa", "t-visa", "id", 0, 2),
            state("paypal", "t-paypal", "nr", 0, 1, support=40),
            state("close", "t-close", "id", 1, 1, end=True),
        ],
        "order": [
            {"before": "open", "after": "visa", "support": 60},
            {"before": "open", "after": "paypal", "support": 40},
            {"before": "visa", "after": "close", "support": 60},
            {"before": "paypal", "after": "close", "support": 40},
        ],
        "requires": [{"if": "visa", "then": "open", "support": 60}, {"if": "paypal", "then": "open", "support": 40}],
        "equal": [{"states": ["open", "close"], "support": 100}],
        "duration": {"min_ms": 10, "max_ms": 5000, "support": 100},
        "settle_ms": 100,
        "expires_ms": 9000,
    }
    return {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "shop",
        "version": 4,
        "timestamp": {"formats": ["yyyy-MM-dd HH:mm:ss"], "timezone": "UTC", "skip_words": 0, "literal": ""},
        "id_pattern": "order=?[0-9]+",
        "templates": templates,
        "automata": [automaton],
    }


def model():
    """The model."""
    return ModelDocument.from_json(document())


def content(found):
    """A document without its version."""
    data = found.to_json()
    del data["version"]
    return data


def grok_of(found, name):
    """The Grok of a template."""
    return next(t.grok for t in found.templates if t.id == name)


def template_of(found, line):
    """Id of the template that the content of a line fits, by trying all of them: the slow way."""
    compiled = [(compile_grok(t.grok, found.patterns), t.id) for t in found.templates]
    fitting = [(grok.specificity, name) for grok, name in compiled if grok.regex.fullmatch(line)]
    return min(fitting)[1] if fitting else None
