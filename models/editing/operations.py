"""The operations by name, with what each has to be told: for the command line and for files of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.document import ModelDocument
from models.editing.checked import EditError
from models.editing.constants import generalise, specialise
from models.editing.fields import rename_field, retype_field
from models.editing.merge import merge
from models.editing.removal import add, delete
from models.editing.split import split

ONE, SEVERAL, MAYBE, NAMED, MAYBE_NAMED = "one", "several", "maybe", "named", "maybe_named"
"""A parameter: one text; at least one text; one that may be left out; the same, by option on the command line."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an operation is told: its key in a file, what it is, and how often it stands."""

    name: str
    help: str
    kind: str = ONE

    @property
    def needed(self) -> bool:
        """Whether it has to be given."""
        return self.kind not in (MAYBE, MAYBE_NAMED)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its name, what it does, what it is told, and the function that does it."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    run: Callable[..., ModelDocument]


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with its values, texts or lists of texts by parameter; ``place`` says where it is written."""

    operation: Operation
    values: Mapping[str, str | list[str]]
    place: str = ""


_TEMPLATE = Parameter("template", "id of a template")
_FIELD = Parameter("field", "name of one of its fields")

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            "rename-field",
            "give a field another name",
            (_TEMPLATE, _FIELD, Parameter("new", "its new name: lower-case letters, digits and _")),
            rename_field,
        ),
        Operation(
            "retype-field",
            "let a field take another pattern",
            (
                _TEMPLATE,
                _FIELD,
                Parameter("pattern", "pattern such as INT, WORD, DATA, or with a type, as INT:int or INT:text"),
            ),
            retype_field,
        ),
        Operation(
            "specialise",
            "make a constant of a variable",
            (_TEMPLATE, _FIELD, Parameter("value", "text that shall stand in its place")),
            specialise,
        ),
        Operation(
            "generalise",
            "make a variable of a constant",
            (
                _TEMPLATE,
                Parameter("text", "constant text of the template, as in lines"),
                Parameter("pattern", "pattern of the new field, such as WORD or INT:int"),
                Parameter("name", "name of the new field"),
                Parameter("occurrence", "which one, from 1, where the text stands several times", MAYBE),
            ),
            generalise,
        ),
        Operation(
            "merge",
            "make one template of several, with fields where they differ",
            (Parameter("templates", "ids of at least two templates; the first id stays", SEVERAL),),
            merge,
        ),
        Operation(
            "split",
            "give some values of a field templates of their own",
            (_TEMPLATE, _FIELD, Parameter("values", "values of the field", SEVERAL)),
            split,
        ),
        Operation("delete", "take a template out, with its state and what refers to that", (_TEMPLATE,), delete),
        Operation(
            "add",
            "add a message that was not learnt",
            (
                Parameter("grok", "whole content of its lines in Grok", NAMED),
                Parameter("id", "id of the template (default: made from the Grok)", MAYBE_NAMED),
                Parameter("example", "line that fits, for people", MAYBE_NAMED),
            ),
            lambda model, grok, id=None, example=None: add(model, grok, id, example),  # noqa: A006
        ),
    )
}


def apply_steps(model: ModelDocument, steps: Iterable[Step]) -> ModelDocument:
    """The document after some operations, one after the other; the version counts up by one for all of them.

    Raises:
        EditError: one of them cannot be done; the message says which.
        ModelError: one of them would make the document invalid.
    """
    after, done = model, False
    for step in steps:
        try:
            after, done = step.operation.run(after, **step.values), True
        except EditError as error:
            raise EditError(f"{step.place}{step.operation.name}: {error}") from None
    if done:
        after.version = model.version + 1
    return after


def checked_step(name: str, values: Mapping[str, Any], place: str = "") -> Step:
    """A step from what a file says.

    Args:
        name: the operation's name.
        values: its values by parameter: texts, and lists of texts where several may stand.
        place: where it is written, for errors, such as ``edits.yaml, line 3: ``.

    Raises:
        EditError: there is no such operation, or a value is missing, unknown or of the wrong kind.
    """
    operation = OPERATIONS.get(name)
    if operation is None:
        raise EditError(f"{place}there is no operation {name!r}; there are {', '.join(OPERATIONS)}")
    known = {parameter.name: parameter for parameter in operation.parameters}
    for key in values:
        if key not in known:
            raise EditError(f"{place}{name} has no key {key!r}; its keys are {', '.join(known)}")
    found: dict[str, str | list[str]] = {}
    for key, parameter in known.items():
        if key not in values:
            if parameter.needed:
                raise EditError(f"{place}{name} needs the key {key} ({parameter.help})")
            continue
        value = values[key]
        if parameter.kind == SEVERAL:
            value = [value] if isinstance(value, str) else value
            if not isinstance(value, Sequence) or not value or not all(isinstance(v, str) for v in value):
                raise EditError(f"{place}{name}: {key} has to be a list of texts ({parameter.help})")
            found[key] = list(value)
        elif not isinstance(value, str):
            raise EditError(f"{place}{name}: {key} has to be one text ({parameter.help})")
        else:
            found[key] = value
    return Step(operation, found, place)
