"""Fields whose values are steps of a transaction: ``action=login``, ``GET /checkout``.

Where every transaction passes one template several times, always with the same few words in one of its fields, these
words say which step it is: each becomes a template of its own. The other values of the field stay a variable.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from models.grok import compile_grok
from models.mining.identifiers import FieldSamples, IdentifierChoice
from models.mining.lists import collapse_lists
from models.mining.masking import tokenise
from models.mining.templates import MinedTemplate

Row = tuple[str, ...]
Steps = dict[int, tuple[str, frozenset[str]]]

_LEAST_TRANSACTIONS = 20
_LEAST_STEPS = 2
_PASSED = 0.9
_WORD = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")


def find_steps(samples: FieldSamples, choice: IdentifierChoice) -> Steps:
    """For each template that stands for several steps the field that tells them, and its values that are steps.

    A value is a step when at least nine in ten transactions of the template have it, equally often, and it is a word
    without digits.

    Args:
        samples: events of each template, with the values of their fields.
        choice: which field of each template is the transaction identifier.
    """
    found: Steps = {}
    for template, sample in samples.items():
        identifier = choice.field_of(template)
        if identifier is None:
            continue
        transactions = sample.fields[identifier]
        size = len(set(transactions))
        if size < _LEAST_TRANSACTIONS or len(transactions) < _LEAST_STEPS * _PASSED * size:
            continue
        best: frozenset[str] = frozenset()
        for name, values in sample.fields.items():
            steps = _steps(transactions, values, size) if name != identifier else best
            if len(steps) >= _LEAST_STEPS and len(steps) > len(best):
                best = steps
                found[template] = name, steps
    return found


def _steps(transactions: Sequence[str], values: Sequence[str], size: int) -> frozenset[str]:
    lines = Counter(values)
    likely = {
        value
        for value, count in lines.items()
        if count >= _PASSED * size and _WORD.search(value) and not _DIGIT.search(value)
    }
    times: dict[str, Counter[str]] = defaultdict(Counter)
    for transaction, value in zip(transactions, values, strict=True):
        if value in likely:
            times[value][transaction] += 1
    return frozenset(
        value for value, each in times.items() if Counter(each.values()).most_common(1)[0][1] >= _PASSED * size
    )


def split_contents(mined: Sequence[MinedTemplate], contents: Sequence[str], steps: Steps) -> Mapping[int, Row]:
    """For each content that is a step by its field's value, the pattern with that value as a constant."""
    patterns: dict[int, Row] = {}
    for template, (name, values) in steps.items():
        regex = compile_grok(mined[template].grok).regex
        for index in mined[template].contents:
            found = regex.fullmatch(contents[index])
            if found is None or found[name] not in values:
                continue
            at = 0
            for place, text in enumerate(collapse_lists(tokenise(contents[index])).texts):
                if (at, at + len(text)) == found.span(name):
                    own = mined[template].pattern
                    patterns[index] = (*own[:place], text, *own[place + 1 :])
                at += len(text)
    return patterns
