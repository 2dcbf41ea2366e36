"""Tables of messages, declared in SQL: only there connectors give partition, offset, time and headers of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def create_table(tables: Any, name: str, columns: Sequence[str], options: Mapping[str, str]) -> None:
    """Declare a temporary table.

    Args:
        tables: a ``StreamTableEnvironment``.
        name: its name.
        columns: their declarations.
        options: its ``WITH`` options; values may hold anything.
    """
    listed = ", ".join(f"{_text(key)} = {_text(value)}" for key, value in options.items())
    tables.execute_sql(f"CREATE TEMPORARY TABLE `{name}` ({', '.join(columns)}) WITH ({listed})")


def header_of(name: str) -> str:
    """The SQL expression of a header's value, of a column ``headers``."""
    return f"headers[{_text(name)}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
