"""``weirwatch learn`` and what follows it, on structured lines and events of several lines, as people type it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from jobs.cli import main


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a log of JSON lines, and one whose lines begin in their own way."""
    monkeypatch.chdir(tmp_path)
    objects = [
        {"ts": 1_700_000_000 + i, "level": "info", "msg": f"user {i} logged in", "ip": "10.0.0.1"} for i in range(99)
    ]
    Path("app.log").write_text("".join(json.dumps(found) + "\n" for found in objects))
    Path("odd.log").write_text("".join(f"[{i}] job {i} failed\n2024-01-01 00:00:0{i % 9} at x\n" for i in range(50)))


def run(capsys, *arguments):
    capsys.readouterr()
    try:
        code: object = main(list(arguments))
    except SystemExit as error:
        code = error.code
    return code, *capsys.readouterr()


def test_json_lines_go_all_the_way(capsys):
    code, out, _ = run(capsys, "learn", "app.log", "--out", "m.json", "--quiet")
    assert code == 0
    assert "structure     json, message at msg, timestamp at ts, level at level, 1 other key\n" in out
    line = '{"ip":"10.0.0.7","msg":"user 7 logged in","level":"info","ts":1700000000.5}'
    _, out, _ = run(capsys, "explain", line, "--model", "m.json", "--json")
    (told,) = json.loads(out)
    assert told["fields"] == {"user": 7, "ip": "10.0.0.7"}
    assert told["timestamp"] == "2023-11-14T22:13:20.500Z"
    assert run(capsys, "parse", "app.log", "--model", "m.json", "--out", "p.csv", "--quiet")[0] == 0
    with open("p.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [json.loads(row["parameters"])["user"] for row in rows] == list(range(99))
    code, out, _ = run(capsys, "model", "try", "m.json", "app.log")
    assert code == 0
    assert "99" in out


def test_lines_that_begin_in_their_own_way_are_joined(capsys):
    options = ["--multiline-start", r"\[", "--timestamp-format", "NONE"]
    code, out, _ = run(capsys, "learn", "odd.log", "--out", "m.json", "--quiet", *options)
    assert code == 0
    assert "100 (50 continue the line before" in out
    assert r"multiline     an event begins with a line like \[" in out
    assert json.loads(Path("m.json").read_text())["multiline"] == {"start": r"\["}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--multiline-start", "a", "--multiline-continues", "b"], "exclude each other; leave one out"),
        (["--multiline-start", "(a"], "--multiline-start '(a' is no usable regular expression"),
        (["--structure", "logfmt"], "no line is logfmt; correct --structure, or leave it out"),
    ],
)
def test_mistakes_are_told_in_one_line(capsys, options, problem):
    code, _, err = run(capsys, "learn", "app.log", "--out", "m.json", "--quiet", *options)
    assert code == 2
    assert problem in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"structure": {"format": "xml"}}, "$.structure.format"),
        ({"structure": {"format": "json", "keys": ["a"], "optional": ["b"]}}, "$.structure.optional[0]"),
        ({"multiline": {"start": "(", "max_lines": 3}}, "$.multiline.start"),
        ({"multiline": {}}, '$.multiline: needs "start" or "continues"'),
    ],
)
def test_a_model_that_was_edited_wrongly_names_the_place(capsys, change, problem):
    run(capsys, "learn", "app.log", "--out", "m.json", "--quiet")
    document = json.loads(Path("m.json").read_text()) | change
    Path("m.json").write_text(json.dumps(document))
    code, out, err = run(capsys, "model", "validate", "m.json")
    assert code == 2
    assert problem in out + err
