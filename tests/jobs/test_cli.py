"""The command line, in this process: what it refuses, and in which words. No Flink is started here."""

import gzip
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from jobs.cli import main
from models.document import load_model
from models.sample.generator import generate
from tests.operators.shop import AUTOMATON, MODEL, TEMPLATES, line

_WORDS = "learn scan run parse report config model explain source replay series eval sample demo"
COMMANDS = tuple(_WORDS.split())
WITHIN = (("config", "check"), ("model", "validate"), ("model", "edit"), ("series", "score"), ("eval", "nab"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a log and a model."""
    monkeypatch.chdir(tmp_path)
    Path("app.log").write_text("".join(f"{line(k, 'open', k)}\n" for k in range(5)))
    Path("model.json").write_text(json.dumps(MODEL))
    return tmp_path


@pytest.fixture
def said(capsys):
    """Run a command that is wrong: its message on standard error. The exit code is 2 and nothing else is shown."""

    def run(*arguments):
        try:
            code: object = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        shown = capsys.readouterr()
        assert code == 2, shown
        assert shown.out == ""
        assert "Traceback" not in shown.err
        return shown.err

    return run


def scan(log="app.log", *more, model="model.json", out="out.jsonl"):
    return ["scan", log, "--model", model, "--out", out, *more]


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), *WITHIN])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: weirwatch {' '.join(command)}".rstrip())
    if not command:
        for name in COMMANDS:
            assert re.search(rf"^    {name} +\S", shown, re.MULTILINE), name


@pytest.mark.parametrize("command", ["learn", "scan", "parse", "replay", "sample", "demo"])
def test_every_option_has_an_explanation(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    for option in re.findall(r"^  (--\S+.*)$", shown, re.MULTILINE):
        explained = re.search(r"^  " + re.escape(option) + r"(\s{2,}\S|\n {10,}\S)", shown, re.MULTILINE)
        assert explained or re.search(r"\s{2,}\S", option), option


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert re.fullmatch(r"weirwatch \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["wach"], "invalid choice: 'wach' (choose from"),
        (scan("app.log", "--colour"), "unrecognized arguments: --colour"),
        (["scan", "app.log", "--out", "x"], "the following arguments are required: --model"),
        (scan("app.log", "--parallelism", "0"), "argument --parallelism: '0' is no whole number from 1 to 64"),
        (scan("app.log", "--batch-size", "many"), "argument --batch-size: 'many' is no whole number from 1 to"),
        (scan("app.log", "--encoding", "klingon"), "Python knows no encoding 'klingon'; try utf-8"),
        (["sample", "--out", "s", "--transactions", "1"], "'1' is no whole number from 100 to"),
    ],
)
def test_an_option_that_is_wrong_is_named(arguments, message, said, here):
    shown = said(*arguments)
    assert message in shown
    assert shown.startswith("usage: weirwatch")


@pytest.mark.parametrize("command", [scan, lambda log: ["learn", log, "--out", "m.json"]])
@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("none.log", "error: none.log: no such file\n"),
        ("folder/", "error: folder/ is a folder; name the log files in it, as in folder/*.log\n"),
        ("pipe", "error: pipe is no regular file: it is read in parts, so write it to a file first\n"),
        ("closed.log/x", "error: closed.log/x cannot be read: Not a directory\n"),
    ],
)
def test_a_log_that_cannot_be_read_is_named(command, log, message, said, here):
    Path("folder").mkdir()
    Path("closed.log").write_text("")
    os.mkfifo("pipe")
    assert said(*command(log)) == message


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_log_that_is_closed_to_us_is_named(said, here):
    Path("app.log").chmod(0)
    assert said(*scan()) == "error: app.log cannot be read: Permission denied\n"


def test_a_log_given_twice_is_named_by_both_names(said, here):
    Path("same.log").symlink_to("app.log")
    rest = ["--model", "model.json", "--out", "out.jsonl"]
    assert said("scan", "app.log", "same.log", *rest) == "error: same.log is given twice (also as app.log)\n"
    assert said("scan", "app.log", "./app.log", *rest) == "error: ./app.log is given twice (also as app.log)\n"
    assert said("learn", "app.log", "app.log", "--out", "m.json") == "error: app.log is given twice\n"


def broken(**changes):
    return json.dumps(MODEL | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (broken(format=2), "format 2"),
        (broken(kind="weirwatch.truth"), "weirwatch.truth"),
        ("[1, 2]", "model.json"),
        ("", "model.json: is empty"),
        ('{"kind": "weirwatch.model",}', "line 1, column 28"),
        (broken(version="one"), '$.version: is the text "one"; write a whole number'),
        (broken(automata=[AUTOMATON | {"settle_ms": -1}]), "$.automata[0].settle_ms"),
        (broken(templates=[TEMPLATES[0] | {"grok": "open %{INT:id"}]), "$.templates[0].grok"),
        (broken(templates=TEMPLATES[:3]), "$.automata[0].states[3].template"),
        (broken(timestamp={"formats": ["yyyy-qq"], "timezone": "UTC"}), "$.timestamp.formats[0]"),
        (broken(id_pattern="("), "$.id_pattern: is no usable regular expression"),
    ],
)
def test_a_broken_model_is_told_with_the_place_and_the_mend(text, message, said, here):
    Path("model.json").write_text(text)
    shown = said(*scan())
    assert shown.startswith("error: model.json")
    assert message in shown
    assert shown == said("parse", "app.log", "--model", "model.json", "--out", "x.csv")
    assert not Path("out.jsonl").exists()


def test_a_missing_model_is_told(said, here):
    assert said(*scan(model="none.json")).startswith("error: none.json: no such file")
    assert "folder" in said(*scan(model=".")) or "directory" in said(*scan(model="."))


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("none/out.jsonl", "none/out.jsonl cannot be written: there is no folder"),
        ("folder", "folder is a folder; name a file in it"),
        ("app.log/out.jsonl", "app.log/out.jsonl cannot be written: there is no folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_the_work(out, message, said, here):
    Path("folder").mkdir()
    assert message in said(*scan(out=out))
    assert message in said(*scan("app.log", "--report", out))
    assert message in said("learn", "app.log", "--out", out)
    assert message in said("parse", "app.log", "--model", "model.json", "--out", out)


def test_two_outputs_with_the_same_name_are_refused(said, here):
    assert "is named for two outputs" in said(*scan("app.log", "--summary", "./out.jsonl"))
    assert "is named for two outputs" in said(*scan("app.log", "--report", "r", "--dead-letters", "r"))


def test_an_output_never_takes_the_place_of_an_input(said, here):
    before = Path("app.log").read_bytes(), Path("model.json").read_bytes()
    assert said(*scan(out="app.log")) == "error: app.log is read and would be overwritten; write to another file\n"
    assert "model.json" in said(*scan("app.log", "--summary", "model.json"))
    assert "app.log" in said("learn", "app.log", "--out", "./app.log")
    assert "model.json" in said("report", "app.log", "--model", "model.json", "--out", "model.json")
    assert "model.json" in said("parse", "app.log", "--model", "model.json", "--out", "model.json")
    assert (Path("app.log").read_bytes(), Path("model.json").read_bytes()) == before


def test_without_java_the_mend_is_told(said, here, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert (
        said(*scan()) == "error: Flink needs Java 17 or newer and 'java' was not found; install it or set JAVA_HOME\n"
    )
    monkeypatch.setenv("JAVA_HOME", str(here / "jdk"))
    assert f"'{here}/jdk/bin/java' was not found" in said(*scan())
    assert sorted(path.name for path in here.iterdir()) == ["app.log", "model.json"]


@pytest.mark.parametrize("text", ["", "\n\n", "no time here\nnor here\n" * 50, "\x00\x01\x02" * 1000])
def test_a_log_without_timestamps_cannot_be_learnt_from(text, said, here):
    Path("odd.log").write_text(text)
    shown = said("learn", "odd.log", "--out", "m.json")
    assert shown.startswith("error: ")
    assert re.search(r"timestamp|empty", shown)
    assert not Path("m.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timezone", "Mars/Base"], "Mars/Base"),
        (["--timestamp-format", "qqqq"], "qqqq"),
        (["--id-pattern", "("], "--id-pattern '(' is no usable regular expression"),
        (["--year", "12"], "'12' is no whole number from 1,970 to 9,999"),
    ],
)
def test_an_option_of_learning_that_is_wrong_is_named(options, message, said, here):
    assert message in said("learn", "app.log", "--out", "m.json", *options)
    assert not Path("m.json").exists()


def test_learning_and_parsing_write_files_that_fit_each_other(here, capsys):
    """Plain and compressed logs together; every line has its row."""
    generate(4, 300).write(here)
    with open("training.log", "rb") as plain, gzip.open("training.log.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    assert main(["learn", "training.log", "--out", "learnt.json", "--id", "shop", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "timestamps    yyyy-MM-dd HH:mm:ss,SSS at the beginning of the line" in shown
    assert (load_model("learnt.json").id, load_model("learnt.json").version) == ("shop", 1)
    assert main(["model", "validate", "learnt.json"]) == 0
    assert main(["learn", "training.log.gz", "--out", "packed.json", "--id", "shop", "--quiet"]) == 0
    from_packed = Path("packed.json").read_text().replace("training.log.gz", "training.log")
    assert from_packed == Path("learnt.json").read_text()
    assert main(["parse", "training.log.gz", "--model", "learnt.json", "--out", "p.csv", "--quiet"]) == 0
    assert Path("p.csv").read_text().startswith("line,template_id,template,parameters\n")


def test_a_configuration_that_is_right_is_called_right(here, capsys):
    Path("detect.yaml").write_text("sources: [{path: app.log}]\nmodel: model.json\noutput: {directory: out}\n")
    assert main(["config", "check", "detect.yaml"]) == 0
    assert capsys.readouterr().out == f"detect.yaml: right; 1 sources, model {here / 'model.json'}\n"


def test_a_configuration_that_is_wrong_is_named_with_file_and_key(said, here):
    Path("detect.yaml").write_text("sources: [{path: none.log}]\nmodel: model.json\noutput: {directory: out}\n")
    shown = said("config", "check", "detect.yaml")
    assert "detect.yaml" in shown
    assert "none.log: no such file" in shown
