import dataclasses
import json
import os
from pathlib import Path

import pytest

from jobs.config import SCHEMA, DetectConfig, EvidenceConfig, OutputConfig, SourceConfig, check_config, load_config
from jobs.settings import ConfigError

SMALL = "sources:\n  - path: a.log\nmodel: model.json\noutput:\n  directory: out\n"


@pytest.fixture
def write(tmp_path):
    def write_text(text: str) -> Path:
        path = tmp_path / "job.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def problems_of(path: Path, environment=None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment or {})
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]


def test_a_small_file_gets_the_defaults_and_paths_relative_to_its_folder(write, tmp_path):
    assert load_config(write(SMALL)) == DetectConfig(
        sources=(SourceConfig(tmp_path / "a.log", "a.log"),),
        model=tmp_path / "model.json",
        output=OutputConfig(tmp_path / "out"),
    )


def test_every_value_is_taken_from_the_file(write, tmp_path):
    text = """
sources: [{path: ../x/a.log}, {path: /var/log/b.log.gz}]
model: m/model.json
output: {directory: out}
parallelism: 2
batch_size: 100
shards: 8
lateness_ms: 5
max_leap_ms: 6
max_line_bytes: 700
evidence: {max_lines: 3, max_line_chars: 80}
encoding: latin-1
"""
    assert load_config(write(text)) == DetectConfig(
        sources=(
            SourceConfig(tmp_path.parent / "x/a.log", "../x/a.log"),
            SourceConfig(Path("/var/log/b.log.gz"), "/var/log/b.log.gz"),
        ),
        model=tmp_path / "m/model.json",
        output=OutputConfig(tmp_path / "out"),
        parallelism=2,
        batch_size=100,
        shards=8,
        lateness_ms=5,
        max_leap_ms=6,
        max_line_bytes=700,
        evidence=EvidenceConfig(3, 80),
        encoding="latin-1",
    )


def test_paths_do_not_depend_on_the_folder_the_job_is_started_in(write, tmp_path, monkeypatch):
    write(SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_config("job.yaml").model == tmp_path / "model.json"


def test_the_example_is_valid_and_states_the_defaults(repo_root):
    config = load_config(repo_root / "conf/detect.yaml", {})
    assert config == DetectConfig(sources=config.sources, model=config.model, output=config.output)


def test_schema_and_dataclasses_agree_on_keys_and_defaults():
    def compare(properties, kind):
        fields = {field.name: field for field in dataclasses.fields(kind)}
        assert set(properties) == set(fields)
        for name, field in fields.items():
            if field.default is not dataclasses.MISSING:
                assert properties[name]["default"] == field.default, name

    properties = json.loads(SCHEMA.read_text())["properties"]
    compare(properties, DetectConfig)
    compare(properties["evidence"]["properties"], EvidenceConfig)
    compare(properties["output"]["properties"], OutputConfig)
    compare(properties["sources"]["items"]["properties"], SourceConfig)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("batch_sise: 5\n", ", line 6: batch_sise: unknown key; did you mean batch_size?"),
        ("parallelism: many\n", ", line 6: parallelism: 'many' is not a whole number"),
        ("parallelism: true\n", ", line 6: parallelism: True is not a whole number"),
        ("parallelism:\n", ", line 6: parallelism: nothing is not a whole number"),
        ("parallelism: 0\n", ", line 6: parallelism: 0 is too small; the least is 1"),
        ("parallelism: 129\n", ", line 6: parallelism: 129 is too large; the most is 128"),
        ("shards: 100000\n", ", line 6: shards: 100000 is too large; the most is 32768"),
        ("evidence:\n  max_line: 1\n", ", line 7: evidence.max_line: unknown key; did you mean max_lines?"),
        ("evidence: 3\n", ", line 6: evidence: 3 is not a mapping of keys to values"),
        ("encoding: klingon\n", ", line 6: encoding: Python knows no encoding 'klingon'; try utf-8, latin-1 or cp1252"),
        ("model: again.json\n", ", line 6: model: the key stands twice; remove one"),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_the_mend(write, extra, expected):
    assert problems_of(write(SMALL + extra)) == [expected]


def test_all_problems_are_told_at_once_in_order_of_line(write):
    text = "sources:\n  - path: ''\n  - file: x\nshards: a\n"
    assert problems_of(write(text)) == [
        ", line 1: the key model is missing; add it",
        ", line 1: the key output is missing; add it",
        ", line 2: sources[0].path: must not be empty",
        ", line 3: sources[1].file: unknown key; known here: path, name",
        ", line 3: sources[1]: the key path is missing; add it",
        ", line 4: shards: 'a' is not a whole number",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": the file is empty"),
        ("# nothing\n", ": the file is empty"),
        ("- a\n", ", line 1: ['a'] is not a mapping of keys to values"),
        ("sources: [\nmodel: x\n", ", line 3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: b\n\tc: d\n", ", line 2: not valid YAML: found character '\\t' that cannot start any token"),
    ],
)
def test_what_is_no_configuration_is_refused(write, text, expected):
    assert problems_of(write(text)) == [expected]


def test_a_tag_of_python_is_refused(write):
    assert "could not determine a constructor" in problems_of(write(SMALL + "x: !!python/name:os.system\n"))[0]


def test_a_file_that_is_absent_or_a_folder_or_binary_is_refused(write, tmp_path):
    assert problems_of(tmp_path / "none.yaml") == [": no such file"]
    assert problems_of(tmp_path) == [": cannot be read: Is a directory"]
    path = write("")
    path.write_bytes(b"model: \xff\n")
    assert problems_of(path) == [": not UTF-8 (byte 8); save it as UTF-8"]


def test_environment_variables_are_put_in_and_keep_their_kind(write, tmp_path):
    text = SMALL.replace("a.log", "${LOGS}/a-${DAY}.log") + "parallelism: ${CORES}\n"
    config = load_config(write(text), {"LOGS": "/logs", "DAY": "1", "CORES": "4"})
    assert config.sources == (SourceConfig(Path("/logs/a-1.log"), "/logs/a-1.log"),)
    assert config.parallelism == 4
    assert load_config(write(SMALL.replace("a.log", "$${x}.log")), {}).sources[0].path == tmp_path / "${x}.log"


def test_a_quoted_variable_stays_a_text(write):
    assert problems_of(write(SMALL + 'parallelism: "${CORES}"\n'), {"CORES": "4"}) == [
        ", line 6: parallelism: '4' is not a whole number"
    ]


def test_a_variable_cannot_bring_structure_in(write, tmp_path):
    config = load_config(write(SMALL.replace("a.log", "${X}")), {"X": "a\nshards: 1"})
    assert config.shards == DetectConfig.__dataclass_fields__["shards"].default
    assert config.sources[0].path == tmp_path / "a\nshards: 1"


def test_a_variable_that_is_not_set_is_named_with_its_line(write):
    assert problems_of(write(SMALL.replace("a.log", "${LOGS}/a.log"))) == [
        ", line 2: sources[0].path: the environment variable LOGS is not set; set it, or write the value here"
    ]


def test_anchors_and_merges_work(write, tmp_path):
    text = "sources: [{path: &a a.log}]\nmodel: m\noutput: {directory: *a}\nevidence: {<<: {max_lines: 2}}\n"
    config = load_config(write(text))
    assert config.output.directory == tmp_path / "a.log"
    assert config.evidence.max_lines == 2


def test_the_same_file_twice_is_refused(write, tmp_path):
    text = SMALL.replace("- path: a.log\n", "- path: a.log\n  - path: ../${DIR}/a.log\n")
    assert problems_of(write(text), {"DIR": tmp_path.name}) == [
        ", line 3: sources[1].path: the same file as sources[0]; remove one"
    ]


def test_a_source_can_have_a_name_of_its_own(write, tmp_path):
    config = load_config(write(SMALL.replace("- path: a.log\n", "- path: a.log\n    name: shop\n")))
    assert config.sources == (SourceConfig(tmp_path / "a.log", "shop"),)


def test_two_sources_of_one_name_are_refused(write):
    text = SMALL.replace("- path: a.log\n", "- path: a.log\n  - path: b.log\n    name: a.log\n")
    assert problems_of(write(text)) == [", line 4: sources[1].name: the name of sources[0] too; change one"]


def test_a_check_names_what_is_not_there(write, tmp_path):
    path = write(SMALL)
    with pytest.raises(ConfigError) as caught:
        check_config(path)
    assert str(caught.value).splitlines() == [
        f"{path}, line 2: sources[0].path: {tmp_path}/a.log: no such file",
        f"{path}, line 3: model: {tmp_path}/model.json: no such file; `weirwatch learn` writes one",
    ]


def test_a_check_passes_when_all_is_there(write, tmp_path):
    (tmp_path / "a.log").touch()
    (tmp_path / "model.json").touch()
    path = write(SMALL.replace("out\n", "new/folder\n"))
    assert check_config(path) == load_config(path)
    assert not (tmp_path / "new").exists()


def test_a_check_refuses_an_output_that_is_a_file_and_a_source_that_is_a_folder(write, tmp_path):
    (tmp_path / "a.log").mkdir()
    (tmp_path / "model.json").touch()
    (tmp_path / "out").touch()
    path = write(SMALL)
    with pytest.raises(ConfigError) as caught:
        check_config(path)
    assert str(caught.value).splitlines() == [
        f"{path}, line 2: sources[0].path: {tmp_path}/a.log is not a file",
        f"{path}, line 5: output.directory: {tmp_path}/out is no folder that can be written",
    ]


def test_a_check_refuses_a_file_that_cannot_be_read(write, tmp_path, monkeypatch):
    (tmp_path / "a.log").touch()
    (tmp_path / "model.json").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    with pytest.raises(ConfigError, match=r"a\.log cannot be read; check its permissions"):
        check_config(write(SMALL))
