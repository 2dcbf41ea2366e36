"""What waits is what came and has not been settled, in memory and in the entries for keyed state."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import anomalies
from models.bulk_outbox import Outbox, bulk_body, identity_and_time, parsed
from models.index_names import ANOMALY, DEAD_LETTER, ILM, IndexNames

NAMES = IndexNames("w", 2026)


def anomaly(number, text="a line"):
    document = anomalies.build(
        anomalies.UNMATCHED_LOG,
        identity=f"{number:020x}",
        timestamp_ms=1_768_176_000_000,
        score=50,
        model_id="shop",
        model_version=3,
        source="app.log",
        evidence=[anomalies.evidence_line("app.log", 1, 1_768_176_000_000, text)],
        actual="a line",
        typical="another",
        reason="It is unknown.",
    )
    return json.dumps(document, ensure_ascii=False)


def dead_letter(identity="ab12", source="app.log", time=None, text="?"):
    letter = {"id": identity, "source": source, "line": 1, "reason": "no text", "timestamp": time, "text": text}
    return json.dumps({**letter, "bytes": 1}, ensure_ascii=False)


def texts(outbox):
    taken = outbox.take(10**9, 10**9)
    outbox.give_back(taken)
    return [document.text for document in taken]


def test_documents_come_out_in_order_each_with_its_place():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, f"{anomaly(1)}\n{anomaly(2)}")
    outbox.add(DEAD_LETTER, dead_letter())
    lines = bulk_body(outbox.take(10, 10**6)).decode().split("\n")
    assert [json.loads(line) for line in lines[0:6:2]] == [
        {"index": {"_index": "w-anomalies-2026.01.12", "_id": f"{1:020x}"}},
        {"index": {"_index": "w-anomalies-2026.01.12", "_id": f"{2:020x}"}},
        {"index": {"_index": "w-dead-letters-undated", "_id": "ab12"}},
    ]
    assert lines[1:6:2] == [anomaly(1), anomaly(2), dead_letter()]
    assert lines[6:] == [""]
    assert len(outbox) == 0


def test_an_alias_must_be_there():
    outbox = Outbox(IndexNames("w", 2026, ILM))
    outbox.add(ANOMALY, anomaly(1))
    action = json.loads(outbox.take(1, 1)[0].action)
    assert action["index"] == {"_index": "w-anomalies", "_id": f"{1:020x}", "require_alias": True}


@pytest.mark.parametrize(
    ("document", "identity"),
    [('{"id": "a\\"b"}', 'a"b'), ('{"id": 7}', "7"), ('{"id": "é"}', "é"), ('{"id": "a b"}', "a b")],
)
def test_any_identity_is_written_as_json(document, identity):
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, document)
    assert json.loads(outbox.take(1, 1)[0].action)["index"]["_id"] == identity


@pytest.mark.parametrize("document", ["{}", "no JSON", "[1]", '{"id": null}', '{"id": {"a": 1}}'])
def test_without_an_identity_the_content_gives_one(document):
    actions = set()
    for _ in range(2):
        outbox = Outbox(NAMES)
        outbox.add(ANOMALY, document)
        actions.add(outbox.take(1, 1)[0].action)
    (action,) = actions
    assert len(json.loads(action)["index"]["_id"]) == 20


def test_a_bulk_is_bounded_in_documents_and_bytes_but_takes_one_at_least():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, "\n".join(anomaly(n) for n in range(10)))
    assert len(outbox.take(3, 10**6)) == 3
    two = outbox.take(2, 10**6)
    outbox.give_back(two)
    size = len(bulk_body(two))
    assert len(outbox.take(9, size)) == 2
    assert len(outbox.take(9, 2 * size - 1)) == 3
    assert len(outbox.take(9, 1)) == 1
    assert len(outbox) == 1


def test_what_is_given_back_is_the_next_again():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, "\n".join(anomaly(n) for n in range(5)))
    all_of_it = texts(outbox)
    outbox.give_back(outbox.take(3, 10**6))
    assert texts(outbox) == all_of_it


@pytest.mark.parametrize("payload", ["", "\n", " \n\n"])
def test_an_empty_payload_leaves_nothing_in_state(payload):
    outbox = Outbox(NAMES)
    assert outbox.add(ANOMALY, payload) == ""
    assert len(outbox) == 0


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="statistics"):
        Outbox(NAMES).add("statistics", "{}")


def test_state_is_written_anew_when_half_of_it_is_settled():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, "\n".join(anomaly(n) for n in range(10)))
    assert outbox.rewritten() is None
    outbox.settle(len(outbox.take(4, 10**6)))
    assert outbox.rewritten() is None
    outbox.settle(len(outbox.take(1, 10**6)))
    assert outbox.rewritten() == ["anomaly\n" + "\n".join(anomaly(n) for n in range(5, 10))]
    assert outbox.rewritten() is None
    outbox.settle(len(outbox.take(10, 10**6)))
    assert outbox.rewritten() == []


def test_state_is_written_anew_at_once_when_it_must():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, "\n".join(anomaly(n) for n in range(10)))
    outbox.settle(len(outbox.take(1, 10**6)))
    outbox.must_be_written()
    assert outbox.rewritten() == ["anomaly\n" + "\n".join(anomaly(n) for n in range(1, 10))]
    outbox.settle(len(outbox.take(1, 10**6)))
    assert outbox.rewritten() is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([ANOMALY, DEAD_LETTER]), st.integers(1, 4)),
            st.integers(1, 5),  # so many are taken and settled
        ),
        max_size=30,
    )
)
def test_whatever_happens_the_state_restores_all_that_waits(steps):
    """The state may hold settled documents besides, but never lacks one, and nothing changes its order or kind."""
    outbox, number = Outbox(NAMES), 0
    state: list[str] = []
    for step in steps:
        if isinstance(step, int):
            outbox.settle(len(outbox.take(step, 10**6)))
            entries = outbox.rewritten()
            state = state if entries is None else entries
        else:
            kind, count = step
            payload = "\n".join(json.dumps({"id": str(number + n)}) for n in range(count))
            number += count
            state.append(outbox.add(kind, payload))
        restored = Outbox(NAMES, state)
        waiting, kept = outbox.take(10**6, 10**9), restored.take(10**6, 10**9)
        outbox.give_back(waiting)
        assert kept[len(kept) - len(waiting) :] == waiting
        assert len(kept) <= 2 * len(waiting) + 5


AWKWARD = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ['", "timestamp": "2001-01-01T00:00:00.000Z", "text": "', '{"id": "00", ', "\\", '\\", "id": "00"']
    ),
)


@given(AWKWARD, AWKWARD)
def test_the_quick_look_into_a_document_finds_what_reading_it_finds(source, text):
    letter = dead_letter("0a", source, "2026-01-12T00:00:00.000Z", text)
    assert identity_and_time(DEAD_LETTER, letter) == ("0a", "2026-01-12T00:00:00.000Z")
    assert identity_and_time(DEAD_LETTER, dead_letter("0a", source, None, text)) == ("0a", "")
    assert identity_and_time(ANOMALY, anomaly(5, text + source)) == (f"{5:020x}", "2026-01-12T00:00:00.000Z")


@given(AWKWARD, AWKWARD)
def test_documents_written_in_another_way_are_read_as_a_whole(source, text):
    for kind, key in ((ANOMALY, "@timestamp"), (DEAD_LETTER, "timestamp")):
        document = {"model": {"id": source}, "source": source, "id": "x y", "text": text, key: "2026-01-12T00:00:00Z"}
        for written in (json.dumps(document), json.dumps(document, separators=(",", ":"), ensure_ascii=False)):
            assert identity_and_time(kind, written) == ("x y", "2026-01-12T00:00:00Z")


def test_half_a_surrogate_pair_harms_nothing():
    outbox = Outbox(NAMES)
    outbox.add(ANOMALY, '{"id": "1", "reason": "\ud800"}')
    assert parsed(outbox.take(1, 1)[0].text) == {"id": "1", "reason": "?"}
