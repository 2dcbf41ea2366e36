"""What a running job tells Flink's metric system, by REST and to Prometheus, and what the documentation says of it."""

import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator

import pytest
import yaml

from jobs import cluster_folder
from jobs.session_cluster import Cluster, start, stop
from operators.metrics import METRICS
from tests.live.feed import Feed
from tests.live.live_job import LiveJob
from tests.live.outputs import wait_until
from tests.live.traffic import make_stream

# Sees all lines, tells of few, and fails at few.
_CHECKER = """\
from models.checkers import LineChecker, Violation

class Forecasts(LineChecker):
    def templates(self, model):
        return dict.fromkeys(model.templates, ())

    def check_line(self, event):
        if "Forecast for SKU-1" in event.text:
            yield Violation(reason="A forecast.", score=0.1)
        if "Forecast for SKU-2" in event.text:
            raise ValueError("no forecast")
"""

_SECTION = ("metrics:", "port: 9250-9260")


def _uncommented(text: str, first: str, last: str) -> str:
    """The text with the block of comments from one line to another made settings."""
    lines = text.splitlines()
    begin = lines.index(f"# {first}")
    end = next(i for i in range(begin, len(lines)) if lines[i].endswith(last))
    lines[begin : end + 1] = [re.sub("^# ", "", line) for line in lines[begin : end + 1]]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def metrics_cluster(repo_root, tmp_path_factory) -> Iterator[Cluster]:
    """With the section on Prometheus of ``conf/flink/config.yaml`` as it stands, its comment signs taken away."""
    folder, plugins = tmp_path_factory.mktemp("metrics") / "cluster", tmp_path_factory.mktemp("plugins")
    (plugins / "forecasts.py").write_text(_CHECKER)
    changed = tmp_path_factory.mktemp("settings") / "config.yaml"
    changed.write_text(_uncommented((repo_root / "conf/flink/config.yaml").read_text(), *_SECTION))
    assert yaml.safe_load(changed.read_text())["metrics"]["reporters"] == "prom"
    more = {"python.files": str(plugins), "metrics.fetcher.update-interval": 1000}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster_folder, "SETTINGS", changed)
        running, _ = start(folder, settings=more)
    try:
        yield running
    finally:
        stop(folder)


@pytest.fixture(scope="module")
def watched(metrics_cluster, kafka, elasticsearch, tmp_path_factory) -> Iterator[tuple[LiveJob, int]]:
    """A job that has watched a stream to its end and been told something, and how many lines there were."""
    stream = make_stream(tmp_path_factory.mktemp("stream"), seed=5, transactions=300, anomalies_per_type=2)
    kafka.create_topic("metered", stream.partitions)
    folder = tmp_path_factory.mktemp("jobs") / "metered"
    checker = {"use": "forecasts:Forecasts", "id": "all-forecasts", "max_failures": 1_000_000}
    settings = {"latency_interval_ms": 500, "checkers": [checker]}
    job = LiveJob("metered", folder, metrics_cluster, kafka, elasticsearch, "metered", stream.model, settings)
    job.submit()
    with Feed(kafka.bootstrap, "metered", stream.messages, rate=5000) as feed:
        feed.go_on(len(stream.messages))
        feed.wait(len(stream.messages))
    job.wait_until_read()
    job.end_sources(stream.sources)
    job.ask({"id": "odd", "action": "add", "model": {}})
    job.wait_until_told()
    try:
        yield job, sum(message.value.count(b"\n") + 1 for message in stream.messages)
    finally:
        job.close()


def by_rest(job: LiveJob) -> dict[str, defaultdict[str, float]]:
    """Operator → metric → its sum over subtasks; for metrics in groups the last of their names counts."""
    found: dict[str, defaultdict[str, float]] = {name: defaultdict(float) for name in METRICS}
    cluster, job_id = job.job.cluster, job.job.job_id
    for vertex in cluster.get(f"/jobs/{job_id}")["vertices"]:
        path = f"/jobs/{job_id}/vertices/{vertex['id']}/metrics"
        listed = [entry["id"] for entry in cluster.get(path)]
        ours = [name for name in listed if name.split(".")[1] in METRICS and "[" not in name]
        for entry in cluster.get(f"{path}?get={','.join(ours)}") if ours else []:
            parts = entry["id"].split(".")
            # A distribution is told of as text.
            told = entry["value"]
            found[parts[1]][parts[-1]] += 0 if told.startswith("Distribution") else int(float(told))
    return found


@pytest.mark.services
@pytest.mark.cluster
@pytest.mark.faults
def test_a_running_job_tells_of_every_metric_there_is_a_name_for(watched):
    job, lines = watched
    last = {}

    def tells_all() -> bool:
        last.update(by_rest(job))
        everything = all(set(named) <= set(last[operator]) for operator, named in METRICS.items())
        found = last["automata"]["anomalies"] + last["parse"]["lines_unmatched"] + last["parse"]["checker_violations"]
        written = found + last["parse"]["checker_failures"]
        told = last["elasticsearch"]["documents_indexed"] == written and found == len(job.found().indexed)
        return everything and told and last["automata"]["open_transactions"] == 0

    wait_until(tells_all, f"all metrics; {last}", 60)
    parse, automata = last["parse"], last["automata"]
    assert parse["lines"] == lines
    assert parse["lines_matched"] + parse["lines_unmatched"] + parse["lines_continued"] == lines
    assert automata["transactions_judged"] > 250, "most of the 300"
    assert (automata["events_late"], parse["events_late_at_source"]) == (0, 0)
    assert last["resolve"]["control_rejected"] == 1
    assert last["elasticsearch"]["sink_backlog"] == 0
    found = [d["checker"]["id"] for d in job.found().committed if d["type"] == "custom"]
    failed = [letter["checker"] for letter in job.dead_letters.read()]
    assert found == ["all-forecasts"] * int(parse["checker_violations"])
    assert failed == ["all-forecasts"] * int(parse["checker_failures"])
    assert min(len(found), len(failed), parse["checker_busy_us"]) > 0
    assert (parse["checker_off"], automata["checker_violations"], automata["checker_busy_us"]) == (0, 0, 0)


@pytest.mark.services
@pytest.mark.cluster
def test_prometheus_gets_them_under_the_names_that_the_documentation_gives(watched, metrics_cluster):
    log = "".join(path.read_text(errors="replace") for path in (metrics_cluster.directory / "log").glob("*.log"))
    ports = set(re.findall(r"Started PrometheusReporter HTTP server on port ([0-9]+)", log))
    assert len(ports) == 2, "JobManager and TaskManager report, each on a port of its own"
    shown = "".join(
        urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=10).read().decode() for port in ports
    )
    assert "flink_taskmanager_Status_JVM_CPU_Load" in shown
    assert "flink_jobmanager_numRunningJobs" in shown
    ours = "flink_taskmanager_job_task_operator"
    assert re.search(rf'^{ours}_lines{{.*operator_name="parse".*}} [1-9]', shown, re.MULTILINE)
    assert re.search(rf'^{ours}_source_clock_lag_ms{{.*source="shop_0_log"', shown, re.MULTILINE)
    assert re.search(rf'^{ours}_model_model_version{{.*model="model".*}} 1\.0', shown, re.MULTILINE)
    assert re.search(rf'^{ours}_checker_checker_busy_us{{.*checker="all_forecasts".*}} [1-9]', shown, re.MULTILINE)
    assert re.search(rf"^{ours}_KafkaSourceReader_KafkaConsumer_records_lag_max{{", shown, re.MULTILINE)
    assert re.search(r'^flink_taskmanager_job_task_latency_.*_latency{.*quantile="0\.95"', shown, re.MULTILINE)
    assert re.search(r'^flink_jobmanager_job_numRestarts{.*job_name="weirwatch_live"', shown, re.MULTILINE)


def test_the_documentation_explains_every_metric_and_no_other(repo_root):
    text = (repo_root / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.partition("| operator | metric |")[2].partition("\n\n")[0]
    explained = re.findall(r"^\|[^|]*\| `(\w+)` \|", table, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert set(explained) == {name for named in METRICS.values() for name in named}
