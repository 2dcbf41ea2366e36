"""Envelopes: the JSON that agents put around a line before they send it to a topic.

What is wanted of an envelope is the message, which source it comes from, and when it was read. Where these stand is a
matter of the agent, so for each there is a list of paths, and the first at which something usable stands is taken. The
paths that are meant when nothing is said fit what Filebeat, Fluent Bit, Vector and ``weirwatch replay`` send.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_NUMBER = re.compile(r"[0-9]{9,19}(?:\.[0-9]*)?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS = dt.timedelta(milliseconds=1)
_LAST_MS = 253_402_300_799_999
_NAMES = {str: "a text", bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}
_RAW = " (input.format: raw takes values as lines)"


@dataclass(slots=True, frozen=True)
class EnvelopePaths:
    """Where things stand in an envelope: keys joined by dots, the paths to be tried in order.

    Attributes:
        source: which source the line comes from.
        timestamp: when the agent read the line: text in ISO 8601 (UTC where it names no zone), or the time since 1970
            in seconds, milliseconds, micro- or nanoseconds, which its size tells apart.
        message: the line, or the lines.
    """

    source: tuple[str, ...] = (
        "source", "log.file.path", "file", "filename", "path", "host.name", "host", "hostname",
    )  # fmt: skip
    timestamp: tuple[str, ...] = ("timestamp", "@timestamp", "date", "time")
    message: tuple[str, ...] = ("message", "log")


@dataclass(slots=True)
class Envelope:
    """What an envelope holds.

    Attributes:
        source: name of the source, "" where it tells none.
        time_ms: epoch ms; None where it tells none that can be read.
        message: UTF-8 bytes of the message.
    """

    source: str
    time_ms: int | None
    message: bytes


class EnvelopeError(ValueError):
    """A value is no envelope, or not a usable one; the message says what is wrong and how to mend it."""


class _NoEnvelopeError(EnvelopeError):
    """It is not an envelope at all."""


class EnvelopeReader:
    """Opens envelopes.

    Args:
        paths: where things stand in them.
    """

    def __init__(self, paths: EnvelopePaths = EnvelopePaths()) -> None:
        self._paths = paths
        self._source, self._timestamp, self._message = (
            [(path, tuple(path.split("."))) for path in some] for some in (paths.source, paths.timestamp, paths.message)
        )

    def read(self, value: bytes, lenient: bool = False) -> Envelope | None:
        """Open one envelope.

        Args:
            value: JSON, UTF-8.
            lenient: give None for what is no JSON object with a text as its message, instead of raising.

        Raises:
            EnvelopeError: it is no JSON object, or has no message, or the message or the source is not a text.
        """
        try:
            found = _load(value)
            message = _first_text(found, self._message)
            if message is None:
                raise _NoEnvelopeError(self._no_message(found))
        except _NoEnvelopeError:
            if lenient:
                return None
            raise
        source = _first_text(found, self._source)
        return Envelope(
            self._no_source(found) if source is None else clean_name(source),
            self._time(found),
            # A half of a surrogate pair cannot be written as UTF-8: the line then is refused as any such line is.
            message.encode("utf-8", "surrogatepass"),
        )

    def _time(self, found: dict[str, Any]) -> int | None:
        for path, keys in self._timestamp:
            value = found.get(path)
            if value is None and len(keys) > 1:
                value = _dig(found, keys)
            if value is not None and (time := time_of(value)) is not None:
                return time
        return None

    def _no_message(self, found: dict[str, Any]) -> str:
        tried = ", ".join(self._paths.message)
        for path, keys in self._message:
            value = _dig(found, keys) if path not in found else found[path]
            if value is not None:
                what = f'the envelope\'s message at "{path}" is {_name(value)}'
                return f"{what}, not a text (input.envelope.message names the paths)"
        return f"the envelope has no message at {tried} (input.envelope.message names the paths)"

    def _no_source(self, found: dict[str, Any]) -> str:
        """Objects count as nothing: agents differ in what is a text and what holds more keys, as ``host``."""
        for path, keys in self._source:
            value = _dig(found, keys) if path not in found else found[path]
            if value is not None and type(value) not in (dict, str):
                what = f'the envelope\'s source at "{path}" is {_name(value)}'
                raise EnvelopeError(f"{what}, not a text (input.envelope.source names the paths)")
        return ""


def _load(value: bytes) -> dict[str, Any]:
    try:
        found = _parse(value.decode())
    except UnicodeDecodeError as error:
        what = f"envelope is not valid UTF-8 at byte {error.start + 1} (input.encoding names another encoding)"
    except json.JSONDecodeError as error:
        what = f"envelope is not valid JSON: {error.msg} at character {error.pos + 1}{_RAW}"
    except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of levels
        what = f"envelope is JSON that no agent writes: too deep, or too long a number{_RAW}"
    else:
        if type(found) is dict:
            return found
        what = f"envelope is {_name(found)}, not a JSON object{_RAW}"
    raise _NoEnvelopeError(what)


def _parse(text: str) -> Any:
    """``json.loads``, without its detours for an object with nothing around it."""
    if text[:1] == "{":
        try:
            found, end = _SCAN(text, 0)
        except StopIteration:  # the text breaks off: json.loads says where
            end = -1
        if end == len(text):
            return found
    return json.loads(text.removeprefix("\ufeff"))


def _first_text(found: dict[str, Any], paths: Sequence[tuple[str, tuple[str, ...]]]) -> str | None:
    """The first text at one of the paths; an empty one only where there is no other."""
    empty = None
    for path, keys in paths:
        value = found.get(path)  # also a key that is written with dots
        if value is None and len(keys) > 1:
            value = _dig(found, keys)
        if type(value) is str:
            if value:
                return value
            empty = value
    return empty


def _dig(found: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if type(found) is not dict:
            return None
        found = found.get(key)
    return found


def _name(value: object) -> str:
    return _NAMES.get(type(value), "null")


def clean_name(source: str) -> str:
    """A source's name as it can be written: what is no Unicode becomes ``?``."""
    return source if source.isascii() else source.encode("utf-8", "replace").decode()


def time_of(value: object) -> int | None:
    """An agent's timestamp, see :class:`EnvelopePaths`, as epoch ms; None for one that cannot be read."""
    if type(value) is str:
        if value[4:5] != "-" and _NUMBER.fullmatch(value):
            return _epoch_ms(float(value))
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH) // _MS
    if type(value) is int or type(value) is float:
        return _epoch_ms(value)
    return None


def _epoch_ms(number: float) -> int | None:
    """Seconds up to the year 5138, milliseconds up to 5138 as well, and so on; nothing before 1970."""
    if not 0 < number < 1e20:  # not a number included
        return None
    if number < 1e11:
        ms = int(number * 1000) if type(number) is int else int(number * 1000 + 1e-3)
    elif number < 1e14:
        ms = int(number)
    else:
        ms = int(number) // (1000 if number < 1e17 else 1_000_000)
    return min(ms, _LAST_MS)
