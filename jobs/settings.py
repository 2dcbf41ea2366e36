"""Settings files: YAML checked against a JSON Schema, with errors that name the line, the key and the mend."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from models.errors import UserError

Place = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping of keys to values",
    "string": "a text",
}


class ConfigError(UserError):
    """A settings file is wrong; the message has one line a problem: file, line, key, what is wrong and the mend."""


class SettingsFile:
    """A YAML file as data that remembers where each key stands.

    Attributes:
        path: the file.
        data: its content, environment variables put in.
    """

    def __init__(self, path: Path, environment: Mapping[str, str] | None = None) -> None:
        """Read a file.

        Args:
            path: the file, UTF-8.
            environment: values for ``${NAME}``; the process's own environment when None.

        Raises:
            ConfigError: it cannot be read, is no YAML, repeats a key, or names a variable that is not set.
        """
        self.path = path
        self._lines: dict[Place, int] = {}
        self._problems: list[tuple[int, str]] = []
        self._environment = os.environ if environment is None else environment
        loader = yaml.SafeLoader(_read(path))
        try:
            node = loader.get_single_node()
            if node is None:
                raise ConfigError(f"{path}: the file is empty")
            self._walk(node, (), loader, set())
            self._raise_problems()
            self.data: Any = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise ConfigError(f"{path}{line}: not valid YAML: {error.problem or error.context}") from error
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigError(f"{path}: not valid YAML: {error}") from error
        finally:
            loader.dispose()

    def line(self, place: Place) -> int:
        """The line, from 1, on which a key or list item stands; that of the nearest one around it when it is absent."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def problem(self, place: Place, message: str) -> str:
        """One line of an error message about a key."""
        return self._message(self.line(place), place, message)

    def validate(self, schema: Mapping[str, Any]) -> None:
        """Check the content.

        Raises:
            ConfigError: it does not agree with the schema; all problems are in the message, in order of line.
        """
        for error in jsonschema.Draft202012Validator(schema).iter_errors(self.data):
            place = tuple(error.absolute_path)
            for at, message in _explain(error, place):
                self._add(at, message)
        self._raise_problems()

    def _walk(self, node: yaml.Node, place: Place, loader: yaml.SafeLoader, seen: set[int]) -> None:
        """Note lines, find repeated keys, put variables in; an alias is walked once."""
        self._lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                self._lines[(*place, name)] = key.start_mark.line + 1
                if name in keys:
                    self._add((*place, name), "the key stands twice; remove one")
                keys.add(name)
                self._walk(value, (*place, name), loader, seen)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*place, index), loader, seen)
        elif isinstance(node, yaml.ScalarNode) and "${" in node.value:
            node.value = _VARIABLE.sub(lambda found: self._variable(found, place), node.value)
            if node.style is None:
                # Unquoted, so that `parallelism: ${CORES}` is a number.
                node.tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))

    def _variable(self, found: re.Match[str], place: Place) -> str:
        if found[1]:
            return found[0][1:]
        name = found[2]
        if not _NAME.fullmatch(name):
            self._add(place, f"{found[0]} is no environment variable; write $${{ for a plain ${{")
        elif name not in self._environment:
            self._add(place, f"the environment variable {name} is not set; set it, or write the value here")
        return self._environment.get(name, "")

    def _message(self, line: int, place: Place, message: str) -> str:
        key = _dotted(place)
        return f"{self.path}, line {line}: {key}: {message}" if key else f"{self.path}, line {line}: {message}"

    def _add(self, place: Place, message: str) -> None:
        line = self.line(place)
        self._problems.append((line, self._message(line, place, message)))

    def _raise_problems(self) -> None:
        if self._problems:
            raise ConfigError("\n".join(text for _, text in sorted(self._problems)))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error


def _dotted(place: Place) -> str:
    """``("sources", 0, "path")`` as ``sources[0].path``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _explain(error: jsonschema.ValidationError, place: Place) -> list[tuple[Place, str]]:
    """A violation of the schema in plain words, with the place that each word is about."""
    limit: Any = error.validator_value
    value: Any = error.instance
    known = list(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
    match error.validator:
        case "additionalProperties":
            unknown = [key for key in value if key not in known]
            return [((*place, str(key)), f"unknown key; {_suggest(str(key), known)}") for key in unknown]
        case "required":
            missing = [key for key in limit if key not in value and f"'{key}' is" in error.message]
            return [(place, f"the key {key} is missing; add it") for key in missing]
        case "type":
            return [(place, f"{_shown(value)} is not {_KINDS.get(limit, limit)}")]
        case "minimum":
            return [(place, f"{value} is too small; the least is {limit}")]
        case "maximum":
            return [(place, f"{value} is too large; the most is {limit}")]
        case "minItems" | "minLength":
            return [(place, "must not be empty")]
        case _:
            return [(place, error.message)]


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
