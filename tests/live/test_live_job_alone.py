"""``weirwatch run`` without heartbeats, with a control folder, stopped and resumed; and the mistakes of its users."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from jobs.cli import main
from tests.live.outputs import wait_until
from tests.live.running_job import EXPIRES_MS, IDLE_MS, Job, at, iso, quick
from tests.live.weirwatch_run import run_once

pytestmark = pytest.mark.services


class QuietJob(Job):
    """It reads control messages from a folder."""

    def tell(self, **message: Any) -> dict[str, Any]:
        name = uuid4().hex
        folder = self.folder / "control"
        hidden = folder / f".{name}"
        hidden.write_text(json.dumps({"id": name, **message}) + "\n")
        hidden.rename(folder / f"{time.time_ns()}-{name}.json")
        found: list[dict[str, Any]] = []

        def replied() -> bool:
            lines = [
                line
                for path in (self.folder / "replies").rglob("*part-*")
                if path.is_file()
                for line in path.read_text().splitlines()
            ]
            found[:] = [reply for reply in map(parsed, lines) if reply.get("id") == name]
            return bool(found)

        wait_until(replied, f"a reply to {message}; {self.run.said}", 60, every=0.1)
        return found[0]


def parsed(line: str) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError:  # it is still being written
        return {}


@pytest.fixture(scope="module")
def quiet(kafka, tmp_path_factory) -> Iterator[QuietJob]:
    folder = tmp_path_factory.mktemp("quiet") / "job"
    model = tmp_path_factory.mktemp("quick") / "model.json"
    model.write_text(json.dumps(quick()))
    settings = {
        "models": {"initial": [{"path": str(model)}]},
        "heartbeat": {"enabled": False, "idle_ms": IDLE_MS},
        "control": {"directory": str(folder / "control"), "replies": str(folder / "replies")},
    }
    made = QuietJob(kafka, folder, settings)
    (folder / "control").mkdir()
    made.start().wait_for_work()
    try:
        yield made
    finally:
        made.close()


class TestQuiet:
    """Where time does not pass by itself."""

    def test_a_missing_end_in_a_silent_source_waits_for_its_agents_word(self, quiet):
        quiet.say("agent.log", at(0, "open 1"), b"no time here")
        time.sleep((IDLE_MS + EXPIRES_MS) / 1000 + 5)
        quiet.run.wait_for_checkpoint()
        assert quiet.told_of("agent.log") == []
        quiet.accepted(action="heartbeat", source="agent.log", timestamp=iso(EXPIRES_MS + 100))
        (found,) = quiet.wait_for("agent.log")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "1")
        quiet.accepted(action="end_of_log", source="agent.log")

    def test_a_source_that_ends_is_judged_and_goes_on_when_it_writes_again(self, quiet):
        quiet.say("ended.log", at(100_000, "open 2"), at(100_010, "work 2"))
        quiet.accepted(action="end_of_log", source="ended.log")
        (found,) = quiet.wait_for("ended.log")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "2")
        quiet.say("ended.log", at(101_000, "open 3"), at(101_010, "close 3"), at(102_000, "open 4"))
        quiet.accepted(action="end_of_log", source="ended.log")
        assert {a["transaction"]["id"] for a in quiet.wait_for("ended.log", 2)} == {"2", "4"}

    def test_ctrl_c_ends_it_in_order_and_resume_goes_on_without_loss_or_doubles(self, quiet):
        quiet.say("resumed.log", at(200_000, "open 5"), at(200_010, "strange before"), at(200_020, "open 6"))
        quiet.wait_for("resumed.log")
        quiet.run.wait_for_checkpoint()
        begin = time.monotonic()
        assert quiet.run.interrupt() == 0, quiet.run.said
        assert time.monotonic() - begin < 30
        assert "Traceback" not in quiet.run.said
        assert quiet.run.said.rstrip().endswith("stopped; go on with --resume")
        wait_until(lambda: quiet.run.processes() == [], f"no process is left: {quiet.run.processes()}", 10)

        quiet.say("resumed.log", at(200_030, "close 6"), at(200_040, "strange meanwhile"))
        quiet.start("--resume").wait_for_work()
        assert "resuming from file:" in quiet.run.said
        quiet.say("resumed.log", at(200_050, "strange after"))
        quiet.accepted(action="end_of_log", source="resumed.log")
        quiet.wait_for("resumed.log", 4)
        quiet.run.wait_for_checkpoint()
        found = quiet.told_of("resumed.log")
        assert Counter(a["type"] for a in found) == {"unmatched_log": 3, "missing_end": 1}
        assert {a["transaction"]["id"] for a in found if a["transaction"]} == {"5"}
        assert set(quiet.anomalies.ids().values()) == {1}
        assert quiet.run.restarts == 0


class TestEnds:
    """Ends that nobody planned."""

    def test_too_many_dead_letters_end_it_and_say_why(self, kafka, tmp_path):
        model = tmp_path / "model.json"
        model.write_text(json.dumps(quick()))
        settings = {"models": {"initial": [{"path": str(model)}]}, "dead_letters": {"max_consecutive": 50}}
        job = Job(kafka, tmp_path / "job", settings)
        try:
            job.start().wait_for_work()
            job.say("binary.log", *[b"\x00\x01"] * 60)
            wait_until(lambda: not job.run.is_alive, f"its end; {job.run.said}", 120)
            last = job.run.said.rstrip().splitlines()[-1]
            assert last.startswith("error: the job was stopped: binary.log: ")
            assert "dead_letters.max_consecutive" in last
            assert "Traceback" not in job.run.said
        finally:
            job.close()

    def test_one_that_is_told_to_stop_while_it_starts_stops_in_order(self, kafka, tmp_path):
        model = tmp_path / "model.json"
        model.write_text(json.dumps(quick()))
        job = Job(kafka, tmp_path / "job", {"models": {"initial": [{"path": str(model)}]}})
        try:
            job.start()
            wait_until(lambda: "reading" in job.run.said, "the start", 60, every=0.05)
            time.sleep(1)
            assert job.run.interrupt() in (0, 130)
            assert "Traceback" not in job.run.said
            assert "Exception" not in job.run.said
            wait_until(lambda: job.run.processes() == [], "no process is left", 10)
        finally:
            job.close()


class TestMistakes:
    """What a user may get wrong is said in one line, before anything starts."""

    def settings(self, kafka, folder: Path) -> dict[str, Any]:
        model = folder / "model.json"
        model.write_text(json.dumps(quick()))
        topics = {part: f"known-{part}-{uuid4().hex[:8]}" for part in ("logs", "found", "dead")}
        for topic in topics.values():
            kafka.create_topic(topic)
        return {
            "kafka": {"bootstrap": kafka.bootstrap},
            "input": {"topics": [topics["logs"]]},
            "models": {"initial": [{"path": str(model)}]},
            "output": {"kafka": {"anomalies": topics["found"], "dead_letters": topics["dead"]}},
        }

    @pytest.fixture
    def fails(self, tmp_path, monkeypatch, capsys):
        """Runs it with a mistake in it: the last line names it."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("jobs.kafka_topics._PATIENCE_MS", 1000)

        def check(settings: dict[str, Any], *parts: str, options: tuple[str, ...] = ()) -> None:
            path = tmp_path / "live.yaml"
            path.write_text(yaml.safe_dump(settings))
            assert main(["run", "--config", str(path), *options]) == 2
            said = capsys.readouterr().err
            assert "Traceback" not in said
            last = said.rstrip().splitlines()[-1]
            assert last.startswith("error: "), said
            for part in parts:
                assert part in last

        return check

    def test_no_broker(self, fails, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"kafka": {"bootstrap": "localhost:1"}}
        fails(settings, "no broker answers at localhost:1", "kafka.bootstrap")

    def test_no_such_topic(self, fails, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"input": {"topics": ["unknown"]}}
        fails(settings, "has no topic unknown")

    def test_no_such_model(self, fails, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"models": {"initial": [{"path": "/nowhere/model.json"}]}}
        fails(settings, "/nowhere/model.json")

    def test_no_elasticsearch(self, fails, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path)
        settings["output"]["elasticsearch"] = {"url": "http://localhost:1"}
        fails(settings, "http://localhost:1")

    def test_no_configuration_in_a_process_of_its_own(self, tmp_path):
        done = run_once(tmp_path / "absent.yaml", tmp_path)
        assert done.returncode == 2, done.stderr
        assert re.fullmatch(r"error: .*absent\.yaml.*\n", done.stderr)

    def test_nowhere_to_resume_from(self, fails, kafka, tmp_path):
        fails(self.settings(kafka, tmp_path), "checkpoints.directory", options=("--resume",))
