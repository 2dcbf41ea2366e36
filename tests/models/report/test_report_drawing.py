"""What an anomaly marks: in the drawing, in words, in the evidence."""

import re

from models.report.automaton_drawing import MOST_STATES, Drawing, marks_of
from models.report.duration_bar import draw_duration, duration_of
from models.report.violations import blamed_lines, constants, sentence, steps
from tests.models.report.data import make_anomalies, make_model, violation, wide_model

MODEL = make_model()
AUTOMATON = MODEL["automata"][0]
GROKS = {item["id"]: item["grok"] for item in MODEL["templates"]}
BY_TYPE = {a["type"]: a for a in make_anomalies(9)}


def drawn(kind):
    return Drawing(AUTOMATON, "au0").copy(marks_of(BY_TYPE[kind], AUTOMATON))


def violated(svg):
    return set(re.findall(r'class="violated" data-state="(\w+)"', svg))


def test_too_many_shows_the_count_of_the_violated_states():
    svg = drawn("too_many")
    assert violated(svg) == {"receiving_block", "exception_in_receiveblock"}
    assert ">seen 5×<" in svg
    assert '<use href="#au0"/>' in svg


def test_a_missing_state_is_dashed_and_seen_no_time():
    svg = drawn("missing_state")
    assert violated(svg) == {"received_block_of_size_from"}
    assert 'class="bad absent"' in svg
    assert ">seen 0×<" in svg


def test_missing_begin_and_end_mark_their_states_even_without_a_violation():
    for kind, state in (("missing_begin", "allocating_block"), ("missing_end", "deleting_block_file")):
        bare = BY_TYPE[kind] | {"violations": []}
        assert set(marks_of(bare, AUTOMATON).absent) == {state}
        assert violated(drawn(kind)) == {state}


def test_wrong_order_draws_an_arrow_against_the_order():
    svg = drawn("wrong_order")
    arcs = re.findall(r'class="wrong" data-from="(\w+)" data-to="(\w+)"', svg)
    assert arcs == [
        ("packetresponder_for_block_terminating", "receiving_block"),
        ("deleting_block_file", "addstoredblock_blockmap_updated"),
    ]


def test_violations_of_states_that_the_model_lost_are_left_out():
    odd = BY_TYPE["too_many"] | {"violations": [violation("gone", 5, 1, 1), violation(None, 1, 0, 0)]}
    assert marks_of(odd, AUTOMATON).bad == {}


def test_the_definition_has_every_state_once_and_its_bounds():
    definition = Drawing(AUTOMATON, "au0").definition()
    assert definition.count('class="box"') == len(AUTOMATON["states"])
    for bounds in ("normal 3×", "normal 2–3×", "normally never", "normal ≥ 1×"):
        assert f">{bounds}<" in definition


def test_an_automaton_beyond_the_limit_draws_its_best_supported_states():
    automaton = wide_model(MOST_STATES + 15)["automata"][0]
    drawing = Drawing(automaton, "au0")
    assert drawing.left_out == 15
    assert drawing.definition().count('class="box"') == MOST_STATES


def test_a_label_fits_its_box():
    automaton = wide_model(1)["automata"][0]
    automaton["states"][0]["id"] = "averyveryveryverylongnamewithoutanyblank_" + "and_many_more_words" * 4
    definition = Drawing(automaton, "au0").definition()
    names = re.findall(r'<text class="name"[^>]*>([^<]*)<', definition)
    assert 1 <= len(names) <= 2
    assert all(len(name) <= 22 for name in names)


def test_violations_read_as_sentences():
    said = {kind: [sentence(v, AUTOMATON) for v in a["violations"]] for kind, a in BY_TYPE.items()}
    assert said["too_many"] == [
        "“Receiving block” occurred 5×; normal is 3×.",
        "“Exception in receiveblock” occurred 1×; normally it never does.",
    ]
    assert said["missing_state"] == [
        "“Received block of size from” is missing; normal is 2–3×.",
        "“Received block of size from” is missing, though “Addstoredblock blockmap updated” occurred.",
    ]
    assert said["wrong_order"] == [
        "“Receiving block” should come before “Packetresponder for block terminating”.",
        "“Addstoredblock blockmap updated” should come before “Deleting block file”.",
    ]
    assert said["too_long"] == ["Took 8 m 32 s; normal is 12 ms to 1 m 38 s."]
    equal = violation("receiving_block", 2, None, None, other="deleting_block_file")
    assert sentence(equal, AUTOMATON) == "“Receiving block” occurred 2×, not as often as “Deleting block file”."


def test_order_without_a_relation_speaks_of_begin_and_end():
    plain = AUTOMATON | {"order": []}
    first = violation("allocating_block", None, None, None, "order", "receiving_block")
    last = violation("receiving_block", None, None, None, "order", "deleting_block_file")
    assert sentence(first, plain) == "“Allocating block” should come first, but “Receiving block” came before it."
    assert sentence(last, plain) == "“Deleting block file” should come last, but “Receiving block” came after it."


def test_steps_join_repeats_and_stop_somewhere():
    text = steps(["a", "b", "b", "b", "a"], {"b": 3})
    assert text.count("<li") == 3
    assert "×3" in text
    assert '<li class="hit" title="b">' in text
    assert "and 60 more" in steps([f"s{k}" for k in range(100)], {})


def test_the_lines_of_violated_states_are_blamed():
    too_many = BY_TYPE["too_many"]
    states = too_many["transaction"]["states"]
    texts = [line["text"] for line in too_many["evidence"]]
    bad = marks_of(too_many, AUTOMATON).bad
    expected = {index for index, state in enumerate(states) if state in bad}
    assert blamed_lines(texts, bad, AUTOMATON, GROKS) == expected
    assert blamed_lines(texts, {}, AUTOMATON, GROKS) == set()


def test_constants_of_a_template_are_unescaped():
    assert constants(r"%{INT:a} dfs\.Data\$X: %{IPV4:ip}:%{INT} end\\") == [r" dfs.Data$X: ", ":", " end\\"]


def test_the_time_taken_comes_from_the_violation_or_the_transaction():
    assert duration_of(BY_TYPE["too_long"]) == 512_000
    assert duration_of(BY_TYPE["too_many"]) == 40_000
    assert duration_of(BY_TYPE["unmatched_log"]) is None


def test_the_duration_bar_marks_only_what_is_outside():
    bounds = {"min_ms": 12, "max_ms": 98_123}
    assert 'class="badmark"' in draw_duration(512_000, bounds)
    assert 'class="badmark"' in draw_duration(4, bounds)
    assert 'class="okmark"' in draw_duration(40_000, bounds)
    assert draw_duration(40_000, {"min_ms": None, "max_ms": None}) == ""
    assert draw_duration(40_000, None) == ""


def test_the_duration_bar_keeps_its_order_and_stays_inside():
    for actual, low, high in [(0, 12, 98_123), (10**9, 0, 5), (50, 50, 50), (7, None, 3), (7, 9, None), (0, 0, 0)]:
        svg = draw_duration(actual, {"min_ms": low, "max_ms": high})
        (mark,) = re.findall(r'mark" d="M([\d.]+) ', svg)
        left, wide = map(float, re.findall(r'class="band" x="([\d.]+)" y="26" width="([\d.]+)"', svg)[0])
        assert 0 <= float(mark) <= 340
        assert 0 <= left <= left + wide <= 340
        if high is not None and actual > high:
            assert float(mark) >= left + wide - 3
        if low is not None and actual < low:
            assert float(mark) <= left


def process(*ways, **more):
    """An automaton of begin, work, rest and end with transitions (from, to, support)."""
    states = [
        {"id": name, "template": f"t-{name}", "min": 1, "max": 1, "begin": name == "begin", "end": name == "end"}
        for name in ("begin", "work", "rest", "end")
    ]
    rows = [{"from": a, "to": b, "support": n, "min_ms": None, "max_ms": 2000} for a, b, n in ways]
    return {"id": "a-p", "name": "p", "states": states, "order": [], "transitions": rows} | more


WAYS = (("begin", "work", 90), ("work", "work", 30), ("work", "rest", 60), ("rest", "work", 20), ("work", "end", 40),
        ("rest", "end", 40))  # fmt: skip


def test_branches_loops_and_ways_back_are_drawn_with_what_is_known_of_them():
    svg = Drawing(process(*WAYS), "au0").definition()
    hints = re.findall(r"<g><title>([^<]*→[^<]*)</title><path class=\"(edge(?: back)?)\"", svg)
    assert sorted(hints) == [
        ("Begin → Work: 90 transactions, at most 2 s", "edge"),
        ("Rest → End: 40 transactions, at most 2 s", "edge"),
        ("Rest → Work: 20 transactions, at most 2 s", "edge back"),
        ("Work → End: 40 transactions, at most 2 s", "edge"),
        ("Work → Rest: 60 transactions, at most 2 s", "edge"),
        ("Work → Work: 30 transactions, at most 2 s", "edge back"),
    ]


def test_transitions_that_do_not_lead_everywhere_leave_the_drawing_to_the_order():
    order = [{"before": "begin", "after": name, "support": 5} for name in ("work", "rest", "end")]
    svg = Drawing(process(*WAYS[:1], order=order), "au0").definition()
    assert svg.count('class="edge" d="M') >= 3
    assert "→" not in svg


def anomaly_of(kind, *violations):
    return {"type": kind, "violations": list(violations), "transaction": {"states": ["begin", "rest", "end"]}}


def test_an_unknown_transition_and_a_slow_step_are_red_arrows_the_way_they_went():
    automaton = process(*WAYS)
    jump = violation("begin", None, None, None, "transition", "rest")
    slow = violation("rest", 9000, None, 2000, "ms", "end")
    for kind, broken, hint in (
        ("wrong_order", jump, "Begin → Rest, which normally never follows at once"),
        ("slow_step", slow, "Rest → End, took 9 s"),
    ):
        svg = Drawing(automaton, "au0").copy(marks_of(anomaly_of(kind, broken), automaton))
        assert violated(svg) == {broken["state"], broken["other"]}
        assert f'data-from="{broken["state"]}" data-to="{broken["other"]}"><title>{hint}</title>' in svg
        # Down to the next state, not up.
        (path,) = re.findall(r'class="badedge" d="M\d+ (\d+).*?V(\d+)" marker', svg)
        assert int(path[0]) < int(path[1])
    # How long a step took is not how long the transaction took.
    assert duration_of(anomaly_of("slow_step", slow)) is None


def test_steps_transitions_and_exclusions_in_words():
    automaton = process(*WAYS)
    assert sentence(violation("begin", None, None, None, "transition", "rest"), automaton) == (
        "“Begin” was followed by “Rest”, which normally never follows it at once."
    )
    assert sentence(violation("rest", 9000, None, 2000, "ms", "end"), automaton) == (
        "From “Rest” to “End” it took 9 s; normal is at most 2 s."
    )
    assert sentence(violation("rest", 1, 0, 0, "occurrences", "work"), automaton) == (
        "“Rest” occurred although “Work” did; normally never both."
    )
