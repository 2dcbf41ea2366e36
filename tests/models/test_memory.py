"""What a process asks of the allocator and the garbage collector."""

from __future__ import annotations

import ctypes
import gc

import pytest

from models import memory


class Library:
    """A C library that writes down what it is asked."""

    def __init__(self, calls):
        self.mallopt = lambda option, value: calls.append((option, value)) or 1


@pytest.fixture(autouse=True)
def _collector_as_before():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # as Python starts; a command that ran in this process may have changed it
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_on_linux_freed_memory_stays_and_the_collector_runs_less_often(monkeypatch):
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library(calls))
    monkeypatch.setattr("sys.platform", "linux")
    before = gc.get_threshold()[0]
    memory.keep_freed_memory()
    assert gc.get_threshold()[0] > before
    assert gc.get_freeze_count() > 0
    assert {option for option, _ in calls} == {-1, -2, -3}  # as <malloc.h> numbers them
    assert all(0 < value < 2**31 for _, value in calls)


@pytest.mark.parametrize(("platform", "library"), [("linux", object()), ("darwin", None)])
def test_elsewhere_the_allocator_is_left_alone(monkeypatch, platform, library):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    memory.keep_freed_memory()
    assert gc.get_freeze_count() > 0
