"""Lists of any length inside a content, collapsed to one token so that lines with shorter and longer lists agree."""

from __future__ import annotations

import re

from models.mining.masking import HEAD, VARIABLE, Tokens

_LONGEST_UNIT = 9
_FIRST_VARIABLE, _FIRST_WORD = 0xE000, 0xF0000
_VARIABLES = f"[{chr(_FIRST_VARIABLE)}-\uf8ff]"
_WORDS = f"{chr(_FIRST_VARIABLE)}-\uf8ff{chr(_FIRST_WORD)}-\U0010ffff"


def _run_of(unit: int) -> re.Pattern[str]:
    """Items of so many tokens, parted by equal separators, in a text of one character a token."""
    inside = f".{{{unit - 2}}}[^ ]" if unit > 1 else ""
    return re.compile(
        rf"(?=.{{0,{unit - 1}}}{_VARIABLES})([^ ]{inside})([^ ={_WORDS}] ?| )\1(?:\2\1)*",
        re.DOTALL,
    )


_RUNS = [_run_of(unit) for unit in range(1, _LONGEST_UNIT + 1)]


def collapse_lists(tokens: Tokens) -> Tokens:
    """Replace each run ``item sep item sep … item`` by one variable that keeps its tokens as parts.

    An item is a stretch of at most nine tokens that holds a variable; all items of a run have equal keys. A separator
    is one blank or delimiter, or a delimiter and a blank. Shortest items first, leftmost first. A content that is
    nothing but a list stays as it is: a template of one field of any length would match every line.
    """
    line = _one_character_each(tokens.keys)
    for unit, pattern in enumerate(_RUNS, 1):
        if 2 * unit >= len(line):
            break
        while runs := [match.span() for match in pattern.finditer(line) if match.end() - match.start() < len(line)]:
            tokens = _join_runs(tokens, runs)
            line = _one_character_each(tokens.keys)
    return tokens


def _one_character_each(keys: list[str]) -> str:
    """The keys as text: delimiters and blanks as they are, a character of its own for each distinct word."""
    characters: dict[str, str] = {}
    for key in keys:
        if key not in characters:
            if len(key) == 1 and not key.isalnum() and not _is_private(key):
                characters[key] = key
            elif key[0] == "\0":
                characters[key] = chr(_FIRST_VARIABLE + len(characters) % 6400)
            else:
                characters[key] = chr(_FIRST_WORD + len(characters) % 60000)
    return "".join([characters[key] for key in keys])


def _is_private(key: str) -> bool:
    return _FIRST_VARIABLE <= ord(key) <= 0xF8FF or ord(key) >= _FIRST_WORD


def _join_runs(tokens: Tokens, runs: list[tuple[int, int]]) -> Tokens:
    keys: list[str] = []
    texts: list[str] = []
    parts: dict[int, Tokens] = {}
    at = 0
    for start, end in [*runs, (len(tokens.keys), len(tokens.keys))]:
        for i in range(at, start):
            if i in tokens.parts:
                parts[len(keys)] = tokens.parts[i]
            keys.append(tokens.keys[i])
            texts.append(tokens.texts[i])
        if start < end:
            inner = Tokens(
                tokens.keys[start:end],
                tokens.texts[start:end],
                {i - start: tokens.parts[i] for i in range(start, end) if i in tokens.parts},
            )
            parts[len(keys)] = inner
            keys.append(_list_key(inner.keys))
            texts.append("".join(inner.texts))
            at = end
    return Tokens(keys, texts, parts)


def _list_key(keys: list[str]) -> str:
    """A list of ``name_1, name_2`` keeps the head of its items; any other list is plainly variable."""
    first = keys[0]
    return first if first.startswith(HEAD) else VARIABLE
