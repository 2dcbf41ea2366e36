"""A worker process ends when Flink's is gone."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from operators.worker import leave_with_flink, prepare_worker

CHILD = "import time; from operators.worker import *; leave_with_flink(); print(1, flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run(['bash', '-c', {sys.executable!r} + ' -c \"$0\" | cat', sys.argv[1]])"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_leaves_when_the_java_machine_above_it_is_gone(tmp_path, repo_root, how):
    java = tmp_path / "java"
    java.symlink_to(os.path.realpath(sys.executable))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repo_root), *filter(None, sys.path)])}
    flink = subprocess.Popen([java, "-c", PARENT, CHILD], stdout=subprocess.PIPE, env=environment)
    assert flink.stdout is not None
    assert flink.stdout.readline() == b"1\n"
    below = psutil.Process(flink.pid).children(recursive=True)
    assert any("leave_with_flink" in " ".join(process.cmdline()[2:3]) for process in below)
    begin = time.monotonic()
    flink.send_signal(how)
    flink.wait()
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive
    assert time.monotonic() - begin < 20
    flink.stdout.close()


def test_where_there_is_none_nothing_happens():
    leave_with_flink()
    prepare_worker()
    prepare_worker()
