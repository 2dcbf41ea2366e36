"""Updating a model: what stays keeps its ids and what people wrote; what is new comes in."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.document import ModelDocument
from models.errors import UserError
from models.learner import LearnOptions, learn
from models.sample.generator import generate


def learn_lines(folder, lines, base=None, name="a.log", **options):
    path = folder / name
    path.write_bytes(lines if isinstance(lines, bytes) else "".join(lines).encode())
    return learn([(name, str(path))], LearnOptions(**options), base=base)[0]


def jobs(word, steps, count=40, begin=0):
    """A log of so many transactions, one after another."""
    lines = []
    for k in range(begin, begin + count):
        for step, text in enumerate(steps):
            at = k * 10_000 + step * 700 + k * 37 % 400
            lines.append(f"2024-01-02 {at // 3_600_000:02d}:{at // 60_000 % 60:02d}:{at // 1000 % 60:02d}."
                         f"{at % 1000:03d} {word} {word}-{k:05d} {text}\n")  # fmt: skip
    return lines


def same(one, other):
    """All but the version, and what was learnt from."""
    return replace(one, version=1, learned={}) == replace(other, version=1, learned={})


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=6)
def test_the_same_log_again_changes_nothing_but_the_version(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("same")
    log = generate(seed=seed, transactions=90, anomalies_per_type=1).training
    model = learn_lines(folder, log)
    assert model.automata
    again = learn_lines(folder, log, model)
    assert same(again, model)
    assert (again.version, again.learned) == (2, model.learned)


STEPS = st.lists(st.sampled_from(["begun", "sorted", "merged", "packed", "sent"]), min_size=2, max_size=5, unique=True)


@given(STEPS, STEPS, STEPS)
@settings(deadline=None, max_examples=15)
def test_the_order_of_two_updates_does_not_matter_to_templates(tmp_path_factory, first, one, other):
    folder = tmp_path_factory.mktemp("order")
    model = learn_lines(folder, jobs("job", first))
    logs = jobs("order", one), jobs("ride", other)
    results = []
    for pair in (logs, logs[::-1]):
        result = model
        for log in pair:
            result = learn_lines(folder, log, result)
        results.append(result)
    a, b = results
    assert {t.id for t in a.templates} == {t.id for t in b.templates}
    assert {t.id: t.grok for t in a.templates} == {t.id: t.grok for t in b.templates}
    assert [t.id for t in a.templates[: len(model.templates)]] == [t.id for t in model.templates]
    assert {x.id for x in a.automata} == {x.id for x in b.automata}
    assert a.automata[0] == model.automata[0]


@pytest.fixture
def model(tmp_path):
    return learn_lines(tmp_path, jobs("job", ["begun", "sorted", "sent"]))


def test_what_people_wrote_stays(tmp_path, model):
    edited = copy.deepcopy(model)
    first = edited.templates[0]
    state = next(s for s in edited.automata[0].states if s.template == first.id)
    (old,) = {state.field for state in edited.automata[0].states}
    first.grok = first.grok.replace(f":{old}}}", ":number}").replace("%{NOTSPACE:", "%{TICKET:")
    edited.patterns["TICKET"] = "job-[0-9]+"
    state.field = "number"
    state.max = 7
    first.id = state.template = "the-first"
    state.id, name = "my_state", state.id
    for automaton in edited.automata:
        automaton.name, automaton.id = "Jobs", "jobs"
        for rule in automaton.order:
            rule.before, rule.after = (("my_state" if s == name else s) for s in (rule.before, rule.after))
        for equal in automaton.equal:
            equal.states = ["my_state" if s == name else s for s in equal.states]
        for step in automaton.transitions:
            step.from_, step.to = ("my_state" if s == name else s for s in (step.from_, step.to))
    edited = ModelDocument.from_json(edited.to_json())
    again = learn_lines(tmp_path, jobs("job", ["begun", "sorted", "sent"], 50), edited)
    assert same(replace(again, automata=[], templates=[]), replace(edited, automata=[], templates=[]))
    assert [replace(t, count=0) for t in again.templates] == [replace(t, count=0) for t in edited.templates]
    (after,), (before,) = again.automata, edited.automata
    assert (after.id, after.name, after.support) == ("jobs", "Jobs", 50)
    assert [replace(s, support=0) for s in after.states] == [replace(s, support=0) for s in before.states]
    assert [(o.before, o.after) for o in after.order] == [(o.before, o.after) for o in before.order]
    assert before.transitions
    assert [(t.from_, t.to) for t in after.transitions] == [(t.from_, t.to) for t in before.transitions]


def test_a_new_step_comes_into_the_automaton_it_belongs_to(tmp_path, model):
    (before,) = model.automata
    again = learn_lines(tmp_path, jobs("job", ["begun", "sorted", "checked twice", "sent"]), model)
    (after,) = again.automata
    assert after.id == before.id
    old = {s.id for s in before.states}
    assert [s.id for s in after.states if s.id in old] == [s.id for s in before.states]
    (new,) = [s for s in after.states if s.id not in old]
    assert (new.min, new.max, after.states.index(new)) == (1, 1, 2)
    assert {(o.before, o.after) for o in before.order} <= {(o.before, o.after) for o in after.order}
    steps = {(t.from_, t.to) for t in after.transitions}
    assert {(t.from_, t.to) for t in before.transitions} < steps
    assert {new.id} & {name for step in steps for name in step}


def test_a_step_not_seen_again_stays_and_need_not_occur(tmp_path, model):
    again = learn_lines(tmp_path, jobs("job", ["begun", "sent"]), model)
    (before,), (after,) = model.automata, again.automata
    assert [s.id for s in after.states] == [s.id for s in before.states]
    assert [s.min for s in after.states] == [1, 0, 1]
    assert [t.count for t in again.templates] == [40, 40, 40]


def test_bounds_become_as_wide_as_both_logs(tmp_path, model):
    again = learn_lines(tmp_path, jobs("job", ["begun", "sorted", "sorted", "sent"]), model)
    (after,) = again.automata
    middle = after.states[1]
    assert (middle.min, middle.max) == (1, 2)
    assert after.duration.max_ms >= 2100
    assert after.duration.min_ms == model.automata[0].duration.min_ms


def orders(model):
    """The orders of the first automaton, each state as the last word of its template."""
    groks = {template.id: template.grok for template in model.templates}
    words = {state.id: groks[state.template].split()[-1] for state in model.automata[0].states}
    return {(words[order.before], words[order.after]) for order in model.automata[0].order}


def test_an_order_that_new_logs_break_is_given_up(tmp_path, model):
    assert orders(model) == {("begun", "sorted"), ("sorted", "sent")}  # from which follows the third
    mixed = []
    for k in range(60):
        mixed += jobs("job", ["sorted", "begun", "sent"] if k % 2 else ["begun", "sorted", "sent"], 1, k)
    assert orders(learn_lines(tmp_path, mixed, model)) == {("begun", "sent"), ("sorted", "sent")}


def test_what_is_not_seen_stays_unless_it_is_to_be_forgotten(tmp_path, model):
    log = jobs("order", ["placed", "paid", "sent"])
    kept = learn_lines(tmp_path, log, model)
    assert [t.id for t in kept.templates[:3]] == [t.id for t in model.templates]
    assert kept.automata[0] == model.automata[0]
    assert len(kept.automata) == 2
    forgotten = learn_lines(tmp_path, log, model, forget=True)
    assert forgotten.templates == kept.templates[3:]
    assert forgotten.automata == kept.automata[1:]


WAYS = [
    "cash",
    "card",
    "giro",
    "coupon",
    "voucher",
    "cheque",
    "invoice",
    "transfer",
    "debit",
    "maestro",
    "amex",
    "visa",
]


def payments(word, minutes=60, each=40, seed=1):
    """A log of payments: of a few ways, evenly all through it, and by one of two hosts."""
    dice = random.Random(seed)
    lines = []
    for n in range(minutes * each):
        at = n * 60_000 // each
        text = f"{word} {dice.randrange(10**6)} by {dice.choice(WAYS)} code={dice.choice((0, 0, 0, 1))} ok"
        lines.append(f"2024-01-02 {at // 3_600_000:02d}:{at // 60_000 % 60:02d}:{at // 1000 % 60:02d}."
                     f"{at % 1000:03d} {text}\n")  # fmt: skip
    return lines


def of_template(model, word):
    """The template whose lines begin with a word, its set of values and its categories."""
    (template,) = [t for t in model.templates if t.grok.startswith(word)]
    return (
        template.id,
        [v for v in model.values if v.template == template.id],
        [c for c in model.categories if c.template == template.id],
    )


def test_new_templates_get_values_and_categories_and_what_was_edited_stays(tmp_path):
    learnt = learn_lines(tmp_path, payments("paid"))
    name, (values,), categories = of_template(learnt, "paid")
    assert {entry.value for entry in values.values} == set(WAYS)
    assert [c.field for c in categories] == ["code"]
    data = learnt.to_json()
    data["values"][0]["values"] = [{"value": "cash"}, {"value": "gold"}]
    data["categories"][0]["shares"] = [{"value": "0", "share": 0.5}, {"value": "1", "share": 0.5}]
    data["rules"] = [{"id": "r-1", "name": "Code", "template": name, "when": {"field": "code", "more": 0},
                      "severity": "low"}]  # fmt: skip
    data["allow"] = [{"id": "n-1", "type": "rule", "rule": "r-1", "reason": "known"}]
    data["series"] = {"enabled": True, "fields": [{"template": name, "field": "code"}],
                      "metrics": [{"template": name, "field": "code"}]}  # fmt: skip
    edited = ModelDocument.from_json(data)
    again = learn_lines(tmp_path, [*payments("paid", seed=2), *payments("refunded", seed=3)], edited)
    assert (again.rules, again.allow, again.series) == (edited.rules, edited.allow, edited.series)
    assert of_template(again, "paid") == (name, edited.values, edited.categories)
    _, (fresh,), shares = of_template(again, "refunded")
    assert {entry.value for entry in fresh.values} == set(WAYS)
    assert [c.field for c in shares] == ["code"]
    assert fresh.support == 2400


def test_values_that_were_taken_out_do_not_come_back(tmp_path):
    edited = learn_lines(tmp_path, payments("paid"))
    edited.values, edited.categories = [], []
    again = learn_lines(tmp_path, payments("paid", seed=2), edited)
    assert (again.values, again.categories) == ([], [])


def test_what_is_said_of_forgotten_templates_goes_with_them_but_rules_keep_theirs(tmp_path):
    learnt = learn_lines(tmp_path, [*payments("paid"), *payments("refunded", seed=3)])
    name, _, _ = of_template(learnt, "paid")
    data = learnt.to_json()
    data["series"] = {"enabled": True, "fields": [{"template": name, "field": "code"}],
                      "metrics": [{"template": name, "field": "code"}]}  # fmt: skip
    model = ModelDocument.from_json(data)
    forgotten = learn_lines(tmp_path, payments("refunded", seed=4), model, forget=True)
    assert {t.id for t in forgotten.templates} == {t.id for t in model.templates} - {name}
    for kept, before in ((forgotten.values, model.values), (forgotten.categories, model.categories)):
        assert kept == [each for each in before if each.template != name]
        assert len(kept) < len(before)
    assert (forgotten.series.enabled, forgotten.series.fields, forgotten.series.metrics) == (True, [], [])
    data["rules"] = [{"id": "r-1", "name": "Code", "template": name, "when": {"field": "code", "more": 0},
                      "severity": "low"}]  # fmt: skip
    ruled = ModelDocument.from_json(data)
    kept = learn_lines(tmp_path, payments("refunded", seed=4), ruled, forget=True)
    assert (kept.rules, kept.values, kept.categories) == (ruled.rules, ruled.values, ruled.categories)


def test_logs_with_other_timestamps_are_told(tmp_path, model):
    with pytest.raises(UserError, match=r"no line of a\.log has a timestamp as the model model has it"):
        learn_lines(tmp_path, ["Jan 02 03:04:05 job begun\n"] * 30, model)


def test_the_year_of_new_logs_counts(tmp_path):
    def log(day):
        return [line.replace("2024-01-02", f"Jan {day:02d}") for line in jobs("job", ["begun", "sent"])]

    model = learn_lines(tmp_path, log(2), year=2021)
    again = learn_lines(tmp_path, log(3), model, year=2023)
    assert (again.timestamp["year"], again.learned["from"][:10]) == (2023, "2023-01-03")
