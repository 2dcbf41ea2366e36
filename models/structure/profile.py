"""Which keys structured lines have, and which of them lines of any kind may lack."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from models.structure.pairs import Pairs, text_of
from models.structure.settings import StructureSettings

MOST_KEYS = 200
"""More keys than this are values: a map from identifiers, written as an object. The most frequent ones are kept."""
MOST_OPTIONAL = 24
"""Every content has all optional keys: there are to be few. The most frequent ones are kept."""
_MOST_GROUPS = 50_000
_LEAST_LINES = 5
"""A kind of lines seen less often does not tell which of its keys are optional."""
_VALUE = re.compile(r"\w*[0-9]\w*")
_MOST_CHARACTERS = 60


class KeyProfile:
    """Counts the keys of structured lines, kind by kind: lines of a kind have the same level, and the same message but
    for its words with digits.

    Args:
        settings: which keys hold time, level and message.
    """

    def __init__(self, settings: StructureSettings) -> None:
        self._settings = settings
        self._roles = {settings.timestamp, settings.level, settings.message}
        self._kinds: dict[tuple[str, str], Counter[tuple[str, ...]]] = {}

    def add(self, pairs: Pairs) -> None:
        """Count one line."""
        told = pairs.get(self._settings.message)
        message = _VALUE.sub("0", text_of(told)[:_MOST_CHARACTERS])
        kind = text_of(pairs.get(self._settings.level)), message
        shapes = self._kinds.get(kind)
        if shapes is None:
            if len(self._kinds) >= _MOST_GROUPS:
                kind = ("", "")
            shapes = self._kinds.setdefault(kind, Counter())
        shapes[tuple(pairs)] += 1

    def finish(self) -> StructureSettings:
        """The settings with the keys that there are, in the order of the alphabet, and those that are optional."""
        total: Counter[str] = Counter()
        optional: Counter[str] = Counter()
        for kind, shapes in self._kinds.items():
            lines = sum(shapes.values())
            here: Counter[str] = Counter()
            for shape, count in shapes.items():
                for key in shape:
                    if key not in self._roles:
                        here[key] += count
            total.update(here)
            if lines >= _LEAST_LINES and kind != ("", ""):
                optional.update({key: count for key, count in here.items() if count < lines})
        few = {key for key, _ in _most(optional, MOST_OPTIONAL)}
        known = [key for key, _ in _most(total, MOST_KEYS + len(optional)) if key not in optional or key in few]
        keys = tuple(sorted(known[:MOST_KEYS]))
        return replace(self._settings, keys=keys, optional=tuple(key for key in keys if key in few))


def _most(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
