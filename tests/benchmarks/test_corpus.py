"""The lines that the benchmarks run on."""

from __future__ import annotations

import gzip
import re
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.corpus import make_corpus, repeated

LOG = [
    b"081109 203531 1 INFO a: Receiving block blk_-11 src\n",
    b"081109 203532 1 INFO a: Receiving block blk_22 src\n",
    b"081110 010000 1 INFO a: asked to delete blk_-11 blk_22\n",
    b"081111 110913 1 INFO a: block blk_22 done\n",
]


def test_copies_go_on_in_time_with_less_than_a_day_between_them():
    lines = [line for _, line in islice(repeated(LOG, 2), 12)]
    stamps = [line[:13] for line in lines]
    assert stamps == sorted(stamps)
    assert stamps[4] == b"081111 203531"
    assert stamps[8] == b"081113 203531"


def test_a_log_that_ends_later_in_the_day_than_it_began_leaves_a_pause_below_a_day():
    lines = [line for _, line in islice(repeated([LOG[0], b"081110 230000 1 x blk_3\n"], 1), 3)]
    assert lines[2][:13] == b"081111 203531"


def test_each_copy_has_blocks_of_its_own_and_is_otherwise_the_same():
    lines = [line for _, line in islice(repeated(LOG, 2), 12)]
    copies = [lines[at : at + 4] for at in (0, 4, 8)]
    blocks = [set(re.findall(rb"blk_-?\d+", b"".join(copy))) for copy in copies]
    assert [len(some) for some in blocks] == [2, 2, 2]
    assert len(set.union(*blocks)) == 6
    shapes = [[re.sub(rb"\d+", b"0", line) for line in copy] for copy in copies]
    assert shapes[0] == shapes[1] == shapes[2]
    assert copies[0] == LOG


def test_the_lines_of_a_block_stand_in_one_file():
    files: dict[bytes, set[int]] = {}
    for file, line in islice(repeated(LOG, 2), 12):
        block = re.search(rb"blk_-?\d+", line)
        assert block
        files.setdefault(block[0], set()).add(file)
    assert all(len(some) == 1 for some in files.values())
    assert {file for some in files.values() for file in some} == {0, 1}


def test_a_corpus_has_as_many_lines_as_asked(tmp_path):
    (tmp_path / "hdfs.log.gz").write_bytes(gzip.compress(b"".join(LOG)))
    corpus = make_corpus(tmp_path, 10, 3, tmp_path)
    assert sum(path.read_bytes().count(b"\n") for path in corpus.files) == corpus.lines == 10
    assert corpus.training.read_bytes() == b"".join(LOG)
    assert corpus.bytes == sum(path.stat().st_size for path in corpus.files)


@pytest.mark.parametrize("files", [1, 3])
def test_without_the_real_log_the_sample_is_generated(tmp_path: Path, files: int):
    corpus = make_corpus(tmp_path, 500, files, tmp_path / "nothing")
    assert sum(path.read_bytes().count(b"\n") for path in corpus.files) == 500
    assert "sample" in corpus.name
    assert corpus.training.stat().st_size > 0
