"""Checkers of a configuration: whether they are there, take their settings, and find something to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jobs.settings_words import Place
from models.checkers.facts import ModelFacts
from models.checkers.interface import KeyedChecker, LineChecker, ViolationChecker
from models.checkers.loading import CheckerError, make_checker, wanted_fields
from models.checkers.spec import ID, CheckerSpec, repeated_ids
from models.document import ModelDocument
from models.errors import UserError

_STEP = re.compile(r'\.?([^.\[\]"]+)|\[([0-9]+)\]|\["([^"]*)"\]')


def checker_problems(specs: Sequence[CheckerSpec]) -> list[tuple[Place, str]]:
    """What is wrong with the list ``checkers``, as this Python finds it; each with its place in the configuration."""
    problems: list[tuple[Place, str]] = [
        (("checkers", at, "id"), f"{specs[at].id} is the id of checkers[{before}] too; give one of them another id")
        for at, before in repeated_ids(specs)
    ]
    for at, spec in enumerate(specs):
        if not ID.fullmatch(spec.id):
            problems.append((("checkers", at, "use"), f"{spec.id!r} cannot be its id; add an id of letters and digits"))
        try:
            make_checker(spec)
        except CheckerError as error:
            problems += [(("checkers", at, *_steps(problem.path)), problem.message) for problem in error.problems]
    return sorted(problems, key=lambda problem: int(problem[0][1]))


def check_checkers(specs: Sequence[CheckerSpec]) -> list[ViolationChecker]:
    """The checkers, made here to see that they can be.

    Raises:
        UserError: one cannot be found or made, or two have the same id.
    """
    for spec in specs:
        if not ID.fullmatch(spec.id):
            raise UserError(f"checker {spec.use}: {spec.id!r} cannot be its id; give it one of letters and digits")
    repeated = repeated_ids(specs)
    if repeated:
        raise UserError(f"two checkers have the id {specs[repeated[0][0]].id}; give one of them another id")
    return [make_checker(spec) for spec in specs]


def idle_checkers(specs: Sequence[CheckerSpec], models: Iterable[ModelDocument]) -> list[str]:
    """Which checkers find nothing to look at in any of the models, or fail at one; a sentence each.

    Raises:
        UserError: as :func:`check_checkers`.
    """
    facts = [ModelFacts.of(model) for model in models]
    told = []
    for spec, checker in zip(specs, check_checkers(specs), strict=True):
        if not facts or not isinstance(checker, LineChecker | KeyedChecker):
            continue
        names = ", ".join(model.id for model in facts)
        try:
            if any(wanted_fields(checker, model) for model in facts):
                continue
        except Exception as error:  # noqa: BLE001  (whatever the plug-in makes of a model)
            told.append(f"checker {spec.id} fails at model {names}: {type(error).__name__}: {error}")
            continue
        own = (checker.key, *checker.fields) if isinstance(checker, KeyedChecker) else checker.fields
        fields = f"; it needs templates with the fields {', '.join(dict.fromkeys(own))}" if own else ""
        told.append(f"checker {spec.id} finds nothing to look at in model {names}{fields}")
    return told


def _steps(path: str) -> list[str | int]:
    """``$.settings.groups[0].name`` as keys and indices."""
    found = _STEP.findall(path.removeprefix("$"))
    return [int(index) if index else name or quoted for name, index, quoted in found]
