"""Huge pages for a process that holds very much: millions of small records, each event at one of them by chance.

With pages of 4 KiB nearly each such access also misses the processor's table of pages (TLB), which costs more than
reading the record; in a virtual machine twice. See madvise(2), MADV_COLLAPSE, Linux 6.1.
"""

from __future__ import annotations

import ctypes
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

HUGE_BYTES = 2 << 20
LEAST_BYTES = 256 << 20
"""Smaller processes are left as they are."""

GROWTH = 1.25
"""After growing by a quarter a process is looked at again."""

EVERY_S = 10.0
"""How often its size is looked at, in seconds."""

_MADV_COLLAPSE = 25
_FULL = 0.9
_SMAPS = Path("/proc/self/smaps")
_STATM = Path("/proc/self/statm")
_SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) *(.*)")
_PAGE_BYTES = 4096


def keep_in_huge_pages() -> None:
    """Begin to watch the size of this process and, each time that it has grown much, move it into huge pages.

    It happens in a thread of its own, about 2.5 s of the processor for a GiB. Nothing is done where the system has no
    huge pages, or has them switched off (``never``).
    """
    if sys.platform.startswith("linux") and _allowed():
        threading.Thread(target=_watch, name="huge pages", daemon=True).start()


def _allowed() -> bool:
    try:
        wanted = "[never]" not in _SETTING.read_text(encoding="ascii")
    except OSError:
        return False
    return wanted and _madvise()(0, 0, _MADV_COLLAPSE) == 0  # of no bytes: the kernel knows the call


def _watch() -> None:
    last = LEAST_BYTES / GROWTH
    while True:
        time.sleep(EVERY_S)
        if resident_bytes() >= GROWTH * last:
            collapse(full_ranges(_SMAPS.read_text(encoding="utf-8", errors="replace")))
            last = resident_bytes()


def resident_bytes() -> int:
    """Memory of this process, bytes."""
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


def full_ranges(smaps: str) -> Iterator[tuple[int, int]]:
    """The parts of a process that huge pages are for, as addresses of begin and end, multiples of a huge page.

    These are the private writable mappings without a file that are nearly all in use: in others, such as stacks, huge
    pages would take memory that nothing uses.

    Args:
        smaps: as proc(5) describes ``/proc/PID/smaps``.
    """
    low = high = 0
    for line in smaps.splitlines():
        head = _MAPPING.match(line)
        if head is not None:
            begin, end = int(head[1], 16), int(head[2], 16)
            plain = head[3] == "rw-p" and head[4] == "0" and not head[5].startswith(("/", "[stack", "[v"))
            low, high = (begin, end) if plain else (0, 0)
        elif high and line.startswith("Rss:"):
            first, last = -(-low // HUGE_BYTES) * HUGE_BYTES, high // HUGE_BYTES * HUGE_BYTES
            if first < last and int(line.split()[1]) * 1024 >= _FULL * (high - low):
                yield first, last


def collapse(ranges: Iterable[tuple[int, int]]) -> None:
    """Move ranges of addresses of this process into huge pages, as far as the system has any free.

    Args:
        ranges: begin and end, multiples of a huge page.
    """
    madvise = _madvise()
    for first, last in ranges:
        # One at a time: other threads that ask for memory wait meanwhile.
        for at in range(first, last, HUGE_BYTES):
            madvise(at, HUGE_BYTES, _MADV_COLLAPSE)


def _madvise() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None, use_errno=True).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found: Callable[[int, int, int], int] = function
    return found
