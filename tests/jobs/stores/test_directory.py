"""The files of a store in a directory: readable, whole, and safe against what people and crashes do to them."""

from __future__ import annotations

import fcntl
import json
import os

import pytest

from jobs.stores.base import MissingError, StoreError
from jobs.stores.directory import DirectoryStore
from models.document import load_model
from tests.jobs.stores.examples import model, most_of


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "store"


@pytest.fixture
def store(folder):
    """A store with two versions of a model."""
    made = DirectoryStore(folder, lock_seconds=0.05)
    made.push(model(5))
    made.push(model(6), note="wider")
    return made


def test_a_version_is_a_model_file_that_every_command_reads(store, folder):
    assert load_model(folder / "hdfs" / "v00002.json") == model(6, version=2)


def test_the_history_is_readable_a_version_a_line(store, folder):
    text = (folder / "hdfs" / "history.json").read_text()
    assert [line for line in text.splitlines() if '"version": 2' in line and '"note": "wider"' in line]
    data = json.loads(text)
    assert (data["kind"], data["format"], data["id"], data["deleted"]) == ("weirwatch.model_history", 1, "hdfs", None)


def test_nothing_but_the_files_that_are_meant_is_there(store, folder):
    assert sorted(p.name for p in folder.iterdir()) == [".lock", "hdfs"]
    assert sorted(p.name for p in (folder / "hdfs").iterdir()) == ["history.json", "v00001.json", "v00002.json"]
    store.delete("hdfs", purge=True)
    assert sorted(p.name for p in folder.iterdir()) == [".lock"]


def test_a_purge_leaves_files_of_others(store, folder):
    (folder / "hdfs" / "README").write_text("mine")
    store.delete("hdfs", purge=True)
    assert [p.name for p in (folder / "hdfs").iterdir()] == ["README"]
    assert store.heads() == []


def test_a_version_that_a_crash_left_unlisted_does_not_count_and_is_written_over(store, folder):
    (folder / "hdfs" / "v00003.json").write_text("half a mod")
    with pytest.raises(MissingError):
        store.get("hdfs", 3)
    assert store.push(model(7)).entry.version == 3
    assert most_of(store.get("hdfs", 3)) == 7


@pytest.mark.parametrize("field", ["id", "version", "bound"])
def test_a_version_that_was_edited_is_refused_and_the_others_still_work(store, folder, field):
    path = folder / "hdfs" / "v00002.json"
    data = json.loads(path.read_text())
    if field == "bound":
        data["automata"][0]["states"][0]["max"] = 50
    else:
        data[field] = {"id": "web", "version": 1}[field]
    path.write_text(json.dumps(data))
    with pytest.raises(StoreError, match=r"v00002\.json: was changed after it was pushed; .* push the changed model"):
        store.get("hdfs")
    assert most_of(store.get("hdfs", 1)) == 5
    assert store.rollback("hdfs", 1).entry.version == 3
    assert most_of(store.get("hdfs")) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "line 1, column 2"),
        ("[]", "is no history of model hdfs"),
        ("{}", "is no history of model hdfs"),
        ('{"kind": "weirwatch.model_history", "format": 2, "id": "hdfs"}', "format 2"),
        ('{"kind": "weirwatch.model_history", "format": 1, "id": "web"}', "it is of model 'web'"),
        ('{"kind": "weirwatch.model_history", "format": 1, "id": "hdfs", "versions": [], "deleted": null}', "1, 2, 3"),
        (
            '{"kind": "weirwatch.model_history", "format": 1, "id": "hdfs", "versions": [{}], "deleted": null}',
            "missing",
        ),
        ('{"kind": "weirwatch.model_history", "format": 1, "id": "hdfs", "versions": [7], "deleted": null}', "history"),
    ],
)
def test_a_broken_history_is_told_by_its_file_and_nothing_is_written(store, folder, text, message):
    path = folder / "hdfs" / "history.json"
    path.write_text(text)
    for ask in (store.heads, lambda: store.get("hdfs"), lambda: store.push(model(7)), lambda: store.delete("hdfs")):
        with pytest.raises(StoreError, match=message) as told:
            ask()
        assert "history.json" in str(told.value)
    assert path.read_text() == text


def test_a_lost_version_file_is_told(store, folder):
    (folder / "hdfs" / "v00001.json").unlink()
    with pytest.raises(Exception, match=r"v00001\.json: no such file"):
        store.get("hdfs", 1)


def test_a_writer_that_never_ends_does_not_stop_the_others_for_ever_nor_readers_at_all(store, folder):
    descriptor = os.open(folder / ".lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for write in (lambda: store.push(model(7)), lambda: store.delete("hdfs")):
            with pytest.raises(StoreError, match="another process has been writing"):
                write()
        assert most_of(store.get("hdfs")) == 6
    finally:
        os.close(descriptor)
    assert store.push(model(7)).made


def test_reading_from_a_directory_that_is_not_there_says_so_and_makes_none(tmp_path):
    store = DirectoryStore(tmp_path / "nowhere")
    for ask in (store.heads, lambda: store.get("hdfs"), lambda: store.delete("hdfs")):
        with pytest.raises(StoreError, match="no such directory; check --store"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is no directory"):
        DirectoryStore(tmp_path / "file").heads()
    with pytest.raises(StoreError, match="cannot be made"):
        DirectoryStore(tmp_path / "file").push(model())


def test_folders_of_others_are_no_models(store, folder):
    (folder / "notes").mkdir()
    (folder / "x.json").write_text("{}")
    assert [head.model for head in store.heads()] == ["hdfs"]
