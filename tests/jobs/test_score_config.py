"""The configuration of the job that scores series."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from jobs.config import SourceConfig
from jobs.score_config import ScoreConfig, check_score_config, is_scoring, schema
from jobs.settings import ConfigError
from models.series.scoring.settings import ScoreSettings

SMALL = {"sources": [{"path": "a.csv"}], "output": {"directory": "out"}, "detector": "weirwatch"}

TOPICS = {"sources": None, "kafka": {"bootstrap": "localhost:9092"}}
"""Topics instead of files."""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "a.csv").write_text("timestamp,value\n1,2\n")

    def written(**more) -> Path:
        path = tmp_path / "score.yaml"
        given = {key: value for key, value in {**SMALL, **more}.items() if value is not None}
        path.write_text(yaml.safe_dump(given))
        return path

    return written


def problems(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        check_score_config(path, {})
    return str(caught.value)


def test_a_small_file_gets_the_defaults_and_paths_relative_to_its_folder(write, tmp_path):
    assert check_score_config(write(), {}) == ScoreConfig(
        (SourceConfig(tmp_path / "a.csv", "a.csv"),), tmp_path / "out"
    )


def test_every_value_is_taken_from_the_file(write, tmp_path):
    path = write(
        sources=[{"path": "a.csv", "name": "a"}], output={"directory": "o", "scores": True}, detector="typed",
        limits=[{"series": "d*", "limit": 95}], preset="quiet", slot="5m", parallelism=2, batch_size=7, shards=3,
        max_line_bytes=99,
        encoding="latin-1",
    )  # fmt: skip
    assert check_score_config(path, {}) == ScoreConfig(
        (SourceConfig(tmp_path / "a.csv", "a"),), tmp_path / "o", None, None, True,
        ScoreSettings("typed", "quiet", 300_000, (("d*", 95.0),)), 2, 7, 3, 99, "latin-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"detector": "magic"}, "detector"),
        ({"detector": "typed", "slot": "soon"}, "'soon' is no length of time; write it as 5m or 1h"),
        ({"slot": "5m"}, "slots are for detector: typed; remove it"),
        ({"limits": [{"series": "*", "limit": 9}]}, "limits are for detector: typed; remove it"),
        ({"encoding": "klingon"}, "Python knows no encoding 'klingon'"),
        ({"sources": [{"path": "none.csv"}]}, "no such file"),
        ({"sources": [{"path": "a.csv"}, {"path": "a.csv"}]}, "the same file as sources[0]; remove one"),
        ({"sources": [{"path": "score.yaml"}]}, "the header has no column 'timestamp'"),
        ({"colour": "red"}, "colour"),
        ({"kafka": {"bootstrap": "localhost:9092"}}, "points come from sources or from topics; remove one of the two"),
        ({"sources": None}, "sources, or kafka and input, is missing: it says what to score"),
        ({"sources": None, "input": {"topics": ["m"]}}, "kafka is missing: it says what to score"),
        ({**TOPICS, "input": {"topics": ["m"], "start": "latest"}}, "nothing stands behind the latest message"),
        ({**TOPICS, "input": {"topics": ["m"], "format": "raw"}}, "messages of points are lines of JSON; remove it"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, more, said):
    text = problems(write(**more))
    assert said in text
    assert "score.yaml" in text
    assert text.count("\n") == 0


def test_topics_are_named_instead_of_files(write):
    config = check_score_config(write(**TOPICS, input={"topics": ["m"]}), {})
    assert config.sources == ()
    assert config.kafka is not None
    assert config.kafka.bootstrap == "localhost:9092"
    assert config.input is not None
    assert config.input.topics == ("m",)


def test_it_is_told_from_other_configurations(write, repo_root):
    assert is_scoring(write())
    assert is_scoring(repo_root / "conf" / "score.yaml")
    assert not is_scoring(repo_root / "conf" / "detect.yaml")
    assert not is_scoring(repo_root / "conf" / "learn.yaml")
    assert not is_scoring(repo_root / "none.yaml")


def test_the_example_fits_the_schema(repo_root):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(yaml.safe_load((repo_root / "conf" / "score.yaml").read_text()), schema())
