"""Several templates made one: what they share stays, what differs becomes fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from models.document import Automaton, ModelDocument, State, Template
from models.editing.alignment import FIELD, TEXT, Token, aligned, tokens_of
from models.editing.checked import EditError, copied, find_template, finished, states_of
from models.editing.content import forget_values
from models.editing.contents import ContentReader
from models.editing.covering import NO_BLANK, covering
from models.editing.states import join_states
from models.grok import compile_grok
from models.mining.naming import FieldSite, name_fields

_NAMED = re.compile(r"%\{[^}:]*:|\(\?P?<[a-z]")
Stretch = tuple[list[Token], list[Token]]


def merge(model: ModelDocument, templates: Sequence[str]) -> ModelDocument:
    """Make one template of several: every line that fitted one of them fits it.

    The words that they share stay; where they differ stands a field, of the narrowest pattern known to take what stood
    there. The template has the id, the place and the names of fields of the first. States of the templates become one
    state, see :func:`models.editing.states.join_states`. What was learnt of the values of their fields goes.

    Args:
        model: the document; it stays as it is.
        templates: ids of at least two templates.

    Raises:
        EditError: there is no such template; they share no word; they are written with alternatives; their states are
            of different automata, not all of them have one, or only some begin or end a transaction; the transaction's
            identifier does not stand at the same place in all.
    """
    if len(templates) < 2:
        raise EditError("one template cannot be merged; name at least two")
    for name in templates:
        if templates.count(name) > 1:
            raise EditError(f"the template {name} is named twice; name each once")
    after = copied(model)
    parts = [find_template(after, name) for name in templates]
    owners = _owners(model, templates)
    merged = parts[0]
    tokens = _tokens(merged)
    identifiers = [{own[merged.id][1].field} for own in owners]
    for part in parts[1:]:
        tokens, found = _merged(tokens, _tokens(part), model.patterns)
        for own, places in zip(owners, identifiers, strict=True):
            place = found.get(own[part.id][1].field)
            if place is None:
                raise _misplaced(templates, part.id, own[part.id][1].field)
            places.add(place)
    names = [token.name for token in tokens if token.kind == FIELD]
    for own, places in zip(owners, identifiers, strict=True):
        if len(places) > 1 or not places <= set(names):
            raise _misplaced(templates, merged.id, own[merged.id][1].field)
    if not any(token.is_word for token in tokens):
        raise EditError(f"the templates {', '.join(templates)} share no word; only templates that do can be merged")
    grok = "".join(token.source for token in tokens)
    fields = [next(iter(places)) for places in identifiers]
    _check_examples(model, parts, grok, owners, fields)
    merged.grok, merged.count = grok, sum(part.count for part in parts)
    gone = set(templates[1:])
    after.templates = [t for t in after.templates if t.id not in gone]
    forget_values(after, set(templates))
    for own, field in zip(owners, fields, strict=True):
        automaton = next(a for a in after.automata if a.id == own[merged.id][0].id)
        ids = [own[name][1].id for name in templates]
        join_states(automaton, [next(s for s in automaton.states if s.id == name) for name in ids], merged.id, field)
    return finished(model, after, [merged.id])


def _owners(model: ModelDocument, templates: Sequence[str]) -> list[dict[str, tuple[Automaton, State]]]:
    """For each automaton that has them as states the templates with automaton and state; empty where none has."""
    found = {name: states_of(model, name) for name in templates}
    if not any(found.values()):
        return []
    for name in templates:
        if not found[name]:
            other = next(name for name in templates if found[name])
            automaton, state = found[other][0]
            raise EditError(
                f"the template {other} is the state {state.id} of automaton {automaton.id} and {name} is no state: its "
                "lines would count as visits of that state, which nothing was learnt of; merge templates of one kind"
            )
    automata = {name: sorted(automaton.id for automaton, _ in states) for name, states in found.items()}
    if any(of_one != automata[templates[0]] for of_one in automata.values()):
        every = sorted({automaton for of_one in automata.values() for automaton in of_one})
        raise EditError(
            f"the templates {', '.join(templates)} are states of different automata ({', '.join(every)}), "
            "and lines of one template visit the same automata; take one of the automata out first"
        )
    for name, of_one in automata.items():
        if len(set(of_one)) < len(of_one):
            raise EditError(f"the template {name} is several states of one automaton; take all but one out first")
    owners = [
        {name: next(pair for pair in found[name] if pair[0] is automaton) for name in templates}
        for automaton, _ in found[templates[0]]
    ]
    for own in owners:
        _check_marks([state for _, state in own.values() if state.max != 0])
    return owners


def _check_marks(counted: Sequence[State]) -> None:
    for mark in ("begin", "end"):
        if len({getattr(state, mark) for state in counted}) > 1:
            which = next(state.id for state in counted if getattr(state, mark))
            other = next(state.id for state in counted if not getattr(state, mark))
            raise EditError(
                f"the state {which} may {mark} a transaction and {other} may not: as one state, each of its lines "
                f'would {mark} one; give both the same "{mark}" first, if that is meant'
            )


def _tokens(template: Template) -> list[Token]:
    tokens = tokens_of(template.grok)
    if tokens is None:
        raise EditError(
            f"the template {template.id} begins with flags or holds alternatives outside of brackets, so that it "
            "cannot be taken to pieces; write it without them first"
        )
    return tokens


def _merged(one: list[Token], two: list[Token], custom: Mapping[str, str]) -> tuple[list[Token], dict[str, str]]:
    """The tokens of both as one, and for the fields of the second that stay what they are called now."""
    stretches = _without_gaps(_without_touching(list(aligned(one, two))))
    taken = {field.name for field in compile_grok("".join(token.source for token in one), custom).fields}
    tokens: list[Token] = []
    renamed: dict[str, str] = {}
    for at, (left, right) in enumerate(stretches):
        if _alike(left, right):
            token = _shared(left[0], right[0])
            tokens.append(token)
            if token.kind == FIELD:
                renamed[right[0].name] = token.name
            continue
        following = stretches[at + 1][0] if at + 1 < len(stretches) else []
        enclosed = bool(following) and following[0].kind == TEXT and not following[0].text[0].isspace()
        token = _variable(left, right, custom, tokens, taken, enclosed=enclosed, last=at + 1 == len(stretches))
        taken.add(token.name)
        tokens.append(token)
        if len(right) == 1 and right[0].kind == FIELD:
            renamed[right[0].name] = token.name
    return tokens, renamed


def _alike(left: Sequence[Token], right: Sequence[Token]) -> bool:
    return len(left) == len(right) == 1 and left[0].key == right[0].key


def _without_touching(stretches: list[Stretch]) -> list[Stretch]:
    """Stretches that differ take in the fields they touch: two fields side by side could share a text in many ways."""
    found: list[Stretch] = []
    differs: list[bool] = []
    for left, right in stretches:
        different = not _alike(left, right)
        takes_before = different and bool(found) and (differs[-1] or _captures(found[-1][0][0]))
        if takes_before or (bool(found) and differs[-1] and not different and _captures(left[0])):
            found[-1] = (found[-1][0] + left, found[-1][1] + right)
            differs[-1] = True
        else:
            found.append((list(left), list(right)))
            differs.append(different)
    return found


def _without_gaps(stretches: list[Stretch]) -> list[Stretch]:
    """Differences with only blanks between them are one where one of them is nothing: ``red`` and ``very green``."""
    found: list[Stretch] = []
    for left, right in stretches:
        found.append((left, right))
        if len(found) < 3 or _alike(left, right) or not _is_gap(found[-2]) or _alike(*found[-3]):
            continue
        if not (left and right and all(found[-3])):
            first, gap = found[-3], found[-2]
            one, two = first[0] + gap[0] + left, first[1] + gap[1] + right
            shared: list[Stretch] = []
            while len(one) > 1 and len(two) > 1 and _is_gap(([one[-1]], [two[-1]])):
                shared.append(([one.pop()], [two.pop()]))
            found[-3:] = [(one, two), *shared]
    return found


def _is_gap(stretch: Stretch) -> bool:
    return _alike(*stretch) and stretch[0][0].kind == TEXT and stretch[0][0].text.isspace()


def _captures(token: Token) -> bool:
    """Whether a field is cut out there."""
    return token.kind == FIELD or (token.kind != TEXT and _NAMED.search(token.source) is not None)


def _shared(one: Token, two: Token) -> Token:
    if one.kind != FIELD or one.type == two.type:
        return one
    kind = "float" if {one.type, two.type} == {"int", "float"} else ""
    return _field(one.name, next(iter(one.patterns)), kind, one.values)


def _variable(
    left: Sequence[Token],
    right: Sequence[Token],
    custom: Mapping[str, str],
    before: Sequence[Token],
    taken: set[str],
    *,
    enclosed: bool,
    last: bool,
) -> Token:
    """The field in the place of two stretches."""
    patterns: set[str] = set()
    values: set[str] = set()
    for stretch in (left, right):
        if len(stretch) == 1 and stretch[0].kind == FIELD:
            patterns |= stretch[0].patterns
            values |= stretch[0].values
        elif all(token.kind == TEXT for token in stretch):
            values.add("".join(token.text for token in stretch))
        elif all(_no_blank(token, custom) for token in stretch):
            patterns.add("NOTSPACE")
        else:
            patterns.add("DATA")
    pattern = covering(patterns, values, custom, enclosed=enclosed, last=last)
    fields = [token for token in (*left[:1], *right[:1]) if token.kind == FIELD]
    alone = len(left) == 1 and left[0].kind == FIELD
    if alone:
        name = left[0].name
    else:
        constant = ""
        for token in reversed(before):
            if token.kind != TEXT:
                break
            constant = token.text + constant
        name = name_fields([FieldSite(constant, "", pattern, frozenset(values))], {})[0]
        name = _free(name, taken)
    types = {token.type for token in fields}
    kept = len(fields) == 2 and len(left) == len(right) == 1
    kind = types.pop() if kept and len(types) == 1 else "float" if kept and types == {"int", "float"} else ""
    return _field(name, pattern, kind, frozenset())


def _field(name: str, pattern: str, kind: str, values: frozenset[str]) -> Token:
    source = f"%{{{pattern}:{name}{f':{kind}' if kind else ''}}}"
    return Token(FIELD, source, name=name, type=kind, patterns=frozenset([pattern]), values=values)


def _no_blank(token: Token, custom: Mapping[str, str]) -> bool:
    if token.kind == TEXT:
        return not any(c.isspace() for c in token.text)
    return token.kind == FIELD and all(p in NO_BLANK and p not in custom for p in token.patterns)


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _misplaced(templates: Sequence[str], template: str, field: str) -> EditError:
    return EditError(
        f"the templates {', '.join(templates)} do not hold the transaction's identifier at the same place (field "
        f"{field} of {template}), so one template cannot cut it out; they have to stay apart"
    )


def _check_examples(
    model: ModelDocument,
    parts: Sequence[Template],
    grok: str,
    owners: Sequence[Mapping[str, tuple[Automaton, State]]],
    identifiers: Sequence[str],
) -> None:
    """Check on the examples that the merged template reads the same transactions out of a line as its parts do."""
    reader = ContentReader(model)
    merged = compile_grok(grok, model.patterns)
    for part in parts:
        content = reader.content(part.example)
        before = compile_grok(part.grok, model.patterns).regex.fullmatch(content) if part.example else None
        if before is None:
            continue
        now = merged.regex.fullmatch(content)
        if now is None:
            raise EditError(f"{grok} would not take the example of template {part.id}; they have to stay apart")
        for own, identifier in zip(owners, identifiers, strict=True):
            if now[identifier] != before[own[part.id][1].field]:
                raise _misplaced([p.id for p in parts], part.id, own[part.id][1].field)
