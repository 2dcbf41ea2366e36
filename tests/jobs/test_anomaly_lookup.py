"""An anomaly is found by its id where a job has put it."""

from __future__ import annotations

import json

import pytest
from elasticsearch import Elasticsearch

from jobs.anomaly_lookup import look_up
from jobs.stores.credentials import Credentials
from models.anomalies import unmatched_log
from models.document import ModelDocument
from models.errors import UserError
from tests.models.model_example import document

ODD = unmatched_log(ModelDocument.from_json(document()), "a.log", 3, 0, "odd")


def test_in_a_file_by_the_first_characters_of_its_id(tmp_path):
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps(ODD) + "\n")
    assert look_up(ODD["id"][:6], str(path), Credentials()) == ODD
    with pytest.raises(UserError, match="none of the 1 anomalies has the id ffffff"):
        look_up("ffffff", str(path), Credentials())


@pytest.mark.services
def test_in_elasticsearch_by_its_whole_id_whatever_the_day_of_its_index(elasticsearch):
    with Elasticsearch(elasticsearch.url) as client:
        client.index(index="team-anomalies-1970", id=ODD["id"], document=ODD, refresh=True)
        client.index(index="team-anomalies-1971", id="f" * 20, document={"odd": 1}, refresh=True)
    assert look_up(ODD["id"], f"{elasticsearch.url}/team", Credentials()) == ODD
    with pytest.raises(UserError, match=r"no anomaly 0{20} in team-anomalies"):
        look_up("0" * 20, f"{elasticsearch.url}/team", Credentials())
    with pytest.raises(UserError, match=r"no anomaly .* in weirwatch-anomalies"):
        look_up(ODD["id"], elasticsearch.url, Credentials())
    with pytest.raises(UserError, match="is no anomaly"):
        look_up("f" * 20, f"{elasticsearch.url}/team", Credentials())
