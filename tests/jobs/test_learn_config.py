"""The configuration of the learning job."""

from __future__ import annotations

import dataclasses

import pytest

from jobs.cli import main
from jobs.learn_config import LearnConfig, LearnOutput, LearnTimestamp, check_learn_config, is_learning, schema
from jobs.settings import ConfigError
from models.learning.options import LearnLimits

FILES = "sources:\n  - path: a.log\nid: shop\noutput:\n  model: out/m.json\n"
TOPICS = "kafka:\n  bootstrap: localhost:9092\ninput:\n  topics: [logs]\nid: shop\noutput:\n  store: models\n"


@pytest.fixture
def write(tmp_path):
    (tmp_path / "a.log").write_text("2026-01-01 00:00:00 a line\n")

    def write(text):
        path = tmp_path / "learn.yaml"
        path.write_text(text)
        return path

    return write


def test_files_are_read_from_the_folder_of_the_configuration(write, tmp_path):
    given = "memory:\n  visits: 5000\ntimestamp:\n  year: 2020\nseries_slot_ms: 600000\n"
    config = check_learn_config(write(FILES + given))
    assert config.series_slot_ms == 600_000
    assert config.sources[0].path == tmp_path / "a.log"
    assert config.output == LearnOutput(tmp_path / "out" / "m.json")
    assert (config.memory.visits, config.timestamp.year, config.work) == (5000, 2020, tmp_path)
    assert config.kafka is None


def test_topics_are_as_in_the_live_job(write, tmp_path):
    config = check_learn_config(write(TOPICS + "since: '1970-01-01T00:00:02+00:00'\n"))
    assert config.input is not None
    assert config.kafka is not None
    assert config.input.topics == ("logs",)
    assert config.kafka.bootstrap == "localhost:9092"
    assert (config.since_ms, config.output.store, config.sources) == (2000, str(tmp_path / "models"), ())


def test_schema_and_dataclasses_agree_on_keys_and_defaults():
    def compare(properties, kind, but=frozenset()):
        fields = {field.name: field for field in dataclasses.fields(kind)}
        assert set(properties) - but == set(fields) - {f"{name}_ms" for name in but}
        for name, field in fields.items():
            told = properties.get(name, {}).get("default", {})
            if field.default not in (dataclasses.MISSING, None) and told != {}:
                assert told == field.default, name

    properties = schema()["properties"]
    compare(properties, LearnConfig, frozenset({"since"}))
    compare(properties["output"]["properties"], LearnOutput)
    compare(properties["timestamp"]["properties"], LearnTimestamp)
    compare(properties["memory"]["properties"], LearnLimits)


def test_the_example_states_the_defaults(repo_root, write):
    text = (repo_root / "conf/learn.yaml").read_text()
    config = check_learn_config(write(text.replace("../.run/demo/training.log", "a.log").replace("../.run", ".")))
    assert config == LearnConfig(
        output=config.output, work=config.work, sources=config.sources, id="shop", memory=LearnLimits()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILES + "memory:\n  visit: 5\n", "line 7: memory.visit: unknown key; did you mean visits?"),
        (FILES + "kafka:\n  bootstrap: a:1\n", "line 6: kafka: lines come from sources or from topics"),
        (FILES.replace("id: shop\n", ""), "id is missing"),
        (FILES + "forget: true\n", "line 6: forget: a model that is learnt anew has nothing to forget"),
        (FILES + "update: shop\n", "line 3: id: the model that is updated has a name"),
        (FILES.replace("id: shop", "update: shop"), "line 3: update: shop is in a store"),
        (FILES.replace("id: shop", "update: no.json"), "line 3: update: .*no.json: no such file"),
        (FILES + "since: '2020-01-01'\n", "line 6: since: files are read as a whole"),
        (FILES + "id_pattern: '['\n", "line 6: id_pattern: it is no regular expression"),
        (FILES + "encoding: klingon\n", "line 6: encoding: Python knows no encoding 'klingon'"),
        (FILES.replace("a.log", "b.log"), "line 2: sources\\[0\\].path: .*b.log: no such file"),
        (FILES.replace("  - path: a.log\n", "  - path: a.log\n  - path: a.log\n"), "is the name of sources"),
        (TOPICS + "since: soon\n", "line 8: since: soon is no time"),
        (TOPICS.replace("[logs]", "[logs]\n  start: latest"), "line 5: input.start: nothing stands behind"),
        (TOPICS.replace("kafka:\n  bootstrap: localhost:9092\n", ""), "kafka is missing"),
        ("id: shop\noutput:\n  model: m.json\n", "sources, or kafka and input, is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, text, expected):
    with pytest.raises(ConfigError, match=expected):
        check_learn_config(write(text))


def test_config_check_knows_it(write, capsys):
    path = write(FILES)
    assert is_learning(path)
    assert main(["config", "check", str(path)]) == 0
    assert "right; learns shop from a.log" in capsys.readouterr().out


def test_the_command_takes_either_logs_or_a_configuration(write, capsys):
    path = str(write(FILES))
    assert main(["learn", "--config", path, "--id", "x"]) == 2
    assert "leave the logs and other options out" in capsys.readouterr().err
    assert main(["learn"]) == 2
    assert "name the logs" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["detect.yaml", "live.yaml"])
def test_configurations_of_other_jobs_are_told_apart(repo_root, name):
    assert not is_learning(repo_root / "conf" / name)
    assert is_learning(repo_root / "conf" / "learn.yaml")
