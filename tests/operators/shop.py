"""A small model and lines of its log."""

import datetime

DAY = int(datetime.datetime(2026, 1, 12, tzinfo=datetime.UTC).timestamp() * 1000)

NAMES = ("open", "work", "check", "close")


def state(name, low, high):
    return {
        "id": name,
        "template": f"t-{name}",
        "field": "id",
        "min": low,
        "max": high,
        "begin": name == "open",
        "end": name == "close",
        "support": 100,
    }


TEMPLATES = [{"id": f"t-{name}", "grok": f"{name} %{{INT:id}}"} for name in NAMES]

AUTOMATON = {
    "id": "a-shop",
    "name": "open",
    "support": 100,
    "states": [state("open", 1, 1), state("work", 0, 3), state("check", 0, 1), state("close", 1, 1)],
    "order": [],
    "requires": [],
    "equal": [],
    "duration": {"min_ms": 0, "max_ms": 60_000, "support": 100},
    "settle_ms": 1000,
    "expires_ms": 120_000,
}

MODEL = {
    "kind": "weirwatch.model",
    "format": 1,
    "id": "shop",
    "version": 1,
    "timestamp": {
        "formats": ["yyyy-MM-dd HH:mm:ss,SSS"],
        "timezone": "UTC",
        "year": 2026,
        "skip_words": 0,
        "literal": "",
    },
    "patterns": {},
    "templates": TEMPLATES,
    "automata": [AUTOMATON],
}


def line(ms, what, identifier):
    """A line of the log, ``ms`` after the day began."""
    when = datetime.datetime.fromtimestamp((DAY + ms) / 1000, datetime.UTC)
    return f"{when:%Y-%m-%d %H:%M:%S},{ms % 1000:03} {what} {identifier}"
