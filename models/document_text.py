"""JSON as a text that people read, edit and compare, and its reverse with errors that they can mend.

Every record (an object in a list that holds plain values only, such as a template or a state) stands on one line.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from models.errors import UserError

WIDTH = 120
"""What is short enough for this many characters, indent included, stands on one line."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonTextError(UserError):
    """A file cannot be read or written, or its text is no JSON."""


def pretty(document: object) -> str:
    """The JSON text of a document, keys in their order, with a line break at its end."""
    text = _render(document, 0, "", False) + "\n"
    return _SURROGATE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def printable(text: str) -> str:
    """A text without what could upset a terminal: of control characters, only line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _render(value: object, level: int, key: str, in_list: bool) -> str:
    if not isinstance(value, dict | list) or not value:
        return _plain(value)
    plain = _is_plain(value)
    one_line = _plain(value)
    record = in_list and isinstance(value, dict)
    if plain and (record or len(one_line) + len(key) + 2 * level <= WIDTH):
        return one_line
    indent = "  " * (level + 1)
    if isinstance(value, dict):
        rows = []
        for k, v in value.items():
            head = json.dumps(str(k), ensure_ascii=False) + ": "
            rows.append(indent + head + _render(v, level + 1, head, False))
        return "{\n" + ",\n".join(rows) + "\n" + "  " * level + "}"
    rows = [indent + _render(v, level + 1, "", True) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + "  " * level + "]"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _is_plain(value: dict[str, Any] | list[Any]) -> bool:
    """Whether a container holds plain values or, in an object, lists of plain values."""
    if isinstance(value, list):
        return not any(isinstance(v, dict | list) for v in value)
    return all(not isinstance(v, dict) and (not isinstance(v, list) or _is_plain(v)) for v in value.values())


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file.

    Raises:
        JsonTextError: no such file, a directory, not readable, empty, packed, or not text.
    """
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise JsonTextError(f"{name}: no such file; check the path, or make the file first") from None
    except IsADirectoryError:
        inside = sorted(p.name for p in Path(path).glob("*.json"))[:5]
        hint = f"one of the files in it, such as {inside[0]}" if inside else "a file"
        raise JsonTextError(f"{name}: is a directory; name {hint}") from None
    except OSError as error:
        raise JsonTextError(f"{name}: cannot be read ({error.strerror}); check its permissions") from None
    if not data.strip():
        raise JsonTextError(f"{name}: is empty; a JSON document was expected")
    if data.startswith(b"\x1f\x8b"):
        raise JsonTextError(f"{name}: is packed with gzip; unpack it first (gunzip)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JsonTextError(
            f"{name}: is not UTF-8 text (byte {error.start}, line {line}); is it the right file?"
        ) from None
    if "\0" in text:
        raise JsonTextError(f"{name}: holds binary data (byte {data.index(0)}); is it the right file?")
    return text


def parse_json(text: str, name: str) -> object:
    """Parse JSON; ``name`` is what errors call the text.

    Raises:
        JsonTextError: with line, column and the line itself; also for NaN, Infinity, and a key that stands twice.
    """

    def no_constant(constant: str) -> NoReturn:
        raise JsonTextError(f"{name}: {constant} is no JSON number; write a number or null")

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [k for k, _ in pairs]
            twin = next(k for k in keys if keys.count(k) > 1)
            known = next((f" with {json.dumps(k)}: {json.dumps(found[k])}" for k in ("id", "name") if k in found), "")
            raise JsonTextError(
                f"{name}: the key {json.dumps(twin)} stands twice in the object{known}; remove one of them"
            )
        return found

    try:
        return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_twins)
    except json.JSONDecodeError as error:
        raise JsonTextError(_syntax_error(text, name, error)) from None
    except RecursionError:
        raise JsonTextError(f"{name}: is nested too deeply") from None
    except ValueError:
        raise JsonTextError(f"{name}: holds a number of thousands of digits; write a smaller one") from None


def _syntax_error(text: str, name: str, error: json.JSONDecodeError) -> str:
    line = text.split("\n")[error.lineno - 1].rstrip("\r")
    start = max(0, error.colno - 60)
    shown = line[start : start + 100].replace("\t", " ")
    what = error.msg[0].lower() + error.msg[1:]
    before = text[: error.pos].rstrip()
    mend = "mend it there or just before"
    if before.endswith(",") and text[error.pos :].lstrip()[:1] in ("]", "}"):
        mend = "remove the comma after the last item"
    elif error.msg.startswith("Expecting ',' delimiter"):
        mend = "a comma or a closing bracket is missing"
    elif error.msg.startswith("Expecting property name"):
        mend = 'write the key in double quotes, as in "id"; a comma after the last item must go'
    elif error.msg.startswith("Invalid \\escape"):
        mend = "write \\\\ for a backslash"
    elif error.msg.startswith("Extra data"):
        mend = "the document ends before this; remove the rest"
    at = f"line {error.lineno}, column {error.colno}"
    return f"{name}: {at}: {what}; {mend}\n  {shown}\n  {' ' * (error.colno - 1 - start)}^"


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text file in one step: whoever reads it sees the old text or the new one, never a part.

    Raises:
        JsonTextError: the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    data = text.encode()
    try:
        if target.is_dir():
            raise JsonTextError(f"{os.fspath(path)}: is a directory; name a file in it")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)  # a pipe or a terminal
            return
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise JsonTextError(f"{os.fspath(path)}: cannot be written ({error.strerror}); check the folder") from None
