"""Finds checkers: those that installed packages offer under a short name, and any class by its dotted name."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.checkers.facts import ModelFacts
from models.checkers.interface import KeyedChecker, LineChecker, SettingsError, TransactionChecker, ViolationChecker
from models.checkers.spec import CheckerSpec
from models.errors import UserError
from models.schema_check import Problem, check_against

GROUP = "weirwatch.checkers"
"""The group of entry points under which packages offer their checkers."""

KINDS: Mapping[type[ViolationChecker], str] = {
    LineChecker: "lines",
    TransactionChecker: "transactions",
    KeyedChecker: "keyed",
}
"""The kinds of checkers → what they are called in lists."""

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[:.][A-Za-z_]\w*", re.ASCII)


class CheckerError(UserError):
    """A checker cannot be used.

    ``problems`` names the keys concerned, as paths below the checker's entry, such as ``$.settings.limit``.
    """

    def __init__(self, checker: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"checker {checker}: {problem.path[2:]}: {problem.message}" for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Offer:
    """A checker that an installed package offers.

    Attributes:
        name: its short name.
        target: ``package.module:Class``.
        package: name and version of the package.
        kinds: what it looks at, of :data:`KINDS`.
        summary: the first line of its documentation.
        error: why it cannot be used, or "".
    """

    name: str
    target: str
    package: str
    kinds: tuple[str, ...] = ()
    summary: str = ""
    error: str = ""


def entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """What is installed, by short name; of two of the same name the one that Python finds first."""
    found: dict[str, importlib.metadata.EntryPoint] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return dict(sorted(found.items()))


def offers() -> list[Offer]:
    """Everything that is installed, by name, with what is wrong with it."""
    return [_offer(point) for point in entry_points().values()]


def _offer(point: importlib.metadata.EntryPoint) -> Offer:
    package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
    try:
        kind = find_class(point.name)
    except CheckerError as error:
        return Offer(point.name, point.value, package, error=error.problems[0].message)
    summary = (inspect.getdoc(kind) or "").partition("\n")[0]
    return Offer(point.name, point.value, package, kinds_of(kind), summary)


def kinds_of(kind: type[ViolationChecker]) -> tuple[str, ...]:
    """What a class looks at, in words."""
    return tuple(word for base, word in KINDS.items() if issubclass(kind, base))


def find_class(use: str) -> type[ViolationChecker]:
    """The class of a checker.

    Args:
        use: a short name or a dotted one.

    Raises:
        CheckerError: there is none, it cannot be imported, or it is no checker.
    """
    point = entry_points().get(use)
    if point is not None:
        module, name = point.module, point.attr
    elif _DOTTED.fullmatch(use):
        module, _, name = use.partition(":") if ":" in use else use.rpartition(".")
    else:
        raise _problem(use, _unknown(use))
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever the plug-in does when it is imported
        raise _problem(use, _not_importable(use, module, name, error)) from error
    if not isinstance(found, type) or not issubclass(found, ViolationChecker) or not kinds_of(found):
        bases = ", ".join(base.__name__ for base in KINDS)
        raise _problem(use, f"{module}:{name} is no checker; derive its class from one of {bases} of models.checkers")
    abstract: frozenset[str] = getattr(found, "__abstractmethods__", frozenset())
    if abstract:
        raise _problem(use, f"{module}:{name} lacks the method {', '.join(sorted(abstract))}; write it")
    if issubclass(found, KeyedChecker) and not found.key and "__init__" not in vars(found):
        raise _problem(use, f'{module}:{name} names no field as its key; write key = "FIELD" in the class')
    return found


def make_checker(spec: CheckerSpec) -> ViolationChecker:
    """A checker with its settings.

    Raises:
        CheckerError: it cannot be found, or a setting is wrong.
    """
    kind = find_class(spec.use)
    settings = json.loads(spec.settings)
    problems = [
        Problem("$.settings" + problem.path.removeprefix("$"), problem.message)
        for problem in check_against(kind.settings_schema, settings)
    ]
    if problems:
        raise CheckerError(spec.id, problems)
    try:
        checker = kind(settings)
    except SettingsError as error:
        field = error.field if error.field[:1] in ("", "[") else f".{error.field}"
        raise CheckerError(spec.id, [Problem(f"$.settings{field}", error.message)]) from None
    except Exception as error:  # whatever it does with them
        raise CheckerError(spec.id, [Problem("$.settings", f"{type(error).__name__}: {error}")]) from error
    if isinstance(checker, KeyedChecker) and not checker.key:
        raise _problem(spec.id, f"{spec.use} names no field as its key")
    return checker


def wanted_fields(checker: LineChecker | KeyedChecker, model: ModelFacts) -> dict[str, tuple[str, ...]]:
    """The templates that a checker asks for, and their fields; with a key, that field first.

    Raises:
        ValueError: the model has no such template or field.
        Exception: whatever the checker raises.
    """
    wanted: dict[str, tuple[str, ...]] = {}
    for template, names in checker.templates(model).items():
        facts = model.templates.get(template)
        if facts is None:
            raise ValueError(f"it asks for the template {template!r}, which model {model.id} does not have")
        own = (checker.key, *names) if isinstance(checker, KeyedChecker) else tuple(names)
        for name in own:
            if name not in facts.fields:
                raise ValueError(f"it asks for the field {name!r}, which template {template} does not have")
        wanted[template] = tuple(dict.fromkeys(own))
    return wanted


def _problem(use: str, message: str) -> CheckerError:
    return CheckerError(use, [Problem("$.use", message)])


def _unknown(use: str) -> str:
    names = list(entry_points())
    if not names:
        return f"no checker {use!r} is installed, nor any other; install its package, or write package.module:Class"
    near = difflib.get_close_matches(use, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"no checker {use!r} is installed; {hint}Installed are {', '.join(names)}. "
        "A class is written package.module:Class"
    )


def _not_importable(use: str, module: str, name: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and (module + ".").startswith(error.name + "."):
        known = ", ".join(entry_points()) or "none"
        return (
            f"there is no module {error.name} here; install its package, or put its folder on PYTHONPATH (for "
            f"{use!r}; short names that are installed: {known})"
        )
    if isinstance(error, AttributeError):
        return f"the module {module} has no {name}; mend the name"
    return f"{module} cannot be imported: {type(error).__name__}: {error}"
