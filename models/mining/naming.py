"""Names for the fields of templates, taken from the words around them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from models.phrases import LEVEL, plain_letters

_BY_PATTERN = {
    "INT": "number",
    "NUMBER": "number",
    "IPV4": "ip",
    "IPV6": "ip",
    "IPORHOST": "host",
    "UUID": "uuid",
    "COMMONMAC": "mac",
    "TIME": "time",
    "TIMESTAMP_ISO8601": "time",
    "DATE": "date",
    "SYSLOGTIMESTAMP": "time",
    "HTTPDATE": "time",
    "EMAILADDRESS": "email",
    "URI": "url",
    "PATH": "path",
    "BASE16NUM": "hex",
    "DATA": "text",
    "GREEDYDATA": "text",
}
_BEFORE_PORTS = frozenset({"IPV4", "IPV6", "IPORHOST", "USERNAME"})
_ADDRESS_ENDING = re.compile(r"(?:_|\A)(?:ip|host)\Z")
_DIRECTIONS = frozenset(["from", "to", "at", "on", "by", "via", "for"])
# Words that say nothing of the value behind them.
_FUNCTION_WORDS = _DIRECTIONS | frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "with",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "and",
        "or",
        "not",
        "no",
        "into",
        "onto",
        "than",
        "then",
        "this",
        "that",
        "it",
        "its",
        "after",
        "before",
        "since",
        "until",
        "per",
        "over",
        "under",
        "out",
        "up",
        "down",
        "off",
        "trace",
        "debug",
        "info",
        "notice",
        "warn",
        "warning",
        "error",
        "fatal",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
    ]
)
_LAST_WORD = re.compile(r"([^\W\d](?:[^\W\d]|[.$-])*)((?:(?![.$])[\W\d])*)\Z")
_WORD_BEFORE_OF = re.compile(r"([^\W\d]+) of \Z")
_ENCLOSED_APART = re.compile(r"\s[\[({<]")
_COMPONENT = re.compile(r"[.$]")  # "dfs.DataNode: " and "dfs.DataNode:" end a header
_HEADER_GAP = re.compile(r" - |\x04")
_UNIT = re.compile(r" ([A-Za-z]+)(?![\w=:(])")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_HEAD = re.compile(r"[A-Za-z]{2,}(?=[-_.#])")
_LONGEST_GAP = 4
_LONGEST_NAME = 32


@dataclass(frozen=True, slots=True)
class FieldSite:
    """A field and what stands around it.

    Attributes:
        before: the constant before it, empty at the start and behind another field.
        after: the constant behind it.
        pattern: its Grok pattern.
        values: some of its values.
    """

    before: str
    after: str
    pattern: str
    values: AbstractSet[str]


def name_heads(templates: Iterable[tuple[Sequence[FieldSite], int]]) -> dict[str, str]:
    """Names for identifiers with a constant head, so that ``blk_12`` has one name in all templates.

    The word that stands most often before the identifiers is their name (``block blk_12``), when at least two
    templates agree on it or it is a key (``order=ORD-7``); else the head itself is.

    Args:
        templates: the fields of each template and its number of lines.
    """
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    voters: Counter[tuple[str, str]] = Counter()
    for sites, lines in templates:
        for site in sites:
            head = _shared_head(site.values)
            if head:
                word, keyed = _word_before(site.before)
                if word and word not in _FUNCTION_WORDS:
                    votes[head][word] += lines
                    voters[head, word] += 2 if keyed else 1
    names = {}
    for head, words in votes.items():
        agreed = [word for word in words if voters[head, word] > 1]
        names[head] = min(agreed, key=lambda word: (-words[word], word)) if agreed else head
    return names


def name_fields(sites: Sequence[FieldSite], heads: Mapping[str, str]) -> list[str]:
    """A name for each field of a template, unique, snake case.

    In this order: the key before ``=`` or ``:`` (but a colon and a blank may also end a header, so that an agreed head
    goes first), the name of the head that all values share, the word before, with the kind of address after a direction
    (``from_ip``), the unit behind a number, the kind of value.
    """
    names: list[str] = []
    taken: set[str] = set()
    repeats: Counter[str] = Counter()
    address = ""
    for site in sites:
        if site.before == ":" and site.pattern == "INT" and address:
            name = _ADDRESS_ENDING.sub("", address)
            name = f"{name}_port" if name else "port"
        else:
            name = _name(site, heads)
        unique = name
        while unique in taken:
            repeats[name] += 1
            unique = f"{name}_{repeats[name] + 1}"
        taken.add(unique)
        names.append(unique)
        address = name if site.pattern in _BEFORE_PORTS else ""
    return names


def _name(site: FieldSite, heads: Mapping[str, str]) -> str:
    kind = _BY_PATTERN.get(site.pattern, "")
    word, keyed = _word_before(site.before)
    head = _shared_head(site.values)
    if word and keyed and not (head and site.before.endswith(" ") and heads.get(head, head) != head):
        return _with_kind(word, kind)
    if head:
        return heads.get(head, head)
    if word in _DIRECTIONS and kind:
        return f"{word}_{kind}"
    if word and word not in _FUNCTION_WORDS:
        return _with_kind(word, kind)
    unit = _UNIT.match(site.after)
    if kind == "number" and unit and _snake(unit[1]) and _snake(unit[1]) not in _FUNCTION_WORDS:
        return _snake(unit[1])
    return kind or "value"


def _with_kind(word: str, kind: str) -> str:
    if kind == "ip" and not word.endswith(("ip", "addr", "address", "host")):
        return f"{word}_ip"
    return word


def _word_before(before: str) -> tuple[str, bool]:
    """The word that a field may be named after, as a name, and whether it is a key (``word=``, ``word: ``)."""
    found = _LAST_WORD.search(before)
    if not found or len(found[2]) > _LONGEST_GAP or _ENCLOSED_APART.match(found[2]):
        return "", False
    if LEVEL.fullmatch(found[1]) or _HEADER_GAP.search(found[2]):
        return "", False
    if found[2] in (":", ": ") and _COMPONENT.search(found[1]):
        return "", False
    keyed = "=" in found[2] or ":" in found[2]
    if not keyed:
        of = _WORD_BEFORE_OF.search(before)
        return _snake(of[1] if of else found[1]), False
    return _snake(found[1].rpartition(".")[2] or found[1]), True


def _shared_head(values: AbstractSet[str]) -> str:
    heads = set()
    for value in values:
        found = _HEAD.match(value)
        heads.add(found[0] if found else "")
        if len(heads) > 1:
            return ""
    return _snake(heads.pop()) if heads else ""


def _snake(word: str) -> str:
    """A word as a field name: lower case, joined by underscores, starting with a letter; empty when nothing is left."""
    name = _NOT_NAME.sub("_", _CAMEL.sub("_", plain_letters(word)).lower()).strip("_")
    return name[:_LONGEST_NAME].strip("_").lstrip("0123456789_")
