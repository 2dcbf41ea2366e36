"""What a template says, for people: its message without header, timestamp, level and what all its siblings share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from models.grok import plain_text

LEVEL = re.compile(
    r"trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal|severe|panic|emerg|alert", re.IGNORECASE
)
LOCATION = re.compile(r"\w+[.$:/\\]+\w")
"""A word such as a class, a file or a component: ``dfs.DataNode``."""

# A bracketed stretch is one word: "[req-… - - -]" says where, not what.
_TOKEN = re.compile(r"[^\s\[]*\[[^\]]*\]\S*|\S+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_FIELD = re.compile(r"<[^<>\s]*>")
_HEADER_END = re.compile(r".*(?:\]:?|[)>]:|[.$]\w+:)\Z")
_AFTER_COLON = re.compile(r"(?<=:)(?=[^\s:/\\])")
_LONGEST_HEADER = 8
_PAIR = re.compile(
    r"""(?:"(?P<quoted>[^"\s]+)"\s*:\s*|(?P<bare>[\w.-]+)=)(?P<value>"[^"]*"|'[^']*'|[^\s,;{}"']+)""", re.VERBOSE
)
_LEAST_PAIRS = 2
_BARE_VALUES = frozenset({"true", "false", "null", "none", "nil"})
_SPELT = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L"})


def phrases(groks: Sequence[str]) -> list[str]:
    """A phrase for each of some templates that are seen side by side, such as the states of an automaton.

    Of templates made of ``key=value`` or JSON, the constant values in which they differ (``payment authorized``); of
    others, the message behind the header. Where nothing is left, or two would read alike, more of the template stands.
    """
    texts = [plain_text(grok) for grok in groks]
    pairs = [_pairs(text) for text in texts]
    shared = set.intersection(*[set(each) for each in pairs]) if len(pairs) > 1 else set()
    found = [_values(own, shared) or _quoted(message(text)) for text, own in zip(texts, pairs, strict=True)]
    for longer in ([message(text) for text in texts], texts):
        found = [other if found.count(one) > 1 else one for one, other in zip(found, longer, strict=True)]
    return found


def _quoted(said: str) -> str:
    """Of a message that begins with a quotation, such as a request in an access log, the quotation."""
    inner, _, rest = said[1:].partition('"')
    return inner if said[:1] == '"' and rest and _LETTERS.search(_FIELD.sub(" ", inner)) else said


def plain_letters(text: str) -> str:
    """A text in ASCII: accents fall off letters, what has no like in ASCII is left out."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text.translate(_SPELT)).encode("ascii", "ignore").decode()


def message(text: str) -> str:
    """The plain text of a template from its message on; all of it if it has no words."""
    tokens = _tokens(text)
    starts = [at + 1 for at in _header_ends([token for token, _ in tokens])]
    for first in (*reversed(starts), 0):
        while first < len(tokens) and _is_header(tokens[first][0]):
            first += 1
        # A bare field is the subject of what follows: "<rows> rows read".
        at = first - 1
        if 0 <= at < len(tokens) and _FIELD.fullmatch(tokens[at][0]) and (at == 0 or at in starts):
            first = at
        rest = text[tokens[first][1] :] if first < len(tokens) else ""
        if _LETTERS.search(_FIELD.sub(" ", rest)):
            return rest
    return text


def _tokens(text: str) -> list[tuple[str, int]]:
    """Words and where they begin; ``INFO:app.main:started`` is three."""
    tokens = []
    for match in _TOKEN.finditer(text):
        pieces = _AFTER_COLON.split(match.group())
        if not _is_header(pieces[0]):
            pieces = [match.group()]
        at = match.start()
        for piece in pieces:
            tokens.append((piece, at))
            at += len(piece)
    return tokens


def _header_ends(words: Sequence[str]) -> list[int]:
    """The places of words that look like the last one of a header, ascending; none behind the first words of prose."""
    ends = []
    plain = 0
    for at, word in enumerate(words[:_LONGEST_HEADER]):
        if _HEADER_END.match(word) or (word == "-" and at and _is_header(words[at - 1])):
            ends.append(at)
        plain = 0 if _is_header(word) or word.endswith(":") else plain + 1
        if plain > 1:
            break
    return ends


def _is_header(token: str) -> bool:
    """Whether a word at the start says when, where or how grave, not what."""
    bare = _FIELD.sub("", token).strip("[](){}:,-|")
    return not _LETTERS.search(bare) or bool(LEVEL.fullmatch(bare)) or bool(LOCATION.search(bare))


def _pairs(text: str) -> list[tuple[str, str]]:
    """The keys with constant values of a text that is made of pairs; empty if it is not."""
    found = list(_PAIR.finditer(text))
    covered = sum(match.end() - match.start() for match in found)
    if len(found) < _LEAST_PAIRS or 2 * covered < len(text):
        return []
    pairs = [(match["quoted"] or match["bare"], match["value"].strip("\"'")) for match in found]
    return [pair for pair in pairs if _LETTERS.search(_FIELD.sub("", pair[1]))]


def _values(pairs: Sequence[tuple[str, str]], shared: set[tuple[str, str]]) -> str:
    own = [value for key, value in pairs if (key, value) not in shared and not _says_nothing(value)]
    return ", ".join(own)


def _says_nothing(value: str) -> bool:
    return value.lower() in _BARE_VALUES or bool(LEVEL.fullmatch(value))
