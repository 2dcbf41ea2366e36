"""A scan that is ended in the middle: what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

WAIT_S = 120


def gone(processes):
    """Wait for processes to end; those that do not."""
    _, alive = psutil.wait_procs(processes, timeout=WAIT_S)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def running(samples, tmp_path):
    """A scan in the middle of its work, for long: its process, and those that it has started."""
    sample = samples(1)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/anomalies.jsonl").write_text("earlier\n")
    with subprocess.Popen(
        [
            *(Path(sys.executable).with_name("weirwatch"), "scan", sample.watched, "--model", sample.model),
            *("--out", "anomalies.jsonl", "--summary", "summary.json", "--report", "report.html"),
            *("--dead-letters", "dead.jsonl", "--batch-size", "1", "--quiet"),
        ],
        cwd=tmp_path / "here",
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as scan:
        try:
            limit = time.monotonic() + WAIT_S
            while not list((tmp_path / "tmp").glob("weirwatch-*/statistics/.part-*")):
                assert scan.poll() is None
                assert time.monotonic() < limit
                time.sleep(0.1)
            children = psutil.Process(scan.pid).children(recursive=True)
            assert any("java" in child.name() for child in children)
            assert any("beam_boot" in part for child in children for part in child.cmdline())
            yield scan, children
        finally:
            scan.kill()


def written(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_scan_leaves_nothing_behind(sign, code, running, tmp_path):
    scan, children = running
    scan.send_signal(sign)
    out, err = scan.communicate(timeout=WAIT_S)
    assert (scan.returncode, out, err) == (code, "", "error: interrupted\n")
    assert gone(children) == []
    assert written(tmp_path / "here") == {"anomalies.jsonl": "earlier\n"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nothing_goes_on_when_the_scan_is_killed(running, tmp_path):
    scan, children = running
    scan.kill()
    scan.wait(timeout=WAIT_S)
    assert gone(children) == []
    assert written(tmp_path / "here") == {"anomalies.jsonl": "earlier\n"}
