"""Sending in bulks: what the server answers decides, and nothing is lost or told twice."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.back_off import BackOff
from models.bulk_delivery import Delivery
from models.bulk_outbox import Outbox
from models.bulk_reply import NO_ANSWER, BulkReply, ItemReply
from models.index_names import ANOMALY, DEAD_LETTER, IndexNames

NAMES = IndexNames("w", 2026)
BAD = ItemReply(400, "document_parsing_exception", "no object")


class Trial:
    """A delivery whose requests are answered by a function of the documents sent; time passes by sleeping only."""

    def __init__(self, answer, **limits):
        self.now, self.requests, self._answer = 0.0, [], answer
        self.delivery = Delivery(self.send, BackOff(self.clock, lambda: 1.0), self.clock, self.sleep, **limits)
        self.outbox = Outbox(NAMES)

    def clock(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds

    def send(self, body):
        documents = [json.loads(line) for line in body.decode().split("\n")[1:-1:2]]
        self.requests.append([document["id"] for document in documents])
        return self._answer(documents)

    def wait(self, *ids, kind=ANOMALY):
        self.outbox.add(kind, "\n".join(json.dumps({"id": identity}) for identity in ids))

    def run(self, **options):
        return [json.loads(letter) for letter in self.delivery.run(self.outbox, **options)]


def taken(documents):
    return BulkReply(200, items=tuple(ItemReply(201) for _ in documents))


def replies(*scripted):
    """Scripted answers, the last for all requests that follow."""
    left = list(scripted)
    return lambda documents: (left.pop(0) if len(left) > 1 else left[0])(documents)


def away(_):
    return BulkReply(NO_ANSWER, "no connection")


def test_all_is_sent_in_bulks():
    trial = Trial(taken, most_documents=2)
    trial.wait(*"abcde")
    assert trial.run() == []
    assert trial.requests == [["a", "b"], ["c", "d"], ["e"]]
    counts = trial.delivery.counts()
    assert (counts.indexed, counts.refused, counts.retries, len(counts.milliseconds)) == (5, 0, 0, 3)
    assert trial.delivery.counts().indexed == 0


def test_too_few_documents_are_not_sent():
    trial = Trial(taken, most_documents=2)
    trial.wait(*"abcde")
    trial.run(least=2)
    assert trial.requests == [["a", "b"], ["c", "d"]]
    assert len(trial.outbox) == 1


def test_one_bad_document_among_good_ones_becomes_a_dead_letter_which_is_sent_too():
    def answer(documents):
        return BulkReply(200, items=tuple(BAD if d["id"] == "b" else ItemReply(201) for d in documents))

    trial = Trial(answer)
    trial.wait(*"abc")
    (letter,) = trial.run()
    assert letter["reason"] == "Elasticsearch refused the anomaly: document_parsing_exception: no object"
    assert json.loads(letter["text"]) == {"id": "b"}
    assert trial.requests == [["a", "b", "c"], [letter["id"]]]
    assert (len(trial.outbox), trial.outbox.rewritten()) == (0, [])
    counts = trial.delivery.counts()
    assert (counts.indexed, counts.refused, counts.retries) == (3, 1, 0)


def test_the_dead_letter_is_in_the_state_that_the_refused_document_has_left():
    trial = Trial(replies(lambda d: BulkReply(200, items=(BAD, *[ItemReply(201)] * 2)), away), most_documents=3)
    trial.wait(*"abcdefghij")
    (letter,) = trial.run(waits=False)
    entries = trial.outbox.rewritten()
    assert entries is not None
    state = Outbox(NAMES, entries).take(100, 10**6)
    assert [json.loads(d.text)["id"] for d in state] == [*"defghij", letter["id"]]
    assert [d.kind for d in state] == [ANOMALY] * 7 + [DEAD_LETTER]


def test_a_dead_letter_that_is_refused_is_only_counted():
    trial = Trial(lambda documents: BulkReply(200, items=tuple(BAD for _ in documents)))
    trial.wait("a")
    trial.wait("b", kind=DEAD_LETTER)
    assert len(trial.run()) == 1  # the one of a; that letter is refused too, and the letter b
    assert len(trial.outbox) == 0
    assert trial.delivery.counts().refused == 3
    assert trial.delivery.unheard == str(BAD)


@pytest.mark.parametrize("status", [NO_ANSWER, 401, 403, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_after_growing_pauses_until_it_takes_all(status):
    trial = Trial(replies(*[lambda _: BulkReply(status, "trouble")] * 20, taken))
    trial.wait(*"ab")
    assert trial.run() == []
    assert trial.requests == [["a", "b"]] * 21
    assert trial.now == pytest.approx(0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 6.4 + 14 * 10)
    assert (trial.delivery.trouble, trial.delivery.failing) == ("", False)
    counts = trial.delivery.counts()
    assert (counts.indexed, counts.retries) == (2, 20)


def test_only_the_documents_that_were_not_taken_are_sent_again():
    busy = ItemReply(429, "es_rejected_execution_exception", "full")
    trial = Trial(replies(lambda d: BulkReply(200, items=(ItemReply(201), busy, ItemReply(201), busy)), taken))
    trial.wait(*"abcd")
    trial.run()
    assert trial.requests == [["a", "b", "c", "d"], ["b", "d"]]
    assert trial.now == pytest.approx(0.2)


def test_a_call_that_must_not_wait_returns_at_the_first_trouble():
    trial = Trial(away)
    trial.wait("a")
    trial.run(waits=False)
    trial.run(waits=False)
    assert (trial.requests, trial.now, len(trial.outbox)) == ([["a"]], 0, 1)
    assert trial.delivery.pause == pytest.approx(0.2)
    assert trial.delivery.trouble == "no connection"


def test_a_call_with_a_limit_sleeps_no_longer():
    trial = Trial(away)
    trial.wait("a")
    trial.run(until=2.0)
    assert trial.now == pytest.approx(2.0)
    assert len(trial.outbox) == 1


def test_after_a_failure_requests_are_smaller_and_grow_again():
    text = "x" * 40_000
    trial = Trial(replies(away, away, away, away, taken), most_bytes=2_000_000)
    trial.outbox.add(ANOMALY, "\n".join(json.dumps({"id": str(n), "text": text}) for n in range(200)))
    trial.run()
    sizes = [len(request) for request in trial.requests]
    assert sizes[:8] == [49, 24, 12, 6, 6, 12, 24, 49]
    assert sum(sizes[4:]) == 200


def test_a_request_that_is_refused_as_a_whole_is_taken_apart_to_the_document_that_it_is_about():
    def answer(documents):
        return BulkReply(400, "an id is too long") if any(d["id"] == "bad" for d in documents) else taken(documents)

    trial = Trial(answer)
    good = [f"{n}" for n in range(100)]
    trial.wait(*good[:70], "bad", *good[70:])
    (letter,) = trial.run()
    assert json.loads(letter["text"])["id"] == "bad"
    assert sorted(i for r in trial.requests for i in r if "bad" not in r) == sorted([*good, letter["id"]])
    assert len(trial.requests) < 30


def test_a_limit_to_the_size_of_requests_is_found_and_kept():
    sizes = []

    def answer(documents):
        sizes.append(len(documents))
        return BulkReply(413, genuine=False) if len(documents) > 10 else taken(documents)

    trial = Trial(answer)
    trial.outbox.add(ANOMALY, "\n".join(json.dumps({"id": str(n), "text": "x" * 1000}) for n in range(200)))
    assert trial.run() == []
    assert sum(size for size in sizes if size <= 10) == 200
    assert sum(size > 10 for size in sizes) < 6


def test_a_document_that_is_too_large_alone_becomes_a_dead_letter():
    def answer(documents):
        return (
            BulkReply(413) if any("text" in d and d["text"].startswith("xxx") for d in documents) else taken(documents)
        )

    trial = Trial(answer)
    trial.wait(*"ab")
    trial.outbox.add(ANOMALY, json.dumps({"id": "c", "text": "x" * 5000}))
    (letter,) = trial.run()
    assert len(letter["text"]) == 2000
    assert letter["bytes"] > 5000
    assert "413" in letter["reason"]


ITEMS = st.sampled_from([ItemReply(201), ItemReply(201), ItemReply(429), BAD, ItemReply(500, "fault")])


@given(st.data(), st.integers(1, 30), st.integers(1, 7))
def test_every_document_is_taken_or_refused_exactly_once(data, count, most):
    """Contract: taken + refused = given, whatever the server answers for a while."""
    indexed: list[str] = []
    left = [25]

    def answer(documents):
        if left[0] <= 0:
            outcome = "items"
        else:
            left[0] -= 1
            outcome = data.draw(st.sampled_from(["items", "items", "away", "whole", "short"]))
        if outcome == "away":
            return BulkReply(data.draw(st.sampled_from([NO_ANSWER, 429, 503])))
        if outcome == "whole":
            return BulkReply(data.draw(st.sampled_from([400, 413])))
        if outcome == "short":
            return BulkReply(200, items=())
        items = tuple(data.draw(ITEMS) if left[0] > 0 else ItemReply(201) for _ in documents)
        indexed.extend(d["id"] for d, item in zip(documents, items, strict=True) if item.status == 201)
        return BulkReply(200, items=items)

    trial = Trial(answer, most_documents=most)
    ids = [f"d{n}" for n in range(count)]
    trial.wait(*ids)
    letters = trial.run(until=math.inf)
    refused = [json.loads(letter["text"])["id"] for letter in letters]
    assert sorted([*(i for i in indexed if i in ids), *refused]) == sorted(ids)
    assert len(trial.outbox) == 0
    assert trial.outbox.rewritten() in ([], None)
    counts = trial.delivery.counts()
    assert counts.indexed + counts.refused == count + len(letters)
