"""Mine message templates from distinct contents.

Contents are cut into tokens (:mod:`models.mining.masking`), lists collapsed (:mod:`models.mining.lists`), rows of words
merged where they differ in variables only (:mod:`models.mining.merging`), and each group written as a Grok template
with typed, named fields (:mod:`models.mining.fields`). The set of contents decides, not their order.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.mining.fields import field_sites, find_fields, write_grok
from models.mining.headers import free_headers
from models.mining.lists import collapse_lists
from models.mining.masking import Tokens, tokenise
from models.mining.merging import MergeSettings, merge_signatures
from models.mining.naming import name_fields, name_heads


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """How templates are mined; one default for every kind of log."""

    merge: MergeSettings = field(default_factory=MergeSettings)


@dataclass(frozen=True, slots=True)
class MinedTemplate:
    """A template found in contents.

    Attributes:
        id: ``t-`` and eight hexadecimal digits of the SHA-256 of ``grok``.
        grok: the whole content in Grok syntax.
        count: lines behind it.
        example: the example of its most frequent content (of the smallest content among equals).
        contents: indices of the contents that belong to it, ascending; each matches ``grok`` as a whole.
        pattern: the keys of its tokens, :data:`models.mining.masking.VARIABLE` for what varies.
    """

    id: str
    grok: str
    count: int
    example: str
    contents: tuple[int, ...]
    pattern: tuple[str, ...]


def mine_templates(
    contents: Sequence[str],
    counts: Sequence[int],
    examples: Sequence[str] | None = None,
    settings: MiningSettings | None = None,
    joined: Mapping[tuple[str, ...], tuple[str, ...]] | None = None,
    split: Mapping[int, tuple[str, ...]] | None = None,
) -> list[MinedTemplate]:
    """Find the templates of contents.

    Args:
        contents: n contents, one representative of each fold.
        counts: n numbers of lines, how many had that fold.
        examples: n raw lines to show for each content; the contents themselves when left out.
        settings: thresholds.
        joined: for some patterns of an earlier run the pattern to use instead.
        split: for some contents the pattern to use instead.

    Returns:
        Templates, most frequent first, then by ``grok``; each content belongs to exactly one.
    """
    if len(contents) != len(counts) or (examples is not None and len(examples) != len(contents)):
        raise ValueError("contents, counts and examples must be equally many")
    settings = settings or MiningSettings()
    tokens = [collapse_lists(tokenise(content)) for content in contents]
    signatures = [tuple(each.keys) for each in tokens]
    lines: Counter[tuple[str, ...]] = Counter()
    for signature, count in zip(signatures, counts, strict=True):
        lines[signature] += count
    freed = free_headers(lines)
    freed_lines: Counter[tuple[str, ...]] = Counter()
    for signature, count in lines.items():
        freed_lines[freed[signature]] += count
    patterns = merge_signatures(freed_lines, settings.merge)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, signature in enumerate(signatures):
        pattern = patterns[freed[signature]]
        pattern = (joined or {}).get(pattern, pattern)
        groups[(split or {}).get(index, pattern)].append(index)
    return _templates(contents, counts, examples or contents, tokens, groups)


def assignment(templates: Sequence[MinedTemplate], contents: int) -> list[int]:
    """For each of so many contents the index of its template."""
    owner = [-1] * contents
    for number, template in enumerate(templates):
        for index in template.contents:
            owner[index] = number
    return owner


def template_id(grok: str) -> str:
    """The identifier of a template as mined."""
    return "t-" + hashlib.sha256(grok.encode()).hexdigest()[:8]


def _templates(
    contents: Sequence[str],
    counts: Sequence[int],
    examples: Sequence[str],
    tokens: Sequence[Tokens],
    groups: dict[tuple[str, ...], list[int]],
) -> list[MinedTemplate]:
    found = [
        (find_fields([tokens[i] for i in indices], [key[0] == "\0" for key in pattern]), indices)
        for pattern, indices in groups.items()
    ]
    sites = [(field_sites(pieces), sum(counts[i] for i in indices)) for pieces, indices in found]
    heads = name_heads(sites)
    by_grok: dict[str, list[int]] = defaultdict(list)
    patterns: dict[str, tuple[str, ...]] = {}
    for pattern, (pieces, indices), (fields, _) in zip(groups, found, sites, strict=True):
        grok = write_grok(pieces, name_fields(fields, heads))
        by_grok[grok].extend(indices)
        patterns.setdefault(grok, pattern)
    templates = []
    for grok, indices in by_grok.items():
        best = min(indices, key=lambda i: (-counts[i], contents[i], examples[i]))
        count = sum(counts[i] for i in indices)
        own = tuple(sorted(indices))
        templates.append(MinedTemplate(template_id(grok), grok, count, examples[best], own, patterns[grok]))
    return sorted(templates, key=lambda template: (-template.count, template.grok))
