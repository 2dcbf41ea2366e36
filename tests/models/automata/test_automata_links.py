"""Documents of anomalies name the transactions that the lines of a transaction name."""

from __future__ import annotations

import copy

import pytest

from models.automata.compiled import CompiledAutomata
from models.automata.links import MOST_LINKED
from models.automata.shard import ShardState
from models.document import ModelDocument
from models.schema_check import check
from tests.models.linked_model import anomalies, batches, document, line


def of(found, identifier, kind):
    (one,) = [a for a in found if a["transaction"]["id"] == identifier and a["type"] == kind]
    assert check("anomaly", one) == []
    return one


def session(orders, begin=0, name="s1"):
    """A session that places orders of which none is shipped."""
    lines = [line(begin, f"login {name}")]
    lines += [line(begin + 1 + at, f"session {name} places order {order}") for at, order in enumerate(orders)]
    return [*lines, line(begin + 5 + len(orders), f"logout {name}")]


def test_a_session_names_its_orders_and_an_order_its_session():
    orders = ["o1", "o2", "o3", "o4"]
    found = anomalies(document(), session(orders))
    many = of(found, "s1", "too_many")
    assert many["transaction"]["linked"] == [
        {"automaton": "a-order", "transaction": order, "role": "child"} for order in orders
    ]
    for order in orders:
        lost = of(found, order, "missing_end")
        assert lost["transaction"]["linked"] == [{"automaton": "a-session", "transaction": "s1", "role": "parent"}]


def test_each_is_named_once_and_at_most_so_many():
    found = anomalies(document(), session(["o1", "o2", "o1", "o2", "o1"]))
    assert [other["transaction"] for other in of(found, "s1", "too_many")["transaction"]["linked"]] == ["o1", "o2"]
    found = anomalies(document(), session([f"o{at}" for at in range(50)]), evidence=60)
    linked = of(found, "s1", "too_many")["transaction"]["linked"]
    assert [other["transaction"] for other in linked] == [f"o{at}" for at in range(MOST_LINKED)]


def test_a_model_without_links_names_none():
    plain = document()
    del plain["links"]
    assert all("linked" not in a["transaction"] for a in anomalies(plain, session(["o1"] * 5)))


@pytest.mark.parametrize("evidence", [4, 10])
def test_a_line_that_links_is_kept_and_shown_however_many_others_there_are(evidence):
    """The line that tells the session stands in the middle of the order's lines."""
    lines = [line(at * 0.1, "order o1 paid") for at in range(100)]
    lines.append(line(10, "session s1 places order o1"))
    lines += [line(11 + at * 0.1, "order o1 paid") for at in range(100)]
    many = of(anomalies(document(), lines, evidence=evidence), "o1", "too_many")
    assert many["transaction"]["linked"] == [{"automaton": "a-session", "transaction": "s1", "role": "parent"}]
    assert len(many["evidence"]) == evidence
    assert ["places order" in shown["text"] for shown in many["evidence"]].count(True) == 1


def test_what_is_kept_of_a_transaction_is_bounded_though_all_its_lines_link():
    shard = ShardState(CompiledAutomata(document()), 10)
    lines = session([f"o{at}" for at in range(500)])
    for batch in batches(ModelDocument.from_json(document()), lines[:-1], [], shards=1):
        shard.add(batch)
        shard.advance(int(batch.order_ms[-1]))
    kept = [transaction for lane in shard.lanes for transaction in lane.open.values()]
    assert max(len(transaction.lines) for transaction in kept) <= 20


def test_another_link_is_another_model_for_a_shard():
    turned = copy.deepcopy(document())
    (link,) = turned["links"]
    link["parent"], link["child"] = link["child"], link["parent"]
    link["parent_field"], link["child_field"] = link["child_field"], link["parent_field"]
    assert not ShardState(CompiledAutomata(document())).follow(CompiledAutomata(turned))
    assert ShardState(CompiledAutomata(document())).follow(CompiledAutomata(copy.deepcopy(document())))
    roles = {a["transaction"]["linked"][0]["role"] for a in anomalies(turned, session(["o1"]))}
    assert roles == {"child"}
