import pytest

from models.errors import UserError
from models.sample.compare import compare
from models.sample.generator import generate
from models.sample.truth import TYPES, Injected, Truth


def document(injected, **changes):
    """The anomaly document that a perfect finder would give."""
    transaction = None if injected.transaction is None else {"id": injected.transaction, "automaton": None}
    return {
        "type": injected.type,
        "transaction": transaction,
        "evidence": [{"file": "watched.log", "line": injected.line, "text": "…"}],
        "reason": f"something about {injected.type}",
        **changes,
    }


@pytest.fixture(scope="module")
def injected():
    return generate(9, 100, 4).truth.watched.anomalies


LONG = Injected("too_long", "ord-000001", 5, "checkout", "9 ms")
PANIC = Injected("unmatched_log", None, 7, None, "unknown")
DEADLOCK = Injected("unmatched_log", "ord-000002", 8, "checkout", "unknown")


def test_perfect_finder_is_ok_in_any_order(injected):
    comparison = compare(injected, [document(a) for a in reversed(injected)])
    assert comparison.ok
    assert comparison.found == injected
    assert comparison.rows() == [(kind, 4, 4, 0, 0) for kind in TYPES]


def test_each_anomaly_not_found_is_missed(injected):
    for i, lacking in enumerate(injected):
        comparison = compare(injected, [document(a) for a in injected[:i] + injected[i + 1 :]])
        assert comparison.missed == (lacking,)
        assert comparison.invented == ()
        assert not comparison.ok


def test_second_anomaly_for_the_same_injection_is_invented(injected):
    for extra in injected:
        comparison = compare(injected, [document(a) for a in (*injected, extra)])
        assert comparison.missed == ()
        assert comparison.invented == (document(extra),)
        assert not comparison.ok


def test_other_type_of_the_same_transaction_is_both_missed_and_invented():
    found = document(LONG, type="missing_end")
    comparison = compare([LONG], [found])
    assert comparison.missed == (LONG,)
    assert comparison.invented == (found,)


def test_anomaly_of_another_transaction_or_of_none_does_not_count():
    for transaction in ({"id": "ord-000009"}, None):
        assert compare([LONG], [document(LONG, transaction=transaction)]).missed == (LONG,)


def test_same_identifier_and_type_twice_needs_two_finds():
    assert compare([LONG, LONG], [document(LONG)]).missed == (LONG,)
    assert compare([LONG, LONG], [document(LONG), document(LONG)]).ok


@pytest.mark.parametrize("transaction", [None, {"id": "ord-000002", "automaton": None}])
def test_unmatched_line_is_known_by_its_line_whether_its_transaction_was_seen_or_not(transaction):
    assert compare([DEADLOCK], [document(DEADLOCK, transaction=transaction)]).ok


def test_unmatched_line_at_another_line_or_of_another_transaction_does_not_count():
    assert compare([PANIC], [document(PANIC, evidence=[{"line": 9}])]).missed == (PANIC,)
    assert compare([PANIC], [document(PANIC, transaction={"id": "ord-000009"})]).missed == (PANIC,)
    assert compare([DEADLOCK], [document(DEADLOCK, transaction={"id": "ord-000009"})]).missed == (DEADLOCK,)


def test_unmatched_line_without_line_number_is_known_by_its_transaction():
    evidence = [{"topic": "logs", "partition": 0, "offset": 3}]
    assert compare([DEADLOCK], [document(DEADLOCK, evidence=evidence)]).ok
    assert compare([PANIC], [document(PANIC, evidence=evidence)]).missed == (PANIC,)


def test_table_is_aligned_and_names_what_is_wrong():
    stray = document(Injected("too_few", "x", 1, None, ""), reason="Transaction x is odd.")
    table = compare([LONG, PANIC], [document(PANIC), stray]).format_table()
    lines = table.splitlines()
    end = lines.index("")
    assert len({len(line) for line in lines[:end]}) == 1
    assert lines[0].split() == ["type", "injected", "found", "missed", "invented"]
    assert [line.split() for line in lines[2:end] if line.split()[0] in {"too_long", "unmatched_log", "too_few"}] == [
        ["unmatched_log", "1", "1", "0", "0"],
        ["too_few", "0", "0", "0", "1"],
        ["too_long", "1", "0", "1", "0"],
    ]
    assert lines[end - 1].split() == ["total", "2", "1", "1", "1"]
    assert "  line 5: too_long of ord-000001 (9 ms)" in lines
    assert "  too_few: Transaction x is odd." in lines


def test_table_of_a_perfect_result_has_no_details_and_long_details_are_cut():
    assert "missed:" not in compare([LONG], [document(LONG)]).format_table()
    many = [Injected("too_long", f"ord-{i:06d}", i, "checkout", "") for i in range(1, 14)]
    assert compare(many, []).format_table(details=4).endswith("… and 9 more")
    assert compare(many, []).format_table(details=0).splitlines()[-1].startswith("total")


def test_type_unknown_here_gets_its_own_row():
    comparison = compare([], [{"type": "rate_change", "transaction": None, "evidence": []}])
    assert comparison.rows()[-1] == ("rate_change", 0, 0, 0, 1)
    assert "rate_change: no reason given" in comparison.format_table()


def test_truth_survives_writing_and_reading(tmp_path):
    truth = generate(9, 60, 1).truth
    (tmp_path / "truth.json").write_text(truth.to_json(), encoding="utf-8")
    assert Truth.read(tmp_path / "truth.json") == truth


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot read the truth"),
        ("{", "cannot read the truth"),
        ("[]", "no truth of format 1"),
        ('{"kind": "weirwatch.truth", "format": 2}', "no truth of format 1"),
        ('{"kind": "weirwatch.truth", "format": 1}', "damaged"),
        ('{"kind": "weirwatch.truth", "format": 1, "seed": 1, "training": 3}', "damaged"),
    ],
)
def test_broken_truth_is_a_user_error_that_names_the_file(tmp_path, text, says):
    path = tmp_path / "truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        Truth.read(path)
    assert str(path) in str(caught.value)
