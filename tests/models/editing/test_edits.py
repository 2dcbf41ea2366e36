"""Operations on templates: what each makes of a document, what it refuses, and what never changes."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.document import ModelDocument
from models.editing.checked import EditError
from models.editing.constants import generalise, specialise
from models.editing.examples import moved_examples
from models.editing.fields import rename_field, retype_field
from models.editing.merge import merge
from models.editing.removal import add, delete
from models.editing.split import split
from models.grok import compile_grok
from tests.models.editing.shop_model import TIME, content, document, grok_of, model, template_of

MODEL = model()
FIELDS = [(t.id, f.name) for t in MODEL.templates for f in compile_grok(t.grok).fields]
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda n: n.isascii())
TYPES = st.sampled_from(["INT", "INT:int", "NUMBER:float", "WORD", "NOTSPACE", "DATA", "GREEDYDATA", "HEX"])


def fresh(name):
    return name not in {f for _, f in FIELDS}


EDITS = st.one_of(
    st.tuples(st.just(rename_field), st.sampled_from(FIELDS), st.tuples(NAMES.filter(fresh))),
    st.tuples(st.just(retype_field), st.sampled_from(FIELDS), st.tuples(TYPES)),
    st.tuples(st.just(split), st.just(("t-close", "code")), st.tuples(st.just(["200", "5"]) | st.just(["7"]))),
    st.tuples(st.just(specialise), st.just(("t-cache", "n")), st.tuples(st.sampled_from(["5", "6", "+7"]))),
    st.tuples(
        st.just(generalise),
        st.just(("t-cache", "evicted")),
        st.tuples(st.sampled_from(["WORD", "NOTSPACE", "DATA"]), NAMES.filter(fresh)),
    ),
    st.tuples(st.just(delete), st.sampled_from([(t.id,) for t in MODEL.templates]), st.just(())),
    st.tuples(st.just(merge), st.just((["t-visa", "t-paypal"],)), st.just(())),
    st.tuples(st.just(add), st.sampled_from([("WARN disk %{INT:n}",), ("%{GREEDYDATA:x}",)]), st.just(())),
)


def edited(edit, before=MODEL):
    run, first, rest = edit
    return run(before, *first, *rest)


@settings(max_examples=80, deadline=None)
@given(EDITS)
def test_an_edit_is_pure_counts_the_version_up_and_leaves_a_valid_document(edit):
    try:
        after = edited(edit)
    except EditError:
        after = None
    assert model() == MODEL
    if after is not None:
        assert after.version == MODEL.version + 1
        assert ModelDocument.from_json(after.to_json()) == after


@settings(max_examples=80, deadline=None)
@given(EDITS)
def test_every_example_of_an_untouched_template_parses_as_before(edit):
    try:
        after = edited(edit)
    except EditError:
        return
    groks = {t.id: t.grok for t in after.templates}
    for template in MODEL.templates:
        # What is split off a template keeps its Grok, but not all of its lines.
        if groks.get(template.id) == template.grok and (edit[0], template.id) != (split, "t-close"):
            line = template.example.removeprefix(f"{TIME} ")
            assert template_of(MODEL, line) == template_of(after, line) == template.id
            assert compile_grok(template.grok).values(line) == compile_grok(groks[template.id]).values(line)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(FIELDS), NAMES.filter(fresh))
def test_a_field_renamed_and_renamed_back_is_the_same_document(field, new):
    template, old = field
    there = rename_field(MODEL, template, old, new)
    assert content(there) != content(MODEL)
    assert content(rename_field(there, template, new, old)) == content(MODEL)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(FIELDS), TYPES)
def test_a_field_retyped_and_retyped_back_has_the_same_grok(field, pattern):
    template, name = field
    old = next(f for f in compile_grok(grok_of(MODEL, template)).fields if f.name == name)
    kind = {int: "int", float: "float", str: "text"}[old.type]
    try:
        there = retype_field(MODEL, template, name, pattern)
    except EditError:
        assert pattern.partition(":")[0] == old.pattern_name
        return
    back = retype_field(there, template, name, f"{old.pattern_name}:{kind}")
    assert grok_of(back, template) == grok_of(MODEL, template)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([("t-cache", "n", "INT:int"), ("t-close", "code", "INT:int"), ("t-open", "user", "WORD")]),
    st.data(),
)
def test_a_constant_made_and_made_a_variable_again_is_the_same_template(place, data):
    template, field, pattern = place
    value = data.draw(
        st.integers(100, 999).map(str) if pattern == "INT:int" else st.from_regex(r"[x-z]{3,6}", fullmatch=True)
    )
    there = specialise(MODEL, template, field, value)
    back = generalise(there, template, value, pattern, field)
    assert grok_of(back, template) == grok_of(MODEL, template)
    assert back.automata == MODEL.automata


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 99999), st.sampled_from(["visa", "paypal"]))
def test_a_merged_template_takes_all_lines_of_its_parts_and_the_same_transactions(order, ms, kind):
    line = f"INFO paid order {order} with {kind} in {ms} ms"
    merged = merge(MODEL, ["t-visa", "t-paypal"])
    assert template_of(merged, line) == "t-visa"
    found = compile_grok(grok_of(merged, "t-visa")).values(line) or {}
    assert (found["id"], found["ms"]) == (str(order), ms)


def test_renaming_follows_into_the_state():
    after = rename_field(MODEL, "t-open", "id", "order")
    assert grok_of(after, "t-open") == "INFO open order %{INT:order} by %{WORD:user}"
    assert [s.field for s in after.automata[0].states] == ["order", "id", "nr", "id"]


@pytest.mark.parametrize(
    ("grok", "expected"),
    [
        ("a (?<x>[a-z]+)+ %{INT:y}", "a (?<z>[a-z]+)+ %{INT:y}"),
        ("a (?<x>(?:b|[)])) %{INT:y}", "a (?<z>(?:b|[)])) %{INT:y}"),
        (r"^a\$ (?:%{INT:x})? b$", r"^a\$ (?:%{INT:z})? b$"),
        ("%{INT:y} %{NUMBER:x:float}", "%{INT:y} %{NUMBER:z:float}"),
    ],
)
def test_all_else_in_the_template_stays_as_it_is_written(grok, expected):
    before = add(MODEL, grok, "t-new")
    assert grok_of(rename_field(before, "t-new", "x", "z"), "t-new") == expected


@pytest.mark.parametrize(
    ("old", "pattern", "new"),
    [
        ("%{INT:x:int}", "NUMBER", "%{NUMBER:x:float}"),
        ("%{INT:x:int}", "POSINT", "%{POSINT:x:int}"),
        ("%{INT:x:int}", "WORD", "%{WORD:x}"),
        ("%{INT:x:int}", "INT:float", "%{INT:x:float}"),
        ("(?<x>a+)", "WORD", "%{WORD:x}"),
        ("%{WORD:x}", "INT", "%{INT:x}"),
    ],
)
def test_a_number_stays_one_where_the_pattern_is_a_number(old, pattern, new):
    before = add(MODEL, f"a {old} b", "t-new")
    assert grok_of(retype_field(before, "t-new", "x", pattern), "t-new") == f"a {new} b"


def test_what_is_repeated_stays_repeated_as_a_constant():
    before = add(MODEL, "a %{INT:x}? b", "t-new")
    grok = grok_of(specialise(before, "t-new", "x", "12"), "t-new")
    assert grok == "a (?:12)? b"
    assert [bool(compile_grok(grok).regex.fullmatch(s)) for s in ("a 12 b", "a  b", "a 1 b")] == [True, True, False]


def test_a_constant_is_escaped():
    before = add(MODEL, "say %{DATA:x};", "t-new")
    assert grok_of(specialise(before, "t-new", "x", "(1+1)?"), "t-new") == r"say \(1\+1\)\?;"


def test_whole_words_are_found_before_parts_of_words():
    before = add(MODEL, r"in inner \[in\] order", "t-new")
    assert grok_of(generalise(before, "t-new", "order", "WORD", "x"), "t-new") == r"in inner \[in\] %{WORD:x}"
    with pytest.raises(
        EditError, match="'in' stands 2 times in template t-new; give more of the text, or say which one"
    ):
        generalise(before, "t-new", "in", "WORD", "x")
    assert grok_of(generalise(before, "t-new", "in", "WORD", "x", "2"), "t-new") == r"in inner \[%{WORD:x}\] order"
    assert grok_of(generalise(before, "t-new", "nne", "WORD", "x"), "t-new") == r"in i%{WORD:x}r \[in\] order"
    assert grok_of(generalise(before, "t-new", "[in]", "NOTSPACE", "x"), "t-new") == "in inner %{NOTSPACE:x} order"


def test_merging_sums_bounds_and_keeps_what_follows():
    after = merge(MODEL, ["t-visa", "t-paypal"])
    assert grok_of(after, "t-visa") == "INFO paid order %{INT:id} with %{NOTSPACE:value} in %{INT:ms:int} ms"
    assert [t.id for t in after.templates] == ["t-open", "t-visa", "t-close", "t-cache", "t-idle"]
    assert after.templates[1].count == 11 + 12
    automaton = after.automata[0]
    assert [(s.id, s.field, s.min, s.max) for s in automaton.states][1] == ("visa", "id", 0, 3)
    assert {(o.before, o.after, o.support) for o in automaton.order} == {("open", "visa", 40), ("visa", "close", 40)}
    assert [(r.if_, r.then, r.support) for r in automaton.requires] == [("visa", "open", 40)]


def test_merging_templates_of_different_length_and_kind():
    before = add(add(MODEL, "WARN disk sda full at %{INT:n:int} %", "t-1"), "WARN disk %{WORD:name} full", "t-2")
    grok = grok_of(merge(before, ["t-1", "t-2"]), "t-1")
    for line in ("WARN disk sda full at 90 %", "WARN disk sdb full"):
        assert compile_grok(grok).regex.fullmatch(line), grok
    assert grok.startswith("WARN disk %{WORD:")


def test_a_third_template_joins_the_merged_ones():
    before = MODEL
    for name, word in (("t-1", "red"), ("t-2", "%{INT:x:int}"), ("t-3", "very green")):
        before = add(before, f"lamp is {word} now", name)
    assert grok_of(merge(before, ["t-1", "t-2"]), "t-1") == "lamp is %{NOTSPACE:value} now"
    assert grok_of(merge(before, ["t-1", "t-2", "t-3"]), "t-1") == "lamp is %{DATA:value} now"


def test_splitting_gives_each_value_a_template_and_a_state():
    after = split(MODEL, "t-close", "code", ["200", "404"])
    assert len(after.templates) == 8
    groks = [t.grok for t in after.templates][3:6]
    assert groks == [rf"close \[order=%{{INT:id}}\] code {code}" for code in ("%{INT:code:int}", "200", "404")]
    assert [t.example for t in after.templates][3:6] == ["", f"{TIME} close [order=7] code 200", ""]
    states = after.automata[0].states
    assert [(s.id, s.min, s.max, s.end) for s in states][3:] == [
        ("close", 0, 1, True),
        ("close_200", 0, 1, True),
        ("close_404", 0, 1, True),
    ]
    assert after.automata[0].equal == []
    assert ("visa", "close_404") in {(o.before, o.after) for o in after.automata[0].order}


def test_deleting_takes_states_and_relations_along():
    after = delete(MODEL, "t-close")
    assert [s.id for s in after.automata[0].states] == ["open", "visa", "paypal"]
    assert [(o.before, o.after) for o in after.automata[0].order] == [("open", "visa"), ("open", "paypal")]
    assert after.automata[0].equal == []
    for name in ("t-open", "t-visa", "t-paypal"):
        after = delete(after, name)
    assert after.automata == []


def test_an_added_template_has_the_id_that_learning_would_give_it():
    from models.mining.templates import template_id

    after = add(MODEL, "WARN %{SYSLOGHOST:host} disk", example=f"{TIME} WARN a.b disk")
    assert (after.templates[-1].id, after.templates[-1].count) == (template_id("WARN %{SYSLOGHOST:host} disk"), 0)


def test_an_example_that_fits_no_more_is_taken_out():
    assert specialise(MODEL, "t-cache", "n", "5").templates[4].example
    assert not specialise(MODEL, "t-cache", "n", "6").templates[4].example


def test_an_example_that_goes_to_a_new_template_is_told():
    after = add(MODEL, r"DEBUG cache of images evicted \(%{INT:n:int}\)", "t-images")
    assert [(m.template, m.to) for m in moved_examples(MODEL, after)] == [("t-cache", "t-images")]
    assert moved_examples(MODEL, add(MODEL, "%{GREEDYDATA:x}")) == []
    assert moved_examples(MODEL, delete(MODEL, "t-idle")) == []


OTHER = copy.deepcopy(MODEL.to_json())
OTHER["templates"] += [{"id": "t-x", "grok": "INFO paid order %{INT:x}"}, {"id": "t-y", "grok": "%{INT:x}|b"}]
OTHER["templates"] += [{"id": "t-z", "grok": "zzz"}, {"id": "t-apache", "grok": "%{COMMONAPACHELOG}"}]
OTHER["templates"] += [{"id": "t-free", "grok": "(?x) a b %{INT:i}"}, {"id": "t-u", "grok": "INFO paid %{INT:x}"}]
OTHER["automata"].append(
    {**copy.deepcopy(OTHER["automata"][0]), "id": "a-2", "states": [], "order": [], "requires": []}
)
OTHER["automata"][1].update(equal=[], states=[{"id": "s", "template": "t-x", "field": "x", "min": 0, "max": None}])
OTHER = ModelDocument.from_json(OTHER)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ((rename_field, "t-opn", "id", "x"), "there is no template 't-opn'; did you mean 't-open'?"),
        ((rename_field, "t-open", "usr", "x"), "template t-open has no field 'usr'; did you mean 'user'?"),
        ((rename_field, "t-open", "id", "user"), "has a field user already"),
        ((rename_field, "t-open", "id", "Order-Id"), "write lower-case letters, digits and _, such as order_id"),
        ((rename_field, "t-apache", "verb", "x"), "stands within a pattern that the template refers to"),
        ((retype_field, "t-open", "user", "WRD"), "did you mean WORD"),
        ((retype_field, "t-open", "user", "WORD"), "is %{WORD:user} already"),
        ((retype_field, "t-open", "user", "INT:number"), "unknown type 'number'"),
        ((retype_field, "t-open", "user", "COMMONAPACHELOG"), "names fields itself (clientip, "),
        ((specialise, "t-open", "id", "7"), "tells the transaction of state open in automaton a-order"),
        ((specialise, "t-close", "code", "abc"), "never takes the value 'abc'"),
        ((specialise, "t-close", "code", ""), "is empty"),
        ((specialise, "t-free", "i", "1"), "begins with (?x)"),
        ((generalise, "t-open", "opened", "WORD", "x"), "do not hold 'opened'; they are 'INFO open order', 'by'"),
        ((generalise, "t-open", "open", "INT", "x"), "the pattern INT does not take 'open'"),
        ((generalise, "t-open", "open", "WORD", "x", "2"), "write a number from 1 to 1"),
        ((generalise, "t-open", "", "WORD", "x"), "is empty"),
        ((merge, ["t-open"]), "name at least two"),
        ((merge, ["t-open", "t-open"]), "is named twice"),
        ((merge, ["t-open", "t-close"]), "may begin a transaction and close may not"),
        ((merge, ["t-visa", "t-cache"]), "is the state visa of automaton a-order and t-cache is no state"),
        ((merge, ["t-visa", "t-x"]), "are states of different automata (a-2, a-order)"),
        ((merge, ["t-cache", "t-z"]), "share no word"),
        ((merge, ["t-z", "t-y"]), "holds alternatives"),
        ((split, "t-open", "id", ["1"]), "its values are the transactions"),
        ((split, "t-close", "code", []), "name at least one"),
        ((split, "t-close", "code", ["1", "1"]), "given twice"),
        ((delete, "t-nowhere"), "there is no template 't-nowhere'; "),
        ((add, "open %{INT:a"), "the new template cannot be used"),
        ((add, ""), "is empty"),
        ((add, "zzz"), "the template t-z is the same already"),
        ((add, "zz", "t-z"), "the id 't-z' is taken"),
        ((add, "new %{INT:n}", None, f"{TIME} old 5"), "the example does not fit"),
        ((specialise, "t-u", "x", "5x"), "never takes"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_mend(edit, message):
    run, *rest = edit
    with pytest.raises(EditError) as error:
        run(OTHER, *rest)
    assert message in str(error.value)


def test_templates_that_would_be_the_same_are_named():
    before = add(MODEL, r"DEBUG cache %{DATA:what} evicted \(5\)", "t-5")
    with pytest.raises(EditError, match="the templates t-cache and t-5 would be the same"):
        specialise(before, "t-cache", "n", "5")


def test_the_identifier_has_to_stand_at_the_same_place():
    data = document()
    data["templates"][2]["grok"] = "INFO paid %{INT:nr} order with paypal"
    data["templates"][2]["example"] = ""
    with pytest.raises(EditError, match="do not hold the transaction's identifier at the same place"):
        merge(ModelDocument.from_json(data), ["t-visa", "t-paypal"])


GROKS = st.lists(
    st.sampled_from(
        [
            "a",
            "bb",
            "12",
            " ",
            ", ",
            "%{INT:@}",
            "%{WORD:@:int}",
            "%{NOTSPACE:@}",
            "%{DATA:@}",
            r"\[",
            r"\]",
            "%{SPACE}",
        ]
    ),
    min_size=1,
    max_size=8,
)
VALUES = {"INT": ["5", "-12"], "WORD": ["w", "x_1"], "NOTSPACE": ["/p:q", "a"], "DATA": ["", "two words", "a"]}


def written(pieces, data):
    """A template of some pieces, and a line that fits it."""
    grok, line = "shared ", "shared "
    for k, piece in enumerate(pieces):
        name = piece[2:].partition(":")[0]
        grok += piece.replace("@", f"f{k}")
        if name in VALUES and piece.startswith("%"):
            line += data.draw(st.sampled_from(VALUES[name]))
        else:
            line += {"%{SPACE}": "  ", r"\[": "[", r"\]": "]"}.get(piece, piece)
    return grok, line


@settings(max_examples=150, deadline=None)
@given(st.lists(GROKS, min_size=2, max_size=3), st.data())
def test_a_merged_template_takes_whatever_one_of_its_parts_takes(parts, data):
    before, lines = MODEL, []
    for k, pieces in enumerate(parts):
        grok, line = written(pieces, data)
        try:
            before = add(before, grok, f"t-{k}")
        except EditError:
            return
        if compile_grok(grok).regex.fullmatch(line):
            lines.append(line)
    grok = grok_of(merge(before, [f"t-{k}" for k in range(len(parts))]), "t-0")
    for line in lines:
        assert compile_grok(grok).regex.fullmatch(line), grok
