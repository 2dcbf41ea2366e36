"""Short names for the states of an automaton, from the constant words of their templates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.phrases import LEVEL, LOCATION, phrases, plain_letters

_FIELD = re.compile(r"<[^<>\s]*>")
_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"[A-Za-z]{2,}(?:'[a-z]+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_FEW_WORDS = 3
_LONGEST = 40


def name_states(groks: Sequence[str]) -> list[str]:
    """A name for each template: snake case, unique, at most about 40 characters.

    The first three constant words of its phrase that are no log level, class name or bracketed origin. Templates that
    would be called alike get the words in which they differ; if there are none, a number.
    """
    words = [_words(phrase) for phrase in phrases(groks)]
    names = ["_".join(found[:_FEW_WORDS]) or "state" for found in words]
    clashing = {name for name in names if names.count(name) > 1}
    taken: set[str] = set()
    result = []
    for name, found in zip(names, words, strict=True):
        if name in clashing:
            rivals = [set(other) for rival, other in zip(names, words, strict=True) if rival == name and other != found]
            own = [word for word in found[_FEW_WORDS:] if not all(word in rival for rival in rivals)]
            name = "_".join(dict.fromkeys([*found[:2], *own[:2]])) or name
        name = name[:_LONGEST].strip("_")
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        result.append(unique)
    return result


def title(groks: Sequence[str], lead: int = 0) -> str:
    """The constant words of the template at ``lead``, seen beside the others, as the name of their automaton."""
    phrase = " ".join(_words(phrases(groks)[lead])[:_FEW_WORDS])
    return phrase[:1].upper() + phrase[1:] if phrase else "Transaction"


def _words(phrase: str) -> list[str]:
    """Constant words in lower case. Class names, levels and what stands in brackets count only where words are few."""
    said: list[str] = []
    origin: list[str] = []
    for token in _TOKEN.findall(_FIELD.sub(" ", phrase)):
        kind = origin if LOCATION.search(token) or LEVEL.fullmatch(token.strip("[]():,")) or "[" in token else said
        kind.extend(_CAMEL.sub("_", word).lower().replace("'", "") for word in _WORD.findall(plain_letters(token)))
    return said if len(said) > 1 else said + origin[-1:]
