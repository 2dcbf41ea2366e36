"""The connection that workers make, and the templates that are put before documents come."""

from __future__ import annotations

import json
import pickle
import uuid

import pytest

from jobs.elastic_output import TEMPLATES, ElasticConnection, checked_prefix, ensure_indices, index_template
from models.bulk_outbox import Outbox, bulk_body
from models.bulk_reply import Verdict, judge_item
from models.errors import UserError
from models.index_names import ANOMALY, DEAD_LETTER, ILM, IndexNames
from operators.elastic_bulk import send_bulk
from tests.models.slots.incidents import DAY, GET, poisson, run, watching
from tests.operators.elastic_documents import anomaly, clean, dead_letter
from tests.services.ports import free_port


@pytest.fixture
def client(elasticsearch):
    with elasticsearch.client() as made:
        yield made


@pytest.fixture
def prefix(client):
    name = f"output-{uuid.uuid4().hex[:8]}"
    yield name
    clean(client, name)


def put(client, name, **changes):
    (found,) = client.indices.get_index_template(name=name)["index_templates"]
    body = {**found["index_template"], **changes}
    client.indices.put_index_template(name=name, meta=body.pop("_meta", None), **body)


def properties(fields):
    """The names of all fields below these, with dots."""
    for name, field in fields.items():
        yield name
        for below in properties(field.get("properties", {})):
            yield f"{name}.{below}"


def schema_fields(schema, root):
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", schema.get("items", {}).get("properties", {})).items():
        yield name
        inner = field.get("items", field)
        for below in schema_fields(inner, root):
            yield f"{name}.{below}"


@pytest.mark.parametrize(("file", "schema"), [("anomalies.json", "anomaly"), ("dead_letters.json", "dead_letter")])
def test_the_mapping_knows_every_field_of_the_schema(file, schema, repo_root):
    mapping = json.loads((TEMPLATES / file).read_text())["template"]["mappings"]
    root = json.loads((repo_root / "models" / "schemas" / f"{schema}.schema.json").read_text())
    assert set(schema_fields(root, root)) <= set(properties(mapping["properties"]))
    assert mapping["dynamic"] is False


@pytest.mark.services
def test_the_templates_are_put_and_no_index_is_made(elasticsearch, client, prefix):
    ensure_indices(ElasticConnection(elasticsearch.url), prefix)
    for kind, name in ((ANOMALY, f"{prefix}-anomalies"), (DEAD_LETTER, f"{prefix}-dead-letters")):
        (found,) = client.indices.get_index_template(name=name)["index_templates"]
        assert found["index_template"]["index_patterns"] == [f"{name}-*"]
        assert found["index_template"]["version"] == index_template(prefix, kind)["version"]
    assert not client.indices.get(index=f"{prefix}-*").body


@pytest.mark.services
def test_an_index_of_one_node_is_green_and_its_documents_are_found_by_every_field(elasticsearch, client, prefix):
    ensure_indices(ElasticConnection(elasticsearch.url), prefix)
    client.index(index=f"{prefix}-anomalies-2026.01.12", document=json.loads(anomaly(7)), refresh=True)
    client.index(index=f"{prefix}-dead-letters-undated", document=json.loads(dead_letter(7)), refresh=True)
    assert client.cluster.health(index=f"{prefix}-*", wait_for_status="green", timeout="10s")["status"] == "green"
    for field, value in {
        "@timestamp": "2026-01-12T00:07:00.000Z",
        "type": "missing_end",
        "score": 88.5,
        "model.id": "shop",
        "model.version": 2,
        "source": "logs/0",
        "transaction.id": "7",
        "transaction.states": "open",
        "evidence.file": "app.log",
        "evidence.line": 8,
        "violations.unit": "occurrences",
        "reason.keyword": "Transaction 7 never ended.",
    }.items():
        assert client.count(index=f"{prefix}-anomalies-*", query={"term": {field: value}})["count"] == 1, field
    for field, words in {"evidence.text": "order opened", "reason": "never ended"}.items():
        assert client.count(index=f"{prefix}-anomalies-*", query={"match_phrase": {field: words}})["count"] <= 1
        assert client.count(index=f"{prefix}-anomalies-*", query={"match": {field: words}})["count"] == 1, field
    for field, value in {"topic": "logs", "partition": 0, "offset": 7, "reason.keyword": "it is no text"}.items():
        assert client.count(index=f"{prefix}-dead-letters-*", query={"term": {field: value}})["count"] == 1, field


@pytest.mark.services
def test_the_later_document_of_an_incident_holds_whichever_bulk_comes_last(elasticsearch, client, prefix):
    ensure_indices(ElasticConnection(elasticsearch.url), prefix)
    begin, end = run({GET: poisson(1, 4 * DAY, {3 * DAY: 150})}, watching())
    for document in (end, begin, begin, end):
        outbox = Outbox(IndexNames(prefix, 2026))
        outbox.add(ANOMALY, json.dumps(document))
        waiting = outbox.take(1, 1 << 20)
        reply = send_bulk(client, bulk_body(waiting))
        assert [judge_item(item, 0) for item in reply.items] == [Verdict.TAKEN]
    client.indices.refresh(index=f"{prefix}-*")
    query = {"bool": {"filter": [{"term": {"series.id": "lines t-get"}}, {"range": {"series.actual": {"gte": 150}}}]}}
    (hit,) = client.search(index=f"{prefix}-*", query=query)["hits"]["hits"]
    assert hit["_source"] == end


@pytest.mark.services
def test_an_older_template_is_replaced_and_a_newer_one_is_left(elasticsearch, client, prefix):
    connection, name = ElasticConnection(elasticsearch.url), f"{prefix}-anomalies"
    ensure_indices(connection, prefix)
    for version, priority in ((0, 500), (10**6, 7)):
        put(client, name, version=version, priority=7)
        ensure_indices(connection, prefix)
        (found,) = client.indices.get_index_template(name=name)["index_templates"]
        assert found["index_template"]["priority"] == priority


@pytest.mark.services
def test_a_template_of_the_same_version_that_an_operator_has_changed_is_left(elasticsearch, client, prefix):
    connection, name = ElasticConnection(elasticsearch.url), f"{prefix}-anomalies"
    ensure_indices(connection, prefix)
    put(client, name, priority=7)
    ensure_indices(connection, prefix)
    (found,) = client.indices.get_index_template(name=name)["index_templates"]
    assert found["index_template"]["priority"] == 7


@pytest.mark.services
def test_lifecycle_management_that_the_server_does_not_have_is_told(elasticsearch, prefix):
    with pytest.raises(UserError, match=r"output\.elasticsearch\.rollover: .*no index lifecycle.*rollover: daily"):
        ensure_indices(ElasticConnection(elasticsearch.url), prefix, ILM)


def test_the_template_for_lifecycle_management_names_policy_and_alias():
    settings = index_template("shop", DEAD_LETTER, ILM)["template"]["settings"]["index"]
    assert settings["lifecycle"] == {"name": "shop", "rollover_alias": "shop-dead-letters"}


def test_a_server_that_does_not_answer_is_told():
    port = free_port()
    with pytest.raises(UserError, match=rf"^output\.elasticsearch: http://127\.0\.0\.1:{port}: does not answer"):
        ensure_indices(ElasticConnection(f"http://127.0.0.1:{port}"), "w")


@pytest.mark.services
def test_a_server_that_refuses_is_told(elasticsearch, client, prefix):
    other = f"{prefix}-other"
    client.indices.put_index_template(name=other, index_patterns=[f"{prefix}-anomalies-*"], priority=500)
    try:
        with pytest.raises(UserError, match=rf"output\.elasticsearch: .*refuses \(400\).*{other}"):
            ensure_indices(ElasticConnection(elasticsearch.url), prefix)
    finally:
        client.indices.delete_index_template(name=other)


@pytest.mark.parametrize("prefix", ["", "Shop", "-shop", "a b", "a*", "x" * 300])
def test_a_prefix_that_no_index_can_have_is_told(prefix):
    with pytest.raises(UserError, match=r"output\.elasticsearch\.prefix"):
        checked_prefix(prefix)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "localhost:9200"}, "is no address"),
        ({"url": "ftp://host"}, "is no address"),
        ({"url": "http://host:port"}, "is wrong"),
        ({"url": "http://host/?a=b"}, "is no address"),
        ({"url": "https://me:secret@host"}, "holds a user or password"),
        ({"url": "http://host", "username": "me"}, "go together"),
        ({"url": "http://host", "password_variable": "P"}, "go together"),
        ({"url": "http://host", "username": "me", "password_variable": "P", "api_key_variable": "K"}, "not both"),
    ],
)
def test_settings_that_do_not_fit_are_told(settings, message):
    with pytest.raises(UserError, match=message) as raised:
        ElasticConnection(**settings)
    assert "secret" not in str(raised.value)


def test_secrets_are_looked_up_where_the_connection_is_used_and_are_no_part_of_it(monkeypatch):
    monkeypatch.setenv("TRIAL_PASSWORD", "hush-hush")
    connection = ElasticConnection("http://host", username="me", password_variable="TRIAL_PASSWORD")
    arrived = pickle.loads(pickle.dumps(connection))
    assert b"hush-hush" not in pickle.dumps(connection)
    credentials = arrived.credentials()
    assert (credentials.username, credentials.password) == ("me", "hush-hush")
    with arrived() as client:
        assert client is not None
    assert arrived.credentials({"TRIAL_PASSWORD": "other"}).password == "other"


def test_a_variable_that_is_not_set_is_told(monkeypatch):
    monkeypatch.delenv("TRIAL_KEY", raising=False)
    with pytest.raises(UserError, match="environment variable TRIAL_KEY is not set"):
        ElasticConnection("http://host", api_key_variable="TRIAL_KEY")()


def test_certificates_that_are_not_there_are_told(tmp_path):
    with pytest.raises(UserError, match=r"no-such\.pem cannot be used"):
        ElasticConnection("https://host", ca_file=str(tmp_path / "no-such.pem"))()


def test_an_address_may_have_a_path_and_needs_no_port():
    with ElasticConnection("https://host/es/")() as client:
        (node,) = client.transport.node_pool.all()
        assert node.base_url == "https://host:9200/es"
