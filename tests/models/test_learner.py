"""Learning from a log as it lies on the disk, end to end."""

from __future__ import annotations

import gzip
import re
from collections import Counter

import pytest

from models.document import ModelDocument
from models.errors import UserError
from models.learner import LearnOptions, learn
from models.line_table import parse_lines
from models.parser import LineParser
from models.sample.generator import generate
from models.timestamps import NoTimestampError, TimestampFormatError

TRANSACTIONS = 150


@pytest.fixture(scope="module")
def training():
    return generate(seed=4, transactions=TRANSACTIONS, anomalies_per_type=1)


@pytest.fixture(scope="module")
def learnt(training, tmp_path_factory):
    path = tmp_path_factory.mktemp("learn") / "training.log"
    path.write_bytes(training.training)
    told = []
    model, report = learn([("training.log", str(path))], LearnOptions(model_id="shop"), lambda *word: told.append(word))
    return model, report, told, path


def learn_text(folder, data, name="a.log", **options):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return learn([(name, str(path))], LearnOptions(**options))


def test_the_report_counts_every_line(learnt, training):
    _, report, _, _ = learnt
    truth = training.truth.training
    assert report.lines == truth.lines
    assert report.lines == report.events + report.continued + report.dead_letters
    assert (report.continued, report.dead_letters) == (truth.continued, 0)
    assert report.transactions == truth.transactions


def test_the_model_says_what_it_was_learnt_from(learnt):
    model, report, _, _ = learnt
    assert (model.id, model.version) == ("shop", 1)
    assert model.learned["files"] == ["training.log"]
    assert model.learned["lines"] == report.lines
    assert model.learned["from"] < model.learned["to"]
    assert sum(t.count for t in model.templates) == report.events
    assert model.timestamp["formats"] == ["yyyy-MM-dd HH:mm:ss,SSS"]


def test_the_model_is_a_valid_document(learnt):
    model, _, _, _ = learnt
    assert ModelDocument.from_json(model.to_json()) == model
    assert model.automata


def test_every_line_learnt_from_fits_a_template_as_often_as_it_counts(learnt):
    model, report, _, path = learnt
    rows = list(parse_lines(model, str(path), "training.log"))
    assert len(rows) == report.lines
    assert all(row.template_id for row in rows)
    first_lines = [line for line in path.read_text().splitlines() if re.match(r"\d{4}-\d\d-\d\d ", line)]
    parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates))
    used = Counter(parser.match(line[24:])[0] for line in first_lines)
    assert {model.templates[i].id: count for i, count in used.items()} == {t.id: t.count for t in model.templates}


def test_every_template_fits_its_example(learnt):
    model, _, _, _ = learnt
    parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates))
    for i, template in enumerate(model.templates):
        assert parser.match(template.example[24:])[0] == i


def test_the_identifiers_are_found_by_the_pattern(learnt):
    model, _, _, _ = learnt
    assert model.id_pattern
    orders = [
        a.transaction for a in generate(seed=5, transactions=99).truth.watched.anomalies if a.workflow == "checkout"
    ]
    assert orders
    for order in orders:  # of another log
        assert re.findall(model.id_pattern, f"lost {order}!") == [order]


def test_progress_is_told_for_each_reading(learnt):
    _, _, told, path = learnt
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["reading messages", "finding templates", "following transactions"]
    for stage in stages[::2]:
        assert next(word for word in reversed(told) if word[0] == stage)[1:] == (path.stat().st_size,) * 2


def test_the_same_log_gives_the_same_model_however_it_is_stored(learnt, training, tmp_path):
    model, _, _, _ = learnt
    stored = gzip.compress(training.training.decode().replace("\n", "\r\n").encode("utf-16"))
    again, _ = learn_text(tmp_path, stored, "training.log", model_id="shop", encoding="utf-16")
    assert again == model


def test_a_log_in_two_files_is_learnt_as_one(learnt, training, tmp_path):
    model, report, _, _ = learnt
    lines = training.training.splitlines(keepends=True)
    half = next(k for k in range(len(lines) // 2, len(lines)) if lines[k][:4].isdigit())
    sources = []
    for name, part in (("1.log", lines[:half]), ("2.log", lines[half:])):
        (tmp_path / name).write_bytes(b"".join(part))
        sources.append((name, str(tmp_path / name)))
    again, two = learn(sources, LearnOptions(model_id="shop"))
    assert (two.lines, two.events, two.transactions) == (report.lines, report.events, report.transactions)
    assert [(t.id, t.count) for t in again.templates] == [(t.id, t.count) for t in model.templates]
    assert again.automata == model.automata


def some_log(stamp="2024-01-02 03:%02d:%02d", count=60, text="job ord-%d %s"):
    lines = []
    for k in range(count):
        for step, word in enumerate(("started", "packed", "sent")):
            second = k * 5 + step
            at = stamp % (second // 60, second % 60) if "%" in stamp else stamp
            lines.append(f"{at} {text % (k, word)}\n")
    return "".join(lines)


def test_options_are_kept_in_the_model(tmp_path):
    log = some_log("Jan 02 03:%02d:%02d")
    model, _ = learn_text(tmp_path, log, timezone="Europe/Berlin", year=2021, id_pattern="ord-[0-9]+")
    assert (model.timestamp["timezone"], model.timestamp["year"]) == ("Europe/Berlin", 2021)
    assert model.id_pattern == "ord-[0-9]+"
    assert model.learned["from"] == "2021-01-02T02:00:00.000Z"
    assert [a.support for a in model.automata] == [60]


def test_a_format_that_is_given_is_used(tmp_path):
    model, report = learn_text(tmp_path, some_log("03.02.2024 03:%02d:%02d"), timestamp_format="MM.dd.yyyy HH:mm:ss")
    assert model.learned["from"] == "2024-03-02T03:00:00.000Z"
    assert report.events == 180


def test_other_encodings_are_read(tmp_path):
    log = some_log(text="Auftrag für ord-%d %s").encode("latin-1")
    model, report = learn_text(tmp_path, log, encoding="latin-1")
    assert report.dead_letters == 0
    assert all("für" in t.grok for t in model.templates)


def test_lines_that_cannot_be_read_are_counted_and_left_out(tmp_path):
    log = some_log().encode().replace(b"\n", b"\n\xff\xfe\n", 5) + b"\x00\n"
    clean, _ = learn_text(tmp_path, some_log())
    model, report = learn_text(tmp_path, log)
    assert (report.dead_letters, report.events) == (6, 180)
    assert (model.templates, model.automata) == (clean.templates, clean.automata)


def test_a_log_that_breaks_off_is_learnt_from_as_far_as_it_goes_and_that_is_said(tmp_path):
    cut = gzip.compress(some_log(count=400).encode())[:-2000]
    model, report = learn_text(tmp_path, cut, "a.log.gz")
    assert model.templates
    assert [note for note in report.notes if "breaks off" in note] == [
        "a.log.gz: the gzip file breaks off before its end"
    ]


def test_without_identifiers_there_are_no_automata_and_that_is_said(tmp_path):
    log = "".join(f"2024-01-02 03:00:{k % 60:02} the same old story\n" for k in range(50))
    model, report = learn_text(tmp_path, log)
    assert (model.automata, model.id_pattern) == ([], None)
    (note,) = report.notes
    assert note.startswith("no field identifies transactions")
    assert "--id-pattern" in note


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "there are no lines"),
        (b"\n\n\n", "there are no lines"),
        (b"no time here\n" * 50, "--timestamp-format"),
        (b"\x00\xff\x01" * 500, "--timestamp-format"),
        (gzip.compress(b""), "there are no lines"),
        (gzip.compress(b"x" * 100)[:11], "there are no lines"),
    ],
)
def test_a_log_without_timestamps_is_the_users_to_mend(tmp_path, data, error):
    with pytest.raises(NoTimestampError, match=error):
        learn_text(tmp_path, data)


def test_timestamps_without_a_year_ask_for_it(tmp_path):
    with pytest.raises(TimestampFormatError, match="--year"):
        learn_text(tmp_path, some_log("Jan 02 03:%02d:%02d"))


def test_a_log_of_bad_lines_only_has_nothing_to_learn_from(tmp_path):
    bad = some_log().encode().replace(b"started", b"\x00").replace(b"packed", b"\xff").replace(b"sent", b"\x05")
    with pytest.raises(UserError, match=r"no events in a\.log: nothing to learn from"):
        learn_text(tmp_path, bad)


def test_a_log_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        learn([("a", str(tmp_path / "a"))], LearnOptions())


def test_a_wrong_time_zone_is_the_users_to_mend(tmp_path):
    with pytest.raises(UserError, match="Mars"):
        learn_text(tmp_path, some_log(), timezone="Mars/Olympus")
