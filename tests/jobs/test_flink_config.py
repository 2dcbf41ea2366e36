"""What ``conf/flink/config.yaml`` says, and what it would say once its comments are taken away."""

import re
import urllib.request

import pytest
import yaml

from jobs import cluster_folder
from jobs.session_cluster import start, stop


def uncommented(text: str, first: str, last: str) -> str:
    """The text with the block of comments from one line to another made settings."""
    lines = text.splitlines()
    begin = lines.index(f"# {first}")
    end = next(i for i in range(begin, len(lines)) if lines[i].endswith(last))
    lines[begin : end + 1] = [re.sub("^# ", "", line) for line in lines[begin : end + 1]]
    return "\n".join(lines) + "\n"


@pytest.mark.cluster
def test_the_section_for_prometheus_works_as_it_stands(repo_root, tmp_path, monkeypatch):
    text = (repo_root / "conf/flink/config.yaml").read_text()
    settings = tmp_path / "config.yaml"
    settings.write_text(uncommented(text, "metrics:", "port: 9250-9260"))
    assert yaml.safe_load(settings.read_text())["metrics"]["reporters"] == "prom"
    monkeypatch.setattr(cluster_folder, "SETTINGS", settings)
    folder = tmp_path / "cluster"
    start(folder)
    try:
        log = "".join(path.read_text(errors="replace") for path in (folder / "log").glob("*.log"))
        ports = set(re.findall(r"Started PrometheusReporter HTTP server on port ([0-9]+)", log))
        assert len(ports) == 2, "JobManager and TaskManager report, each on a port of its own"
        shown = "".join(
            urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=10).read().decode() for port in ports
        )
        assert "flink_taskmanager_Status_JVM_CPU_Load" in shown
        assert "flink_jobmanager_numRunningJobs" in shown
    finally:
        stop(folder)
