"""A file of operations, YAML or JSON: a list of objects, each with ``operation`` and what that has to be told.

All values are taken as the texts that they are written as, so that ``value: 404`` and ``value: on`` need no quotes.
"""

from __future__ import annotations

from typing import Any

import yaml

from models.document_text import JsonTextError, read_text
from models.editing.checked import EditError
from models.editing.operations import Step, checked_step


def read_operations(path: str) -> list[Step]:
    """The operations of a file, in order.

    Raises:
        EditError: the file cannot be read, or something in it is wrong; the message names the line.
    """
    try:
        return parse_operations(read_text(path), path)
    except JsonTextError as error:
        raise EditError(str(error)) from None


def parse_operations(text: str, name: str) -> list[Step]:
    """The operations of a text; ``name`` is what errors call it; raises :class:`EditError`."""
    loader = yaml.BaseLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise EditError(
                f"{name}: has to be a list of operations, as in\n  - {{operation: delete, template: t-1a2b3c4d}}"
            )
        return [_step(item, loader, name) for item in node.value]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise EditError(f"{name}{where}: is no valid YAML or JSON: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise EditError(f"{name}: is no valid YAML or JSON: {error}") from None
    finally:
        loader.dispose()


def _step(node: yaml.Node, loader: yaml.BaseLoader, name: str) -> Step:
    place = f"{name}, line {node.start_mark.line + 1}: "
    if not isinstance(node, yaml.MappingNode):
        raise EditError(f"{place}an operation is an object, as in {{operation: delete, template: t-1a2b3c4d}}")
    keys = [key.value for key, _ in node.value]
    for key in keys:
        if not isinstance(key, str) or keys.count(key) > 1:
            raise EditError(
                f"{place}the key {key} stands twice; remove one" if isinstance(key, str) else f"{place}a key is no text"
            )
    data: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    operation = data.pop("operation", None)
    if not isinstance(operation, str):
        raise EditError(f"{place}the key operation is missing; it names what shall be done, such as rename-field")
    return checked_step(operation, data, place)
