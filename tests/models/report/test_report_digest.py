"""One pass over the anomalies."""

import json
import random
from collections import Counter

import pytest

from models.errors import UserError
from models.report.digest import digest
from tests.models.report.data import make_anomalies


def test_the_worst_are_those_that_sorting_everything_would_give():
    documents = make_anomalies(300)
    random.Random(1).shuffle(documents)
    expected = sorted(documents, key=lambda a: (-a["score"], a["@timestamp"], a["id"]))
    found = digest(iter(documents), 20)
    assert [a["id"] for a in found.worst] == [a["id"] for a in expected[:20]]
    assert found.total == 300
    assert found.by_type == Counter(a["type"] for a in documents)
    assert len(found.times) == 300


def test_the_order_of_the_anomalies_does_not_matter():
    documents = make_anomalies(60)
    assert digest(documents, 10).worst == digest(documents[::-1], 10).worst


def test_a_file_gives_the_same_as_the_documents(tmp_path):
    documents = make_anomalies(30)
    path = tmp_path / "anomalies.jsonl"
    path.write_text("".join(json.dumps(a) + "\n\n" for a in documents))
    assert digest(path, 10).worst == digest(documents, 10).worst


@pytest.mark.parametrize("line", ["{", "[1]", '"x"'])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "anomalies.jsonl"
    path.write_text("{}\n" + line + "\n")
    with pytest.raises(UserError, match=r"anomalies\.jsonl:2: not .*JSON"):
        digest(path, 10)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the anomalies in .*none\.jsonl"):
        digest(tmp_path / "none.jsonl", 10)


def test_a_type_that_is_not_known_and_a_time_that_is_none_are_counted():
    odd: list[dict] = [
        {"type": "too_odd", "@timestamp": None, "score": None},
        {"type": "too_odd", "@timestamp": "x", "score": 7},
    ]
    found = digest(odd, 10)
    assert found.present() == ["too_odd"]
    assert found.total == 2
    assert not found.times
