"""What a user is told when a job fails; Flink is not started here."""

import json
import logging
from pathlib import Path

import pytest

from jobs import detect, embedded
from jobs.cli import main
from tests.operators.shop import MODEL, line

FLINK_SAYS = """An error occurred while calling o12.execute.
: org.apache.flink.runtime.client.JobExecutionException: Job execution failed.
\tat org.apache.flink.runtime.jobmaster.JobResult.toJobExecutionResult(JobResult.java:146)
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(X.java:180)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""

PYTHON_SAYS = """org.apache.flink.runtime.taskmanager.AsynchronousException: Caught exception
Caused by: java.lang.RuntimeException: Error received from SDK harness: Traceback (most recent call last):
  File "worker.py", line 1, in execute
    raise MemoryError
models.batches.BatchError: a batch is cut off

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.onNext(FnApiControlClient.java:180)
"""


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A scan whose job fails with a text; returns its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedded, "check_java", lambda: None)
    Path("app.log").write_text(line(0, "open", 1) + "\n")
    Path("model.json").write_text(json.dumps(MODEL))

    def scan(error):
        def run(config, work, embedded):
            raise error

        monkeypatch.setattr(detect, "run", run)
        return main(["scan", "app.log", "--model", "model.json", "--out", "out.jsonl", "--quiet"])

    return scan


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (FLINK_SAYS, "No space left on device"),
        (PYTHON_SAYS, "models.batches.BatchError: a batch is cut off"),
        ("short and clear\nand more", "short and clear"),
        ("", "no reason was given"),
    ],
)
def test_a_job_that_fails_is_told_with_its_innermost_cause(said, cause, failing, capsys, tmp_path):
    assert failing(RuntimeError(said)) == 1
    details = tmp_path / "weirwatch-error.log"
    assert capsys.readouterr().err == f"error: the job failed: {cause}; details: {details}\n"
    assert "RuntimeError" in details.read_text()
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_vanishes_before_the_job_reads_it_is_named(failing, capsys):
    assert failing(FileNotFoundError(2, "No such file or directory", "app.log")) == 2
    assert capsys.readouterr().err == "error: app.log: No such file or directory\n"


def test_ctrl_c_ends_quietly(failing, capsys, caplog):
    assert failing(KeyboardInterrupt()) == 130
    logging.exception("KeyboardInterrupt while sending command.")
    assert capsys.readouterr().err == "error: interrupted\n"
    assert not caplog.records
    logging.error("something else")
    assert [record.message for record in caplog.records] == ["something else"]
