"""A fresh store of each kind."""

from __future__ import annotations

import uuid

import pytest

from jobs.stores.address import open_store
from jobs.stores.credentials import Credentials

KINDS = ("directory", pytest.param("elasticsearch", marks=pytest.mark.services))


@pytest.fixture
def elastic_address(elasticsearch):
    """The address of a store that nobody has used; its indices are removed afterwards."""
    prefix = f"models-{uuid.uuid4().hex[:8]}"
    yield f"{elasticsearch.url}/{prefix}"
    with elasticsearch.client() as client:
        for index in (f"{prefix}-heads", f"{prefix}-versions"):
            client.indices.delete(index=index, ignore_unavailable=True)
            if client.indices.exists_index_template(name=index):
                client.indices.delete_index_template(name=index)


@pytest.fixture(params=KINDS)
def address(request, tmp_path):
    """The address of an empty store."""
    if request.param == "directory":
        (tmp_path / "store").mkdir()
        return str(tmp_path / "store")
    return request.getfixturevalue("elastic_address")


@pytest.fixture
def store(address):
    return open_store(address, Credentials())
