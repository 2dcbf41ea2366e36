"""A real node does what the jobs count on: templates, bulks with single refusals, versions, keeping what it took."""

from __future__ import annotations

from uuid import uuid4

import elasticsearch as library
import psutil
import pytest
from elasticsearch import helpers

from tests.services.elasticsearch import start_elasticsearch
from tests.services.service import ServiceError

pytestmark = pytest.mark.services


@pytest.fixture
def client(elasticsearch):
    with elasticsearch.client() as made:
        yield made


@pytest.fixture
def index(client):
    name = f"anomalies-{uuid4().hex[:8]}"
    client.indices.create(
        index=name,
        settings={"number_of_replicas": 0},
        mappings={
            "properties": {"type": {"type": "keyword"}, "score": {"type": "float"}, "@timestamp": {"type": "date"}}
        },
    )
    yield name
    client.indices.delete(index=name)


def document(number):
    return {"@timestamp": "2008-11-09T20:35:31.000Z", "type": "too_many", "score": number / 10}


def test_an_indexed_document_is_found(client, index):
    client.index(index=index, id="1", document=document(875), refresh="wait_for")
    found = client.search(index=index, query={"range": {"score": {"gt": 80}}}, aggs={"t": {"terms": {"field": "type"}}})
    assert [hit["_source"] for hit in found["hits"]["hits"]] == [document(875)]
    assert found["aggregations"]["t"]["buckets"] == [{"key": "too_many", "doc_count": 1}]


def test_an_index_made_by_its_first_document_takes_its_mapping_from_the_template(client):
    name = f"days-{uuid4().hex[:8]}"
    mappings = {"dynamic": "strict", "properties": {"type": {"type": "keyword"}}}
    client.indices.put_index_template(name=name, index_patterns=[f"{name}-*"], template={"mappings": mappings})
    client.index(index=f"{name}-2008.11.09", document={"type": "too_few"})
    assert client.indices.get_mapping(index=f"{name}-*")[f"{name}-2008.11.09"]["mappings"] == mappings
    with pytest.raises(library.BadRequestError):
        client.index(index=f"{name}-2008.11.09", document={"unknown": 1})
    client.indices.delete(index=f"{name}-2008.11.09")
    client.indices.delete_index_template(name=name)


def test_a_bulk_takes_all_but_the_document_that_does_not_fit(client, index):
    actions = [{"_index": index, "_id": str(number), "_source": document(number)} for number in range(1000)]
    actions[500]["_source"]["score"] = "very high"
    outcomes = [
        (result["index"]["_id"], result["index"]["status"])
        for _, result in helpers.streaming_bulk(client, actions, raise_on_error=False)
    ]
    assert outcomes == [(str(number), 400 if number == 500 else 201) for number in range(1000)]
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 999


def test_the_same_ids_again_make_no_more_documents(client, index):
    actions = [{"_index": index, "_id": str(number), "_source": document(number)} for number in range(50)]
    for _ in range(2):
        assert helpers.bulk(client, actions, refresh=True) == (50, [])
    assert client.count(index=index)["count"] == 50


def test_a_writer_that_has_not_seen_the_last_version_is_refused(client, index):
    first = client.index(index=index, id="model", document=document(1))
    seen = {"if_seq_no": first["_seq_no"], "if_primary_term": first["_primary_term"]}
    client.index(index=index, id="model", document=document(2), **seen)
    with pytest.raises(library.ConflictError):
        client.index(index=index, id="model", document=document(3), **seen)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_ended_node_comes_back_with_every_document_that_it_had_taken(elasticsearch, client, index, end):
    actions = [{"_index": index, "_id": str(number), "_source": document(number)} for number in range(500)]
    assert helpers.bulk(client, actions) == (500, [])
    url = elasticsearch.url
    getattr(elasticsearch, end)()
    assert elasticsearch.processes() == []
    with pytest.raises(library.ConnectionError):
        client.options(max_retries=0).count(index=index)
    elasticsearch.start_again()
    assert elasticsearch.url == url
    client.cluster.health(index=index, wait_for_status="green")
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 500


def test_it_listens_on_this_machine_only(elasticsearch):
    (process,) = elasticsearch.processes()
    listening = {c.laddr.ip for c in psutil.Process(process).net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_an_error_shows_the_end_of_the_log_and_leaves_nothing(tmp_path):
    with pytest.raises(
        ServiceError, match=r"(?s)elasticsearch ended as it started, with code 1.*elasticsearch\.log\n.*heap"
    ):
        start_elasticsearch(tmp_path / "elasticsearch", heap="1k")
    assert list(tmp_path.iterdir()) == []
