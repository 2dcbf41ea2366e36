import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from jobs import cluster, cluster_folder
from jobs.cluster_processes import MARK, job_manager, processes, task_managers, workers
from jobs.session_cluster import ClusterError, running, start, start_job_manager, start_task_manager, stop

JOB = """
import json, os, sys
from pyflink.common import Types
from pyflink.datastream import ProcessFunction, StreamExecutionEnvironment

class Report(ProcessFunction):
    def process_element(self, value, ctx):
        import jobs, models.batches, operators
        yield json.dumps({"value": value, "pid": os.getpid(), "python": sys.executable, "jobs": jobs.__file__})

env = StreamExecutionEnvironment.get_execution_environment()
env.set_parallelism(2)
lines = env.from_collection(list(range(6)), type_info=Types.INT()).rebalance()
with lines.process(Report(), output_type=Types.STRING()).execute_and_collect() as found:
    for line in found:
        print("found", line)
"""


@contextlib.contextmanager
def taken_port():
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        yield other.getsockname()[1]


def test_stopping_where_there_is_no_cluster_says_so(tmp_path, capsys):
    assert cluster.main(["down", "--directory", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == "No cluster is up.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_folder_with_other_things_in_it_is_left_alone(command, tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    assert cluster.main([command, "--directory", str(tmp_path)]) == 2
    assert "is not the folder of a cluster; name another, or empty it" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_folder_with_blanks_in_its_name_is_refused_and_removed(tmp_path, capsys):
    assert cluster.main(["up", "--directory", str(tmp_path / "a b")]) == 2
    assert "cannot work in a folder with blanks in its name" in capsys.readouterr().err
    assert not (tmp_path / "a b").exists()


def test_without_flink_the_mend_is_told(monkeypatch):
    monkeypatch.setattr(cluster_folder, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match="make install"):
        cluster_folder.distribution()


def test_what_a_cluster_that_died_left_is_removed(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "cluster.json").write_text('{"rest_port": 1, "slots": 2}')
    assert running(folder) is None
    assert stop(folder)
    assert not folder.exists()


def test_a_process_is_of_the_cluster_by_its_environment_alone(tmp_path):
    code = "import sys; sys.stdin.read()"
    with (
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, env=os.environ | {MARK: str(tmp_path)}
        ) as ours,
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            env=os.environ | {MARK: f"{tmp_path}-other"},
        ) as other,
    ):
        try:
            assert processes(tmp_path) == [ours.pid]
            assert processes(Path(f"{tmp_path}-other")) == [other.pid]
        finally:
            ours.kill()
            other.kill()


def test_a_setting_that_is_none_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        cluster.main(["up", "--directory", str(tmp_path / "none"), "--set", "state.backend.type"])
    assert "'state.backend.type' is not NAME=VALUE" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [["--slots", "0"], ["--task-managers", "0"]])
def test_a_cluster_of_nothing_is_refused(options, tmp_path, capsys):
    assert cluster.main(["up", "--directory", str(tmp_path / "none"), *options]) == 2
    assert "a cluster needs TaskManagers with slots" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.cluster
def test_a_cluster_is_up_with_its_slots_and_writes_nothing_elsewhere(real_cluster):
    assert real_cluster.get("/overview")["slots-total"] == 2
    settings = {entry["key"]: entry["value"] for entry in real_cluster.get("/jobmanager/config")}
    assert settings["python.executable"] == sys.executable
    for key in ("env.log.dir", "env.pid.dir", "io.tmp.dirs"):
        assert Path(settings[key]).is_relative_to(real_cluster.directory)
    written = yaml.safe_load((real_cluster.directory / "conf/config.yaml").read_text())
    assert "--add-opens" in written["env.java.opts.all"]


@pytest.mark.cluster
def test_starting_twice_leaves_the_first_alone(real_cluster, capsys):
    before = processes(real_cluster.directory)
    assert start(real_cluster.directory) == (real_cluster, False)
    assert cluster.main(["up", "--directory", str(real_cluster.directory)]) == 0
    shown = capsys.readouterr().out
    assert f"Flink is already up: {real_cluster.url} (2 slots)\n" in shown
    assert f"{real_cluster.flink} run -py jobs/detect.py --config conf/detect.yaml" in shown
    assert processes(real_cluster.directory) == before


@pytest.mark.cluster
def test_a_job_runs_in_worker_processes_with_our_python_and_packages(real_cluster, tmp_path, repo_root):
    (tmp_path / "job.py").write_text(JOB)
    done = subprocess.run(
        [real_cluster.flink, "run", "-py", tmp_path / "job.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line.removeprefix("found ")) for line in done.stdout.splitlines() if line.startswith("found ")]
    assert sorted(entry["value"] for entry in found) == list(range(6))
    assert len({entry["pid"] for entry in found}) == 2
    assert {entry["python"] for entry in found} == {sys.executable}
    assert {entry["jobs"] for entry in found} == {str(repo_root / "jobs/__init__.py")}


@pytest.mark.cluster
def test_a_port_that_is_taken_is_told_and_nothing_is_left(tmp_path):
    folder = tmp_path / "cluster"
    with taken_port() as port, pytest.raises(ClusterError, match=f"port {port} may be taken"):
        start(folder, rest_port=port)
    assert not folder.exists()
    assert not processes(folder)


@pytest.mark.cluster
def test_daemons_that_were_killed_are_started_again(tmp_path, capsys):
    folder = tmp_path / "cluster"
    options = ["--task-managers", "2", "--slots", "1", "--set", "heartbeat.interval=500"]
    try:
        assert cluster.main(["up", "--directory", str(folder), *options, "--set", "heartbeat.timeout=5000"]) == 0
        assert "(2 slots)" in capsys.readouterr().out
        up = running(folder)
        assert up is not None
        settings = {entry["key"]: entry["value"] for entry in up.get("/jobmanager/config")}
        assert (settings["heartbeat.interval"], settings["heartbeat.timeout"]) == ("500", "5000")
        first = task_managers(folder)
        assert sorted(first) == ["tm-1", "tm-2"]
        assert {entry["id"] for entry in up.get("/taskmanagers")["taskmanagers"]} == set(first)
        killed = job_manager(folder)
        assert killed is not None
        assert sorted([killed, *first.values()]) == processes(folder)
        assert workers(folder) == []

        os.kill(first["tm-1"], signal.SIGKILL)
        assert start_task_manager(up) == "tm-3"
        assert sorted(task_managers(folder)) == ["tm-2", "tm-3"]
        assert task_managers(folder)["tm-2"] == first["tm-2"]

        with pytest.raises(ClusterError, match="has a JobManager"):
            start_job_manager(up)
        os.kill(killed, signal.SIGKILL)
        while job_manager(folder) is not None:
            time.sleep(0.05)
        assert running(folder) is None
        start_job_manager(up)
        assert job_manager(folder) != killed
        assert running(folder) == up
        assert {entry["id"] for entry in up.get("/taskmanagers")["taskmanagers"]} == {"tm-2", "tm-3"}
    finally:
        stop(folder)
    assert not folder.exists()
