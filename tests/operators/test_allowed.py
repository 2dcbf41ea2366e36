"""Allowed findings stay quiet in ``parse`` and in ``automata``, at once and after a restore, and are counted."""

import copy
import json

from models.in_force import Entry
from models.model_trial import try_model
from tests.operators.shard_subtask import Subtask as Shard
from tests.operators.shard_subtask import batch_of
from tests.operators.shop import MODEL, line
from tests.operators.test_parse import Subtask as Parse
from tests.operators.test_resolve import Subtask as Resolve

RULE = {"id": "r", "template": "t-check", "when": {"field": "id", "at_least": 100}, "severity": "low"}


def with_sections(version, **sections):
    return copy.deepcopy(MODEL) | {"version": version, **sections}


def update(epoch, **sections):
    """A change of the shop's model, as ``resolve`` sends it."""
    return {
        "kind": "model",
        "op": "update",
        "epoch": epoch,
        "id": "shop",
        "version": epoch,
        "sources": [],
        "document": json.dumps(with_sections(epoch, **sections)),
    }


def told(subtask):
    return [(a["type"], a["evidence"][0]["line"]) for a in subtask.side.get("unmatched", [])]


def lines(*texts):
    return [line(n * 1000, *text) for n, text in enumerate(texts)]


def test_parse_tells_rules_beside_unmatched_lines_and_follows_a_change_of_what_is_allowed():
    subtask = Parse()
    subtask.open("a", None)
    subtask.lane()
    subtask.parse.process_broadcast_element(json.dumps(update(2, rules=[RULE])), subtask.ctx)
    subtask.lines("a", *lines(("check", 7), ("check", 100), ("junk", 5), ("work", 1)))
    assert told(subtask) == [("unmatched_log", 3), ("rule", 2)]
    allow = [
        {"id": "n-1", "type": "rule", "rule": "r", "fields": {"id": "100"}, "reason": "so"},
        {"id": "n-2", "type": "unmatched_log", "text_pattern": "^junk [0-9]+$", "reason": "so"},
    ]
    subtask.parse.process_broadcast_element(json.dumps(update(3, rules=[RULE], allow=allow)), subtask.ctx)
    subtask.side.clear()
    subtask.lines(
        "a",
        *[line(9000 + n, *text) for n, text in enumerate((("check", 100), ("junk", 9), ("check", 101), ("odd", 1)))],
        at_end=True,
    )
    assert sorted(told(subtask)) == [("rule", 7), ("unmatched_log", 8)]
    statistics = subtask.side["statistics"]
    assert sum(s["allowed"] for s in statistics) == 2
    assert sum(s["unmatched"] for s in statistics) == 2
    # broadcast state has it for a subtask that comes back
    after = Parse(state=subtask.state, models=subtask.ctx.models)
    after.lane()
    after.lines("b", *lines(("check", 100), ("junk", 9), ("check", 101)), at_end=True)
    assert told(after) == [("rule", 3)]


def test_automata_keep_what_is_allowed_to_themselves_from_the_change_on():
    entry = {"id": "n-1", "type": "missing_end", "automaton": "a-shop", "reason": "so"}
    rows = [(0, "t-open", b"7", 1), (1, "t-work", b"7", 2)]
    loud, quiet, other = Shard(), Shard(), Shard()
    quiet.hear(update(1, allow=[entry]))
    other.hear(update(1, allow=[{**entry, "type": "too_many"}]))
    found = []
    for subtask in (loud, quiet, other):
        documents = subtask.take(batch_of(rows, 0), 10) + subtask.take(None, 500_000)
        found.append([d["type"] for d in documents])
    assert found == [["missing_end"], [], ["missing_end"]]
    assert (quiet.keeper.counts["allowed"], quiet.keeper.counts["anomalies"], quiet.keeper.counts["judged"]) == (
        1,
        0,
        1,
    )
    assert (loud.keeper.counts["allowed"], loud.keeper.counts["anomalies"]) == (0, 1)


def test_a_transaction_that_is_open_when_it_is_allowed_is_quiet_after_a_restore_too():
    entry = {"id": "n-1", "type": "missing_end", "automaton": "a-shop", "reason": "so"}
    subtask = Shard()
    assert subtask.take(batch_of([(0, "t-open", b"7", 1)], 0), 10) == []
    subtask.hear(update(1, allow=[entry]))
    assert subtask.restored().take(None, 500_000) == []


def test_resolve_keeps_the_entry_over_a_restart():
    initial = Entry("shop", 1, 1, (), json.dumps(MODEL))
    before = Resolve(initial)
    match = {"type": "too_many", "automaton": "a-shop"}
    message = {"action": "allow", "reference": {"id": "shop"}, "match": match, "reason": "so"}
    (event,), reply = before.tell(message)
    assert json.loads(event["document"])["allow"][0]["id"] == reply["entry"]
    after = Resolve(initial, state=before.state)
    assert after.tell(message)[0] == []  # it is there already
    (event,), _ = after.tell({"action": "disallow", "reference": {"id": "shop"}, "entry": reply["entry"]})
    assert (event["version"], event["epoch"]) == (3, 3)
    assert try_model(json.loads(event["document"])).allow == []
