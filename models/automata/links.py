"""Which other transactions the lines of a transaction name: those it led to, and the one that led to it.

Nothing is remembered for this while events are stepped: the lines that are kept of a transaction say it, once an
anomaly is told of it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from models.automata.transaction import SLOT, TEXT, Line
from models.editing.contents import ContentReader
from models.grok import compile_grok
from models.structure.canonical import plain_value

MOST_LINKED = 20
"""As many linked transactions are told at most."""

PARENT, CHILD = "parent", "child"


class Links:
    """The links of a model.

    Args:
        document: the model's JSON.
        slots: for each slot its automaton's id, its template and its field.

    Attributes:
        slots: those whose lines name a linked transaction.
    """

    def __init__(self, document: Mapping[str, Any], slots: Iterable[tuple[str, str, str]]) -> None:
        entries = document.get("links", ())
        self._ends: dict[int, list[tuple[str, str, str]]] = {}
        self._templates: dict[int, str] = {}
        for slot, (automaton, template, field) in enumerate(slots):
            for link in entries:
                for own, other in ((PARENT, CHILD), (CHILD, PARENT)):
                    if (link["template"], link[own], link[f"{own}_field"]) == (template, automaton, field):
                        self._ends.setdefault(slot, []).append((link[other], other, link[f"{other}_field"]))
                        self._templates[slot] = template
        self.slots = frozenset(self._ends)
        used = set(self._templates.values())
        groks = {t["id"]: t["grok"] for t in document["templates"] if t["id"] in used}
        self._reading = {key: document[key] for key in ("timestamp", "structure", "multiline") if key in document}
        self._groks, self._patterns = groks, document.get("patterns", {})
        self._how = (self._ends, groks, self._patterns, self._reading) if used else ()

    def alike(self, other: Links) -> bool:
        """Whether both find the same in all lines."""
        return self._how == other._how

    def of(self, lines: Iterable[Line]) -> list[dict[str, str]]:
        """The transactions that some lines name, each once, in the order of the lines; at most :data:`MOST_LINKED`.

        As in anomaly documents: ``automaton``, ``transaction`` (its identifier), ``role`` (what it is to this one).
        """
        found: dict[tuple[str, str, str], None] = {}
        for line in lines:
            if line[SLOT] in self.slots:
                found.update(dict.fromkeys(self._named(line[SLOT], line[TEXT])))
                if len(found) >= MOST_LINKED:
                    break
        return [
            {"automaton": automaton, "transaction": identifier, "role": role}
            for automaton, identifier, role in list(found)[:MOST_LINKED]
        ]

    def _named(self, slot: int, text: bytes) -> list[tuple[str, str, str]]:
        """Automaton, identifier and role of those that one line names."""
        values = self._reader(self._templates[slot], text)
        return [(automaton, values[name], role) for automaton, role, name in self._ends[slot] if values.get(name)]

    @functools.cached_property
    def _reader(self) -> Any:
        """From template and text to the values of its fields; one line is asked for by several anomalies."""
        contents = ContentReader(self._reading)
        structured = "structure" in self._reading
        compiled = {name: compile_grok(grok, self._patterns).regex for name, grok in self._groks.items()}

        @functools.lru_cache(maxsize=256)
        def read(template: str, text: bytes) -> dict[str, str]:
            first = text.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
            match = compiled[template].fullmatch(contents.content(first))
            values = {name: text for name, text in match.groupdict().items() if text} if match else {}
            return {name: plain_value(text) for name, text in values.items()} if structured else values

        return read
