"""The varying values in the sample's lines, and the quick filling-in of line texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

Value = Callable[[], str]
Render = Callable[[Sequence[str]], str]
"""Fills a text; takes the transaction's identifier and its carried values, in order."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "anna ben carla david emma felix greta hugo ida jonas karla leon mia noah olga paul rosa simon tara vera"
)
_LAST = _words(
    "adler berg cruz dahl eder falk gray hahn irwin jung klein lopez moser novak otto quinn reed sato voss weiss"
)
_TABLE = _words("audit basket customer discount event feedback grant image job key label media note offer price rating")
_KIND = _words("archive current daily entry history link map old part rollup staging text usage version week year")
_ERRORS = (
    "java.net.SocketTimeoutException: Read timed out",
    "java.io.IOException: Broken pipe",
    "java.lang.IllegalStateException: Buffer underflow at frame 1180",
)
_FRAMES = (
    "java.base/java.net.Socket$SocketInputStream.read(Socket.java:1096)",
    "java.base/java.io.BufferedInputStream.fill(BufferedInputStream.java:244)",
    "shop.http.Client.execute(Client.java:212)",
    "shop.http.Retry.lambda$run$0(Retry.java:58)",
    "media.encode.Worker.pump(Worker.java:301)",
    "java.base/java.util.concurrent.FutureTask.run(FutureTask.java:317)",
    "java.base/java.lang.Thread.run(Thread.java:1583)",
)


def _trace(rng: Random) -> str:
    """A Java stack trace, each of its lines introduced by a line break."""
    lines = ["", rng.choice(_ERRORS)]
    lines += [f"\tat {frame}" for frame in _FRAMES[rng.randrange(4) :]]
    if rng.random() < 0.4:
        lines += [
            f"Caused by: {rng.choice(_ERRORS)}",
            f"\tat {rng.choice(_FRAMES)}",
            f"\t... {rng.randint(3, 40)} more",
        ]
    return "\n".join(lines)


def _path(rng: Random) -> str:
    kind = rng.choice(["/api/v1/products/", "/api/v1/reviews/", "/static/img/", "/catalogue/page/"])
    return f"{kind}{rng.randint(100, 99_999)}"


_MAKERS: dict[str, Callable[[Random], str]] = {
    "amount": lambda rng: f"{rng.randint(5, 900)}.{rng.randint(0, 99):02d}",
    "client_ip": lambda rng: f"172.{rng.randint(16, 31)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
    "count": lambda rng: str(rng.randint(1000, 9999)),
    "customer": lambda rng: str(rng.randint(10_000, 99_999)),
    "few": lambda rng: str(rng.randint(1, 9)),
    "other_user": lambda rng: f"{rng.choice(_LAST)}.{rng.choice(_FIRST)}",
    "path": _path,
    "peer_ip": lambda rng: f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
    "port": lambda rng: str(rng.randint(32_768, 60_999)),
    "schema": lambda rng: f"{rng.choice(_KIND)}_{rng.choice(_TABLE)}",
    "serial": lambda rng: str(rng.randint(10**9, 10**10 - 1)),
    "service": lambda rng: f"{rng.choice(['orders', 'payments', 'catalogue', 'mail'])}-db-{rng.randint(1, 4)}",
    "share": lambda rng: f"{rng.random():.3f}",
    "size": lambda rng: str(int(2 ** rng.uniform(10, 24))),
    "sku": lambda rng: str(rng.randint(10_000, 99_999)),
    "small": lambda rng: str(rng.randint(1, 8)),
    "status": lambda rng: rng.choice(["200", "200", "200", "200", "304", "404"]),
    "table": lambda rng: f"{rng.choice(_TABLE)}_{rng.choice(_KIND)}",
    "token": lambda rng: f"{rng.getrandbits(64):016x}",
    "took": lambda rng: str(rng.randint(2, 480)),
    "trace": _trace,
    "user": lambda rng: f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}",
    "weight": lambda rng: f"{rng.uniform(0.5, 99):.1f}",
    "worker": lambda rng: str(rng.randint(1, 40)),
}
_FRESH = frozenset({"serial", "token"})
_POOL = 800


def identifier_maker(workflow: str, rng: Random) -> Value:
    """A maker of fresh transaction identifiers for the workflow of that name."""
    if workflow == "checkout":
        # One counter, as a database sequence; it starts over long after the first orders are gone.
        orders = _counter(rng.randint(100_000, 400_000), 1, rng)
        return lambda: f"ord-{orders() % 1_000_000:06d}"
    if workflow == "backup":
        jobs = _counter(rng.randint(20_000, 60_000), 3, rng)
        return lambda: str(jobs())
    if workflow == "session":
        return lambda: f"{rng.getrandbits(96):024x}"
    if workflow == "delivery":
        return lambda: f"{'ABCDEF'[int(rng.random() * 6)]}{rng.getrandbits(44):011X}"

    def uuid4() -> str:
        text = f"{rng.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"

    return uuid4


def _counter(start: int, step: int, rng: Random) -> Callable[[], int]:
    """Numbers that grow by 1 to ``step``."""
    at = start

    def following() -> int:
        nonlocal at
        at += 1 + int(rng.random() * step)
        return at

    return following


class Renderer:
    """Makes functions that fill line texts with values from one random source.

    Most values come from pools drawn beforehand, since drawing each anew would take most of the time.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._values: dict[str, Value] = {}

    def value(self, field: str) -> Value:
        """A maker of values of that field."""
        if field not in self._values:
            self._values[field] = self._make(field)
        return self._values[field]

    def _make(self, field: str) -> Value:
        rng, maker = self._rng, _MAKERS[field]
        if field in _FRESH:
            return lambda: maker(rng)
        pool = [maker(rng) for _ in range(_POOL)]
        uniform = rng.random
        return lambda: pool[int(uniform() * _POOL)]

    def render(self, text: str, carried: Sequence[str] = ()) -> Render:
        """A function that fills ``text``; the fields named in ``carried`` and ``id`` are taken from its argument."""
        names = re.findall(r"\{(\w+)\}", text)
        form = re.sub(r"\{\w+\}", "%s", text.replace("%", "%%"))
        fixed = ["id", *carried]
        # Each field is either a place in the argument or a maker of values.
        places = [fixed.index(name) if name in fixed else -1 for name in names]
        makers = [self.value(name) if place < 0 else None for name, place in zip(names, places, strict=True)]
        pairs = tuple(zip(places, makers, strict=True))

        def fill(context: Sequence[str]) -> str:
            return form % tuple([context[place] if maker is None else maker() for place, maker in pairs])

        return fill
