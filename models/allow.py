"""Findings that an operator has marked as normal: whether an anomaly is one of them.

A pure function of the finished document and the entries of the model in force, so that it is the same whatever the
parallelism. An entry fits a document when all that it gives fits; of a document that tells of several states, an entry
with states takes those, and the document is quiet once all of them are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from models.document import ModelDocument
from models.document_content import AllowEntry
from models.editing.contents import ContentReader
from models.linear import LinearRegex

Anomaly = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    entry: AllowEntry
    text: LinearRegex | None


class AllowList:
    """The entries of one model.

    Args:
        entries: checked ones.
        model: says how lines are read, to tell their content, see :class:`~models.editing.contents.ContentReader`.
    """

    def __init__(self, entries: Iterable[AllowEntry], model: ModelDocument | Mapping[str, Any]) -> None:
        self._of: dict[str, list[_Compiled]] = {}
        for entry in entries:
            text = None if entry.text_pattern is None else LinearRegex(entry.text_pattern)
            self._of.setdefault(entry.type, []).append(_Compiled(entry, text))
        self._model = model
        self._contents: ContentReader | None = None

    def __bool__(self) -> bool:
        return bool(self._of)

    def allows(self, anomaly: Anomaly) -> bool:
        """Whether an anomaly of this model is quiet."""
        fitting = [found.entry for found in self._of.get(anomaly["type"], ()) if self._fits(found, anomaly)]
        if not fitting:
            return False
        if any(not entry.states for entry in fitting):
            return True
        taken = {state for entry in fitting for state in entry.states}
        concerned = [violation["state"] for violation in anomaly["violations"]]
        return bool(concerned) and taken.issuperset(concerned)

    def split(self, anomalies: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
        """The anomalies that are to be told, and how many are not."""
        if not self._of:
            return list(anomalies), 0
        told = [anomaly for anomaly in anomalies if not self.allows(anomaly)]
        return told, len(anomalies) - len(told)

    def _fits(self, found: _Compiled, anomaly: Anomaly) -> bool:
        entry = found.entry
        if entry.until is not None and not anomaly["@timestamp"] < in_ms(entry.until):
            return False
        if entry.template is not None and anomaly["template"] != entry.template:
            return False
        if entry.automaton is not None and (anomaly["transaction"] or {}).get("automaton") != entry.automaton:
            return False
        if entry.rule is not None and anomaly.get("rule", {}).get("id") != entry.rule:
            return False
        if entry.series is not None and anomaly.get("series", {}).get("id") != entry.series:
            return False
        if entry.fields:
            values = {field["name"]: field["value"] for field in anomaly.get("fields", ())}
            if any(values.get(name) != value for name, value in entry.fields.items()):
                return False
        if entry.source is not None and not _is_named(anomaly["source"], entry.source):
            return False
        return found.text is None or any(found.text.search(text) for text in self._content(anomaly))

    def _content(self, anomaly: Anomaly) -> list[str]:
        """The content of the first line of evidence."""
        if self._contents is None:
            self._contents = ContentReader(self._model)
        return [self._contents.content(first_line(anomaly))] if anomaly["evidence"] else []


def first_line(anomaly: Anomaly) -> str:
    """The first line of evidence, without those that continue it."""
    text: str = anomaly["evidence"][0]["text"]
    return text.partition("\n")[0].rstrip("\r")


def in_ms(time: str) -> str:
    """A time of the schema with as many digits as those of documents, so that both compare as texts."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<3}Z"


def _is_named(source: str, glob: str) -> bool:
    """Whether a glob fits the name of a source, or of a file its name without folders."""
    return fnmatchcase(source, glob) or fnmatchcase(source.rpartition("/")[2], glob)
