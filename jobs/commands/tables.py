"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from models.document_text import printable


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "") -> str:
    """Columns as wide as their content; numbers stand to the right; the last column may be of any length."""
    cells = [[_show(value) for value in row] for row in rows]
    right = [bool(rows) and all(isinstance(row[i], int) or row[i] is None for row in rows) for i in range(len(heads))]
    widths = [max(len(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]
    lines = []
    for row in [list(heads), *cells]:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append((indent + "  ".join(padded)).rstrip())
    return "\n".join(lines)


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value)).replace("\n", " ")
