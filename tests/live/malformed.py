"""Messages that cannot be right, of many kinds: for the topic of lines, in envelopes, and for the control topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.live.traffic import Message

LONGEST = 4096
"""The ``max_line_bytes`` for which the lines are too long."""

SOURCE = "shop-0.log"

Make = Callable[[int], bytes | None]


def envelope(message: Message) -> bytes:
    """A good message as an agent would send it."""
    return json.dumps({"source": message.source, "message": message.value.decode()}).encode()


def _enveloped(text: str) -> bytes:
    return json.dumps({"source": SOURCE, "message": text}).encode()


LINES: dict[str, Make] = {
    "no value": lambda n: None,
    "empty": lambda n: b"",
    "no JSON": lambda n: b"2026-01-12 06:22:26,128 INFO plain text %d" % n,
    "JSON that breaks off": lambda n: b'{"source": "shop-0.log", "message": "line %d' % n,
    "no UTF-8": lambda n: b'{"message": "\xff\xfe %d"}' % n,
    "a list": lambda n: b'["message", %d]' % n,
    "a number": lambda n: b"%d" % n,
    "nested far too deeply": lambda n: b"[" * 3000 + b"%d" % n,
    "no message": lambda n: b'{"source": "shop-0.log", "level": %d}' % n,
    "a message that is no text": lambda n: b'{"source": "shop-0.log", "message": %d}' % n,
    "control bytes in the line": lambda n: _enveloped(f"2026-01-12 06:22:26,128 INFO \0\1\2 {n}"),
    "half a character in the line": lambda n: b'{"source": "shop-0.log", "message": "%d \\ud800"}' % n,
    "a line that is too long": lambda n: _enveloped(f"2026-01-12 06:22:26,128 INFO {n} " + "x" * LONGEST),
}
"""What it is → message ``n`` of that kind; each is one dead letter. None: a message without a value."""


_RARE = ("a line that is too long", "nested far too deeply")
_ALL = list(LINES.values())
_SHORT = [make for kind, make in LINES.items() if kind not in _RARE]


def bad_line(number: int) -> bytes | None:
    """Bad messages of all kinds in turn; the long ones more rarely."""
    kinds = _ALL if number % 500 < len(_ALL) else _SHORT
    return kinds[number % 500 % len(kinds)](number)


def bad_controls(model: dict[str, Any]) -> list[Make]:
    """Makers of control messages that are to be rejected; ``model`` is the document in force."""

    def say(**message: Any) -> Make:
        return lambda n: json.dumps({"id": f"bad-{n}", **message}).encode()

    return [
        lambda n: None,
        lambda n: b"",
        lambda n: b"   \n",
        lambda n: b"not JSON %d" % n,
        lambda n: b'{"action": "heartbeat", "source": "%d' % n,
        lambda n: b"\xff\xfe\x00 %d" % n,
        lambda n: b"[%d]" % n,
        lambda n: b"%d" % n,
        lambda n: b"null",
        lambda n: b"[" * 5000,
        lambda n: b'{"action": "pause", "action": "resume", "source": "a%d"}' % n,
        lambda n: b'{"action": "heartbeat", "source": "a", "timestamp": NaN}',
        say(),
        say(action="explode"),
        say(action=7),
        say(action="pause"),
        say(action="pause", source=""),
        say(action="pause", source=7),
        say(action="resume", source="a", colour="red"),
        say(action="end_of_log", source=None),
        say(action="heartbeat", source="a"),
        say(action="heartbeat", source="a", timestamp="yesterday"),
        say(action="heartbeat", source="a", timestamp="2026-02-30T00:00:00Z"),
        say(action="heartbeat", source="a", timestamp=10**18),
        say(action="heartbeat", source="a", timestamp=True),
        say(action="add"),
        say(action="add", model=model),
        say(action="add", model={}),
        say(action="add", model="model"),
        say(action="add", reference={"id": "unknown"}),
        say(action="update", model=model | {"id": "unknown"}),
        say(action="update", model=model | {"templates": [{"id": "t", "grok": "%{NOTHING:x}"}]}),
        say(action="update", model=model | {"kind": "cake"}),
        say(action="update", model=model, reference={"id": model["id"]}),
        say(action="update", model=model, sources="*"),
        say(action="delete"),
        say(action="delete", reference={"id": "unknown"}),
        say(action="delete", reference="model"),
    ]
