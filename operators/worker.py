"""What a Python worker process does before its first operator works."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from functools import cache
from pathlib import Path

from models.huge_pages import keep_in_huge_pages
from models.memory import keep_freed_memory

_FLINK = "java"


@cache
def prepare_worker() -> None:
    """Make the process ready, once, whichever of its operators asks first."""
    keep_freed_memory()
    keep_in_huge_pages()
    leave_with_flink()


def leave_with_flink() -> None:
    """End this process when Flink's, of which it is a descendant, is gone: nobody else would (FLINK-31286).

    Where there is no such process, or no way to wait for one, nothing is done.
    """
    number = _flink_process()
    if number is None or not hasattr(os, "pidfd_open"):
        return
    try:
        handle = os.pidfd_open(number)
    except OSError:
        return
    threading.Thread(target=_wait_for_end, args=(handle,), name="leave with Flink", daemon=True).start()


def _wait_for_end(handle: int) -> None:
    gone = select.poll()
    gone.register(handle, select.POLLIN)
    gone.poll()
    os._exit(1)


def _flink_process() -> int | None:
    """The nearest ancestor that is a Java machine."""
    number = os.getppid()
    with contextlib.suppress(OSError, ValueError, IndexError):
        while number > 1:
            name, _, rest = Path(f"/proc/{number}/stat").read_text().partition("(")[2].rpartition(")")
            if name == _FLINK:
                return number
            number = int(rest.split()[1])
    return None
