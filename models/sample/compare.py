"""Compare the anomalies that were found with those that had been injected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.sample.truth import TYPES, Injected

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was injected against what was found.

    Attributes:
        found: injected anomalies with an anomaly of the same type found at the same place.
        missed: injected anomalies without one.
        invented: found anomaly documents that no injected anomaly explains; of several for one, all but one.
    """

    found: tuple[Injected, ...]
    missed: tuple[Injected, ...]
    invented: tuple[Document, ...]

    @property
    def ok(self) -> bool:
        """Everything injected was found and nothing invented."""
        return not self.missed and not self.invented

    def rows(self) -> list[tuple[str, int, int, int, int]]:
        """Type, injected, found, missed, invented: a row for each type, and types unknown here after them."""
        names = [*TYPES, *sorted({str(a["type"]) for a in self.invented} - set(TYPES))]
        rows = []
        for name in names:
            found = sum(a.type == name for a in self.found)
            missed = sum(a.type == name for a in self.missed)
            rows.append((name, found + missed, found, missed, sum(a["type"] == name for a in self.invented)))
        return rows

    def format_table(self, details: int = 10) -> str:
        """The comparison as an aligned table for a terminal, with up to ``details`` missed and invented ones below."""
        head = ("type", "injected", "found", "missed", "invented")
        rows = self.rows()
        total = ("total", *[sum(int(row[i]) for row in rows) for i in range(1, 5)])
        width = max(len(row[0]) for row in [head, *rows])
        rule = "-" * (width + 4 * 10)
        out = [_row(head, width), rule, *[_row(row, width) for row in rows], rule, _row(total, width)]
        missed = [f"line {a.line}: {a.type} of {a.transaction or 'no transaction'} ({a.note})" for a in self.missed]
        invented = [f"{a['type']}: {a.get('reason') or _transaction(a) or 'no reason given'}" for a in self.invented]
        for title, entries in (("missed", missed), ("invented", invented)):
            if entries and details > 0:
                out += ["", f"{title}:", *[f"  {entry}" for entry in entries[:details]]]
                if len(entries) > details:
                    out.append(f"  … and {len(entries) - details} more")
        return "\n".join(out)


def _row(cells: Sequence[object], width: int) -> str:
    return f"{cells[0]!s:<{width}}" + "".join(f"{cell!s:>10}" for cell in cells[1:])


def compare(truth: Iterable[Injected], anomalies: Iterable[Document]) -> Comparison:
    """Match found anomalies to injected ones, one to one.

    A found one explains an injected one of the same type when it names the same transaction. Unmatched lines match by
    the line number of their first evidence instead (by transaction when it has none, as from a topic); a transaction
    named by both must be the same.

    Args:
        truth: the injected anomalies, e.g. ``Truth.watched.anomalies``.
        anomalies: anomaly documents found in that log.
    """
    waiting: dict[tuple[str, object], list[Document]] = defaultdict(list)
    for document in anomalies:
        waiting[_key(document)].append(document)
    found: list[Injected] = []
    missed: list[Injected] = []
    for injected in truth:
        (found if _take(waiting, injected) else missed).append(injected)
    invented = tuple(document for documents in waiting.values() for document in documents)
    return Comparison(tuple(found), tuple(missed), invented)


def _take(waiting: dict[tuple[str, object], list[Document]], injected: Injected) -> bool:
    """Take one document that the injected anomaly explains out of ``waiting``; False if there is none."""
    places: list[object] = [injected.transaction]
    if injected.type == "unmatched_log":
        places = [injected.line, *[place for place in places if place is not None]]
    for place in places:
        documents = waiting.get((injected.type, place), [])
        for i, document in enumerate(documents):
            # The finder need not know the identifier in an unmatched line, but must not name another one.
            if _transaction(document) in (None, injected.transaction):
                del documents[i]
                return True
    return False


def _key(document: Document) -> tuple[str, object]:
    """The type, and the place by which injected anomalies look for it: a line number or a transaction."""
    kind = str(document["type"])
    if kind == "unmatched_log":
        evidence = document.get("evidence") or [{}]
        line = evidence[0].get("line")
        if line is not None:
            return kind, line
    return kind, _transaction(document)


def _transaction(document: Document) -> str | None:
    transaction = document.get("transaction")
    return None if transaction is None else transaction.get("id")
