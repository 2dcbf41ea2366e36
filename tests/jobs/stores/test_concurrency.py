"""Several processes write into one store at the same time: no version is lost, none is doubled."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.jobs.stores.examples import most_of

PUSHES = 15
# Pushes as soon as the other is ready too; prints what became of each push.
PUSHER = """
import json, sys
from jobs.stores.address import open_store
from jobs.stores.base import VersionConflictError
from jobs.stores.credentials import Credentials
from tests.jobs.stores.examples import model

address, first, count, expecting = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "expecting"
store = open_store(address, Credentials())
print("ready", flush=True)
sys.stdin.readline()
made = []
for most in range(first, first + count):
    while True:
        try:
            newest = max((h.newest.version for h in store.heads()), default=0) if expecting else None
            made.append((store.push(model(most), expect=newest).entry.version, most, newest))
            break
        except VersionConflictError:
            pass
print(json.dumps(made))
"""


def at_once(repo_root, address, expecting, processes=2):
    """The outcomes of pushes, a list a process: version, content, the version that was expected."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHER, address, str(100 * (i + 1)), str(PUSHES), expecting],
            cwd=repo_root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(processes)
    ]
    try:
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [json.loads(process.stdout.read()) for process in started if process.stdout]
        assert [process.wait() for process in started] == [0] * processes
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return outcomes


@pytest.mark.parametrize("expecting", ["whatever", "expecting"])
def test_every_push_of_two_processes_has_a_version_of_its_own(repo_root, store, address, expecting):
    outcomes = at_once(repo_root, address, expecting)
    total = PUSHES * len(outcomes)
    assert sorted(version for outcome in outcomes for version, _, _ in outcome) == list(range(1, total + 1))
    for outcome in outcomes:  # each process's own are in its order
        assert [most for _, most, _ in sorted(outcome)] == [most for _, most, _ in outcome]
        assert all(expected in (None, version - 1) for version, _, expected in outcome)
    content = {version: most for outcome in outcomes for version, most, _ in outcome}
    head, entries = store.history("hdfs")
    assert [entry.version for entry in entries] == list(range(1, total + 1))
    assert head.newest == entries[-1]
    assert {version: most_of(store.get("hdfs", version)) for version in content} == content
