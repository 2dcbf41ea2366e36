"""``flink run -py jobs/detect.py`` on a session cluster, with worker processes."""

import contextlib
import subprocess
import time
import urllib.request

import pytest
import yaml

from tests.end_to_end.runs import read_run

pytestmark = pytest.mark.cluster

OUTPUTS = ("anomalies.jsonl", "dead_letters.jsonl", "summary.json")


def write_config(folder, sample, **more):
    """A configuration beside its outputs; its paths are relative to it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "sources": [{"path": str(sample.watched)}],
        "model": str(sample.model),
        "output": {"directory": "out"},
        # As many lines of evidence as a scan quotes.
        "evidence": {"max_lines": 10, "max_line_chars": 2000},
        **more,
    }
    path = folder / "detect.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def command(cluster, config, repo_root):
    return [cluster.flink, "run", "-py", repo_root / "jobs/detect.py", "--config", config]


@pytest.fixture(scope="module")
def submitted(real_cluster, small, repo_root, tmp_path_factory):
    """A run into a folder that holds the results of an earlier one."""
    folder = tmp_path_factory.mktemp("cluster")
    config = write_config(folder, small, parallelism=2, batch_size=500)
    (folder / "out").mkdir()
    for name in OUTPUTS:
        (folder / "out" / name).write_text("of an earlier run\n" * 10_000)
    (folder / "out" / "notes.txt").write_text("mine")
    done = subprocess.run(
        command(real_cluster, config, repo_root),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out", done.stdout


def test_the_job_finds_on_a_cluster_what_the_scan_finds(submitted, small, small_run):
    run = read_run(submitted[0], *OUTPUTS)
    assert run.compared(small.truth).ok
    assert run.text == small_run().text
    same = ("lines", "matched", "unmatched", "continued", "dead_letters", "transactions", "anomalies", "late")
    assert {name: run.summary[name] for name in same} == {name: small_run().summary[name] for name in same}


def test_the_summary_is_printed(submitted):
    assert "\ntransactions                80\n" in submitted[1]


def test_results_take_the_place_of_earlier_ones_and_other_files_stay(submitted):
    assert sorted(path.name for path in submitted[0].iterdir()) == sorted([*OUTPUTS, "notes.txt"])
    assert "earlier run" not in (submitted[0] / "anomalies.jsonl").read_text()


def test_a_job_that_is_cancelled_fails_and_leaves_no_half_results(real_cluster, samples, repo_root, tmp_path):
    config = write_config(tmp_path, samples(1), batch_size=1)
    with subprocess.Popen(
        command(real_cluster, config, repo_root),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as client:
        try:
            while not list((tmp_path / "out").glob(".parts-*/statistics/.part-*")):
                assert client.poll() is None
                time.sleep(0.1)
            running = [job["jid"] for job in real_cluster.get("/jobs/overview")["jobs"] if job["state"] == "RUNNING"]
            assert len(running) == 1
            cancel(real_cluster, running[0])
            shown, _ = client.communicate(timeout=120)
        finally:
            client.kill()
    assert client.returncode != 0
    assert "cancel" in shown.lower()
    assert list((tmp_path / "out").iterdir()) == []


def cancel(cluster, job):
    request = urllib.request.Request(f"{cluster.url}/jobs/{job}", method="PATCH")
    with contextlib.closing(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)) as answer:
        assert answer.status == 202


def test_a_wrong_configuration_is_told_before_anything_runs(real_cluster, small, repo_root, tmp_path):
    config = write_config(tmp_path, small, batch_size=0)
    jobs = len(real_cluster.get("/jobs/overview")["jobs"])
    done = subprocess.run(
        command(real_cluster, config, repo_root), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode != 0
    assert "batch_size" in done.stdout + done.stderr
    assert "error: " in done.stdout + done.stderr
    assert len(real_cluster.get("/jobs/overview")["jobs"]) == jobs
    assert not (tmp_path / "out").exists()
