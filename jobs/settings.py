"""Settings files: YAML checked against a JSON Schema, with errors that name the line, the key and the mend."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from jobs.secret import Secret
from jobs.settings_words import Place, explain
from models.errors import UserError

_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLOW_HINT = '; within braces or brackets, a variable has to be quoted, as in "${NAME}"'


class ConfigError(UserError):
    """A settings file is wrong; the message has one line a problem: file, line, key, what is wrong and the mend."""


class SettingsFile:
    """A YAML file as data that remembers where each key stands.

    Attributes:
        path: the file.
        data: its content, environment variables put in.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str] | None = None,
        is_secret: Callable[[Place], bool] | None = None,
    ) -> None:
        """Read a file.

        Args:
            path: the file, UTF-8.
            environment: values for ``${NAME}``; the process's own environment when None.
            is_secret: which places hold secrets: these have to be written as ``${NAME}``, and stay so in the data.

        Raises:
            ConfigError: it cannot be read, is no YAML, repeats a key, names a variable that is not set, or holds a
                secret in another form; the message shows none.
        """
        self.path = path
        self._is_secret = is_secret or (lambda _place: False)
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
            hint = _FLOW_HINT if error.problem and error.problem.endswith("got '{'") else ""
            raise ConfigError(f"{path}{line}: not valid YAML: {error.problem or error.context}{hint}") from error
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
            for at, message in explain(error):
                self._add(at, message)
        self._raise_problems()

    def _walk(self, node: yaml.Node, place: Place, loader: yaml.SafeLoader, seen: set[int]) -> None:
        """Note lines, find repeated keys, put variables in; an alias is walked once."""
        self._lines.setdefault(place, node.start_mark.line + 1)
        if self._is_secret(place):
            seen.add(id(node))  # not to be put in where an alias stands for it
            self._walk_secret(node, place)
            return
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

    def _walk_secret(self, node: yaml.Node, place: Place) -> None:
        try:
            # A node that is not a text of its own has no form that could be right.
            Secret.parse(node.value if isinstance(node, yaml.ScalarNode) else "")
        except ValueError as error:
            self._add(place, str(error))

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
