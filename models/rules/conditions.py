"""Conditions of content rules, compiled: what they ask of a line, whether it holds, and how to say so in words.

A condition is ``{"all": […]}``, ``{"any": […]}`` or ``{"not": …}`` of conditions, or a *test*: ``{"field": NAME}`` or
``{"line": "text" | "source" | "level"}`` with one operator and its operand. A test of something that the line does not
have does not hold, whatever the operator, but for ``exists``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.linear import LinearRegex

FIELD, LINE = "field", "line"
TEXT, SOURCE, LEVEL = "text", "source", "level"
ALL, ANY, NOT = "all", "any", "not"

NUMERIC = ("less", "at_most", "more", "at_least", "between", "outside")
"""Operators that compare numbers."""
OPERATORS = ("equals", "not_equals", "in", "not_in", "matches", "contains", *NUMERIC, "exists")

Holds = Callable[[str], bool]
Get = Callable[["Test"], str | None]
"""What a line has for a test: its text; None: nothing."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST_NUMBER = 300
_SHOWN_CHARACTERS = 200
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Test:
    """One operator on one thing of a line.

    Attributes:
        kind: :data:`FIELD` or :data:`LINE`.
        name: of the field; or :data:`TEXT`, :data:`SOURCE`, :data:`LEVEL`.
        operator: one of :data:`OPERATORS`.
        operand: as the document has it.
        holds: whether it holds for a text; of an absent one, see :attr:`absent`.
    """

    kind: str
    name: str
    operator: str
    operand: Any
    holds: Holds

    @property
    def absent(self) -> bool:
        """Whether it holds for a line that does not have the field."""
        return self.operator == "exists" and not self.operand

    @property
    def cost(self) -> int:
        """What it costs to look at a line: cheap tests are made first."""
        if self.name == SOURCE and self.kind == LINE:
            return 0
        if self.kind == FIELD:
            return 1
        return 2 if self.operator == "contains" and self.name == TEXT else 3

    def text(self, value: str | None) -> str:
        """What a line has, in words, beside what the test asks."""
        return _said(self, value)


@dataclass(frozen=True, slots=True)
class Group:
    """``all`` or ``any`` of some conditions, or ``not`` one."""

    kind: str
    parts: tuple[Test | Group, ...]

    @property
    def cost(self) -> int:
        """That of its dearest part, and one more."""
        return max(part.cost for part in self.parts) + 1


Condition = Test | Group


def compile_condition(data: Mapping[str, Any]) -> Condition:
    """A condition from JSON data that has been checked.

    Raises:
        re.error: a regular expression is none.
    """
    for kind in (ALL, ANY):
        if kind in data:
            return Group(kind, tuple(compile_condition(part) for part in data[kind]))
    if NOT in data:
        return Group(NOT, (compile_condition(data[NOT]),))
    kind = FIELD if FIELD in data else LINE
    operator = next(name for name in OPERATORS if name in data)
    return Test(kind, data[kind], operator, data[operator], _holds(operator, data[operator]))


def tests_of(condition: Condition) -> Iterator[Test]:
    """All tests of a condition, in its order."""
    if isinstance(condition, Test):
        yield condition
    else:
        for part in condition.parts:
            yield from tests_of(part)


def holds(condition: Condition, get: Get) -> bool:
    """Whether a condition holds for one line."""
    if isinstance(condition, Test):
        value = get(condition)
        return condition.absent if value is None else condition.holds(value)
    results = (holds(part, get) for part in condition.parts)
    if condition.kind == NOT:
        return not next(results)
    return all(results) if condition.kind == ALL else any(results)


def describe(condition: Condition) -> str:
    """What a condition asks, in words."""
    if isinstance(condition, Test):
        return f"{condition.name} {_asked(condition.operator, condition.operand)}"
    parts = [_bracketed(part, condition, describe(part)) for part in condition.parts]
    if condition.kind == NOT:
        return f"not {parts[0]}"
    return f" {'and' if condition.kind == ALL else 'or'} ".join(parts)


def reason(condition: Condition, get: Get) -> str:
    """Why a condition holds for one line, in words; of alternatives, those that hold."""
    if isinstance(condition, Test):
        return condition.text(get(condition))
    if condition.kind == NOT:
        part = condition.parts[0]
        return f"not {_bracketed(part, condition, describe(part))}"
    chosen = [part for part in condition.parts if condition.kind == ALL or holds(part, get)]
    return " and ".join(_bracketed(part, condition, reason(part, get)) for part in chosen)


def number(text: str) -> int | float | None:
    """The number that a text is, whole ones exactly; None if it is none."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    if text.lstrip("+-").isdigit():
        return int(text)
    found = float(text)
    return found if math.isfinite(found) else None


def shown(text: str) -> str:
    """A value for people: long ones are cut."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _holds(operator: str, operand: Any) -> Holds:
    match operator:
        case "equals" | "not_equals":
            same = _member([operand])
            return same if operator == "equals" else lambda text: not same(text)
        case "in" | "not_in":
            member = _member(operand)
            return member if operator == "in" else lambda text: not member(text)
        case "matches":
            search = LinearRegex(operand).search
            return lambda text: search(text) is not None
        case "contains":
            return lambda text: operand in text
        case "exists":
            return lambda _: bool(operand)
        case "between":
            low, high = operand
            return _numeric(lambda n: low <= n <= high)
        case "outside":
            low, high = operand
            return _numeric(lambda n: n < low or n > high)
        case "less":
            return _numeric(lambda n: n < operand)
        case "at_most":
            return _numeric(lambda n: n <= operand)
        case "more":
            return _numeric(lambda n: n > operand)
        case _:
            return _numeric(lambda n: n >= operand)


def _member(entries: Sequence[str | int | float]) -> Holds:
    """Whether a text is one of some texts, or the number that it is one of some numbers."""
    texts = frozenset(entry for entry in entries if isinstance(entry, str))
    numbers = frozenset(entry for entry in entries if not isinstance(entry, str))
    if not numbers:
        return texts.__contains__
    return lambda text: text in texts or number(text) in numbers


def _numeric(test: Callable[[int | float], bool]) -> Holds:
    def found(text: str) -> bool:
        value = number(text)
        return value is not None and test(value)

    return found


def _asked(operator: str, operand: Any) -> str:
    match operator:
        case "equals":
            return f"equals {_word(operand)}"
        case "not_equals":
            return f"does not equal {_word(operand)}"
        case "in":
            return f"is {_list(operand)}"
        case "not_in":
            return f"is not {_list(operand)}"
        case "contains":
            return f"contains {_word(operand)}"
        case "exists":
            return "exists" if operand else "does not exist"
        case "between":
            return f"is between {operand[0]} and {operand[1]}"
        case "outside":
            return f"is outside of {operand[0]} to {operand[1]}"
        case "matches":
            return f"matches {_word(operand)}"
        case _:
            return f"is {_COMPARED[operator]} {operand}"


_COMPARED = {"less": "less than", "at_most": "at most", "more": "more than", "at_least": "at least"}


def _said(test: Test, value: str | None) -> str:
    """What a line has, beside what is asked of it."""
    if value is None or test.operator == "exists":
        return f"{test.name} {_asked(test.operator, test.operand)}"
    if test.name == TEXT and test.kind == LINE:
        return f"{test.name} {_asked(test.operator, test.operand)}"
    is_value = f"{test.name} is {_word(shown(value))}"
    match test.operator:
        case "equals":
            return is_value
        case "not_equals":
            return f"{is_value}, not {_word(test.operand)}"
        case "in" | "not_in":
            many = len(test.operand)
            listed = f"the {many:,} listed value{'' if many == 1 else 's'}"
            return f"{is_value}, {'one' if test.operator == 'in' else 'none'} of {listed}"
        case _:
            asked = _asked(test.operator, test.operand)
            return (
                f"{is_value}, which {asked}"
                if asked.startswith(("matches", "contains"))
                else f"{is_value}, {asked[3:]}"
            )


def _word(value: object) -> str:
    return f'"{value}"' if value == "" or (isinstance(value, str) and " " in value) else str(value)


def _list(values: Sequence[object]) -> str:
    some = ", ".join(map(_word, values[:_MOST_LISTED]))
    if len(values) > _MOST_LISTED:
        return f"one of {some} and {len(values) - _MOST_LISTED:,} more"
    return f"one of {some}"


def _bracketed(part: Condition, within: Group, text: str) -> str:
    """Brackets where words would else belong to another part."""
    if within.kind == NOT:
        return f"({text})"
    if isinstance(part, Group) and part.kind not in (NOT, within.kind) and len(part.parts) > 1:
        return f"({text})"
    return text
