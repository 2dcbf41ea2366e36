"""Contents as tokens: words, delimiters and blanks, with what is surely a variable masked.

Every decision is taken on the *fold* of a content (digits and hexadecimal words reduced to marks), so contents of one
fold have the same tokens. The masks are few and general: notations that are variables in every log (addresses, paths,
date-times, UUIDs, numbers) and words that hold a digit. What is a variable without looking like one is left to
:mod:`models.mining.merging`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

VARIABLE = "\0v"
"""Key of a masked token. Keys of other tokens are their text (delimiters, words), a blank, or a head, see below."""

HEAD = "\0h"
"""Start of the key of a word with digits whose alphabetic head follows: ``blk_-12`` is ``HEAD + "blk"``."""

BLANK = " "

_DIGITS, _HEX, _MIXED, _PREFIXED = "0", "\x01", "\x02", "\x03"

_LETTER = "A-Za-z\x80-\U0010ffff"
_WORD = f"[{_LETTER}0-9\x01-\x03]"
_DIGIT_WORD = re.compile(f"(?<![{_LETTER}0-9])[{_LETTER}]*[0-9][{_LETTER}0-9]*")
_HAS_DIGIT = re.compile("[0-9]")
_PREFIXED_HEX = re.compile(r"0[xX][0-9a-fA-F]+\Z")
_HEX_WORD = re.compile(r"[0-9a-fA-F]+\Z")
_HEAD_LETTERS = re.compile(f"[{_LETTER}]*")


@dataclass(slots=True)
class Tokens:
    """A content cut into tokens.

    Attributes:
        keys: what is compared: ``VARIABLE``, ``HEAD + head``, ``BLANK`` or the text of a word or delimiter.
        texts: the token's characters; joined they are the content again.
        parts: for a token that stands for a repeated list, the tokens that it was made of, by index.
    """

    keys: list[str]
    texts: list[str]
    parts: dict[int, Tokens]


def fold_word(word: str) -> str:
    """The fold of one word (a maximal run of letters and digits)."""
    if not _HAS_DIGIT.search(word):
        return word
    if word.isascii() and word.isdecimal():
        return _DIGITS
    if _PREFIXED_HEX.match(word):
        return _PREFIXED
    if _HEX_WORD.match(word):
        return _HEX
    head = _HEAD_LETTERS.match(word)
    return (head.group() if head else "") + _MIXED


def fold_text(content: str) -> str:
    """The fold of a content: each word folded, everything else as it is."""
    return _DIGIT_WORD.sub(lambda match: fold_word(match.group()), content)


_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"


def _sure_masks() -> list[str]:
    """Notations that are variables in any log, most specific first, over folds."""
    word = _WORD
    letters = f"[{_LETTER}]+"
    hexa = "(?:[0-9\x01]|[a-fA-F]{1,12})"
    month = f"(?:{_MONTHS})[a-z]*"
    day = f"(?:(?:{_DAYS})[a-z]*,? +)"
    clock = "0:0:0(?:[.,:]0)?"
    zone = f"(?:Z| ?[+-]0(?::0)?(?!{word})| (?:UTC|GMT|[A-Z]{{2,3}}T)(?!{word}))"
    piece = f"(?:{word}|[_.@%+~$*-])"
    no_more = f"(?![-.:/_]?{word})"
    return [
        # User agent, in quotes
        f'(?<="){letters}(?:[._-]{letters})*/0[^"]*(?=")',
        # URL, e-mail
        rf"{letters}://[^\s\"'<>|]*[^\s\"'<>|.,;:)\]}}]",
        f"(?:{word}|[._+-])+@(?:{word}|-)+(?:[.](?:{word}|-)+)+",
        # Date-times: by name of month, by numbers, ISO 8601, the time alone
        f"{day}?{month} +0,? (?:0,? )?{clock}{zone}?(?: 0(?![:.]))?",
        f"{day}?0[ -]{month}[ -]0(?:[ :]{clock})?{zone}?",
        f"0/{month}/0:{clock}{zone}?",
        f"(?:0-0-0|0/0/0|0[.]0[.]0)[ ,_-]+(?:0[.]0[.]0(?:[.]0)?|{clock}){zone}?{no_more}",
        f"0-0-0{no_more}|0/0/0{no_more}",
        f"0-0-[0\x02]:0(?::[0\x02])?(?:[.,][0\x02])?{zone}?",
        f"{clock}(?!:{word}){zone}?",
        # UUID, MAC and IPv6, IPv4 with port or mask
        f"(?=[^\\s]{{0,60}}[0\x01]){hexa}(?:-{hexa}){{4}}(?![-_]?{word})",
        f"(?=[^\\s]{{0,60}}[0\x01])(?:{hexa}(?::{hexa}){{5,8}}|(?:{hexa}:)*{hexa}?::(?:{hexa}:)*{hexa})"
        f"(?!:{hexa}(?!{word})|[_-]?{word})",
        f"0[.]0[.]0[.]0(?:[:/]0(?!{word}))?(?![._-]?{word})",
        # Paths
        rf"[{_LETTER}]:\\[^\s\"'<>|,;)\]}}]*",
        f"(?<![)/.\\]~-])/(?!0[.]0[.]0[.]0(?![.]?{word})){piece}+(?:/{piece}*)*(?<![.*])",
        f"{word}{piece}*(?:/{piece}+){{2,}}(?<![.*])",
    ]


_SIGN = r"(?<![)\].])[+-](?=[0-9\x01-\x03])"
_NAME = f"(?:{_SIGN})?_*{_WORD}+(?:[-_.$#@]+{_WORD}+)*_*"
# What most words are, tried before the masks: letters or a number, then a blank, and no part of a date.
_SHORT_CUTS = f"(?!(?:{_MONTHS}|{_DAYS}))(?P<plain>[{_LETTER}]+(?= |\\Z))|(?P<number>0(?= (?!{_MONTHS}|0:0)|\\Z))"
_SURE = "|".join(f"(?:{mask})" for mask in _sure_masks())
_SCAN = re.compile(
    f"(?P<blank>[ \t]+)|(?<!{_WORD})(?:{_SHORT_CUTS}|(?P<sure>{_SURE})|(?P<word>{_NAME}))|(?P<other>.)",
    re.DOTALL,
)
_FOLDED_DIGIT = re.compile("[0-9\x01-\x03]")
_EMPTY_SLOTS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "<": ">"}
_SEPARATORS = frozenset(",;)]}&|")
_SIZE_UNIT = re.compile("[KMGTPE]?i?B\\Z")


def tokenise(content: str) -> Tokens:
    """Cut a content into tokens and mask what is surely a variable.

    Words keep inner ``-_.$#@`` (``blk_-12``, ``java.io.IOException``); any other character that is no blank is a
    delimiter of its own. Where a value is left out (``user= ``, ``main()``) stands a variable of no characters, so that
    lines with and without the value have the same shape.
    """
    folded, cuts = _fold_with_cuts(content)
    keys: list[str] = []
    texts: list[str] = []
    at = 0
    worded = False
    for match in _SCAN.finditer(folded):
        end = cuts[match.end()]
        if end <= at:  # a mask that ended inside a word took the whole word
            continue
        text, at = content[at:end], end
        kind = match.lastgroup
        if kind == "blank":
            keys.append(BLANK)
        elif kind == "other":
            keys.append(text)
        else:
            key = text if kind == "plain" else _word_key(match.group(), text) if kind == "word" else VARIABLE
            if worded:  # two words that touch are one token
                keys[-1] = _touching(keys[-1], key, texts[-1] + text)
                texts[-1] += text
                continue
            if _SIZE_UNIT.match(text) and len(keys) > 1 and keys[-1] == BLANK and keys[-2] == VARIABLE:
                key = VARIABLE  # "512 B" today, "1.5 KB" tomorrow
            keys.append(key)
        texts.append(text)
        worded = kind not in ("blank", "other")
    return _with_empty_slots(keys, texts)


def _fold_with_cuts(content: str) -> tuple[str, Sequence[int]]:
    """The fold, and for each offset in it the offset in the content, rounded up to the end of a word with digits."""
    pieces: list[str] = []
    cuts: list[int] = [0]
    at = 0
    for match in _DIGIT_WORD.finditer(content):
        start, end = match.span()
        word = fold_word(match.group())
        pieces += (content[at:start], word)
        cuts += range(at + 1, start + 1)
        cuts += [end] * len(word)
        at = end
    if not pieces:
        return content, range(len(content) + 1)
    pieces.append(content[at:])
    cuts += range(at + 1, len(content) + 1)
    return "".join(pieces), cuts


def _word_key(folded: str, text: str) -> str:
    if not _FOLDED_DIGIT.search(folded):
        return text
    head = _HEAD_LETTERS.match(folded)
    letters = head.group() if head else ""
    return HEAD + letters if len(letters) > 1 else VARIABLE


def _touching(left: str, right: str, text: str) -> str:
    if left[0] != "\0" and right[0] != "\0":
        return text
    return left if left.startswith(HEAD) else VARIABLE


def _with_empty_slots(keys: list[str], texts: list[str]) -> Tokens:
    slots = []
    last = len(keys) - 1
    for i, key in enumerate(keys):
        if key == "=":
            if i == last or keys[i + 1] in _SEPARATORS or _blank_then_name(keys, i + 1):
                slots.append(i + 1)
        elif key in _EMPTY_SLOTS and i < last and keys[i + 1] == _EMPTY_SLOTS[key]:
            slots.append(i + 1)
    for i in reversed(slots):
        keys.insert(i, VARIABLE)
        texts.insert(i, "")
    return Tokens(keys, texts, {})


def _blank_then_name(keys: list[str], i: int) -> bool:
    """Whether at i stands a blank, and then the next ``name=`` or nothing."""
    return keys[i] == BLANK and (i + 1 == len(keys) or (i + 2 < len(keys) and keys[i + 2] == "="))


def is_wordlike(key: str) -> bool:
    """Whether a key is that of a word or variable, not of a delimiter or blank."""
    return len(key) > 1 or key.isalnum()
