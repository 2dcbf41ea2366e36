"""Addresses of stores and credentials: what is right is taken, what is wrong is told without any secret."""

from __future__ import annotations

import pytest

from jobs.stores.address import open_store
from jobs.stores.base import StoreError
from jobs.stores.credentials import Credentials, find_credentials
from jobs.stores.directory import DirectoryStore
from jobs.stores.elastic import ElasticsearchStore

SECRET = "s3cret-Value"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://localhost:9200", "http://localhost:9200/weirwatch-models"),
        ("http://localhost:9200/", "http://localhost:9200/weirwatch-models"),
        ("https://es.example.org", "https://es.example.org:9200/weirwatch-models"),
        ("https://[::1]:9243/team-a.models/", "https://[::1]:9243/team-a.models"),
    ],
)
def test_an_address_with_http_is_elasticsearch(address, name):
    store = open_store(address, Credentials())
    assert isinstance(store, ElasticsearchStore)
    assert store.name == name


@pytest.mark.parametrize("address", ["models", "./http/x", "C:models", "http:models"])
def test_all_else_is_a_directory(address):
    store = open_store(address, Credentials())
    assert isinstance(store, DirectoryStore)
    assert store.name == address


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "the address of the store is empty"),
        ("ftp://host/x", "no such kind of store"),
        ("http://host:port", "the address of the store is wrong"),
        ("http://host:99999", "the address of the store is wrong"),
        ("http://", "is no address of a store"),
        ("http://host:9200/a?b=c", "is no address of a store"),
        ("http://host:9200/a/b", "no index can have such a name"),
        ("http://host:9200/Models", "no index can have such a name"),
        ("http://host:9200/_models", "no index can have such a name"),
        (f"http://bob:{SECRET}@host:9200", "holds a user or password"),
    ],
)
def test_a_wrong_address_is_told(address, message):
    with pytest.raises(StoreError, match=message) as error:
        open_store(address, Credentials())
    assert SECRET not in str(error.value)


def test_credentials_show_no_secret():
    assert SECRET not in repr(Credentials(api_key=SECRET)) + repr(Credentials(username="bob", password=SECRET))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return str(path)


def test_the_environment_says_who_we_are():
    assert find_credentials(environment={}) == Credentials()
    assert find_credentials(environment={"WEIRWATCH_ES_API_KEY": "k"}) == Credentials(api_key="k")
    found = find_credentials(environment={"WEIRWATCH_ES_USERNAME": "bob", "WEIRWATCH_ES_PASSWORD": SECRET})
    assert found == Credentials(username="bob", password=SECRET)


def test_options_win(file):
    key = {"WEIRWATCH_ES_API_KEY": "k"}
    user = {"WEIRWATCH_ES_USERNAME": "eve", "WEIRWATCH_ES_PASSWORD": "p"}
    assert find_credentials(api_key_file=file, environment=user) == Credentials(api_key=SECRET)
    mine = Credentials(username="bob", password=SECRET)
    assert find_credentials(username="bob", password_file=file, environment={**key, **user}) == mine
    assert find_credentials(username="bob", environment=user) == Credentials(username="bob", password="p")


def test_the_authority_is_named_by_option_or_environment(file):
    assert find_credentials(ca_file=file, environment={"WEIRWATCH_ES_CA_FILE": "x"}).ca_file == file
    assert find_credentials(environment={"WEIRWATCH_ES_CA_FILE": file}).ca_file == file


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ({"api_key_file": "nowhere"}, {}, "nowhere: cannot be read"),
        ({"username": "bob"}, {}, "no password for user bob; add --password-file or set WEIRWATCH_ES_PASSWORD"),
        ({"ca_file": "nowhere"}, {}, "nowhere: no such file; name a file with the authority's certificate"),
        ({}, {"WEIRWATCH_ES_API_KEY": f"{SECRET}é"}, "WEIRWATCH_ES_API_KEY: is no API key"),
        ({}, {"WEIRWATCH_ES_API_KEY": SECRET, "WEIRWATCH_ES_USERNAME": "bob"}, "are both set"),
        ({}, {"WEIRWATCH_ES_USERNAME": "bob", "WEIRWATCH_ES_PASSWORD": f"{SECRET}\udcff"}, "is no UTF-8"),
        ({"api_key_file": "x", "username": "bob"}, {}, "either an API key or a user and password"),
    ],
)
def test_what_does_not_fit_together_is_told(options, environment, message):
    with pytest.raises(StoreError, match=message) as error:
        find_credentials(**options, environment=environment)
    assert SECRET not in str(error.value)


def test_files_with_no_secret_in_them_are_told(tmp_path, file):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, message in (("empty", "its first line is empty"), ("binary", "is no UTF-8 text")):
        with pytest.raises(StoreError, match=message):
            find_credentials(api_key_file=str(tmp_path / name), environment={})
    with pytest.raises(StoreError, match="there is a password but no user"):
        find_credentials(password_file=file, environment={})
