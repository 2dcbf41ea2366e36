"""Huge pages: which parts of a process they are for, and that they come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models import huge_pages
from models.huge_pages import HUGE_BYTES, full_ranges

MIB = 1 << 20


def smaps(*mappings):
    """As the kernel prints them: (begin, end, permissions, inode, name, resident bytes)."""
    return "".join(
        f"{begin:08x}-{end:08x} {permissions} 00000000 00:00 {inode}                     {name}\n"
        f"Size:  {(end - begin) // 1024} kB\nRss:   {resident // 1024} kB\nVmFlags: rd wr mr mw me ac\n"
        for begin, end, permissions, inode, name, resident in mappings
    )


def test_full_private_memory_without_a_file_is_taken_from_one_huge_page_to_another():
    text = smaps((3 * MIB, 9 * MIB, "rw-p", 0, "", 6 * MIB), (32 * MIB, 36 * MIB, "rw-p", 0, "[heap]", 4 * MIB))
    assert list(full_ranges(text)) == [(4 * MIB, 8 * MIB), (32 * MIB, 36 * MIB)]


@pytest.mark.parametrize(
    "mapping",
    [
        (4 * MIB, 8 * MIB, "rw-p", 77, "/lib/python3.11.so", 4 * MIB),
        (4 * MIB, 8 * MIB, "rw-s", 0, "", 4 * MIB),
        (4 * MIB, 8 * MIB, "r--p", 0, "", 4 * MIB),
        (4 * MIB, 8 * MIB, "rw-p", 0, "[stack]", 4 * MIB),
        (4 * MIB, 12 * MIB, "rw-p", 0, "", MIB),
        (3 * MIB, 5 * MIB, "rw-p", 0, "", 2 * MIB),
    ],
    ids=["a file", "shared", "read only", "the stack", "hardly used", "no whole huge page"],
)
def test_others_are_left_as_they_are(mapping):
    assert not list(full_ranges(smaps(mapping)))


def test_the_process_can_be_read():
    assert 0 < huge_pages.resident_bytes() < 1 << 40
    for first, last in full_ranges(Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace")):
        assert first % HUGE_BYTES == last % HUGE_BYTES == 0
        assert first < last


def test_where_there_are_none_nothing_watches(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr("threading.Thread", lambda **_: started.append(1))
    off = tmp_path / "enabled"
    off.write_text("always madvise [never]\n")
    for setting in (off, tmp_path / "absent"):
        monkeypatch.setattr(huge_pages, "_SETTING", setting)
        huge_pages.keep_in_huge_pages()
    assert not started


GROWN = """
import time
from models import huge_pages
huge_pages.EVERY_S = 0.05
huge_pages.LEAST_BYTES = 64 << 20
huge_pages.keep_in_huge_pages()
held = [bytes(1000) for _ in range(200_000)]
end = time.monotonic() + 20
while time.monotonic() < end:
    said = next(l for l in open("/proc/self/smaps_rollup") if l.startswith("AnonHugePages"))
    if int(said.split()[1]) >= 64 << 10:
        break
    time.sleep(0.05)
print(said.split()[1])
assert all(one == bytes(1000) for one in held)
"""


@pytest.mark.skipif(not huge_pages._allowed(), reason="this kernel cannot move memory into huge pages when asked")
def test_a_process_that_has_grown_is_moved(tmp_path):
    script = tmp_path / "grown.py"
    script.write_text(GROWN)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 64 << 10
