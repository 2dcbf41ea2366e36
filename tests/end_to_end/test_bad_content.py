"""A log with everything wrong that a log can have: the job goes on, counts every line, and finds what it would find."""

import gzip
import re

import pytest

from tests.end_to_end.runs import how, scan

STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
LIMIT = 1 << 20

GARBAGE = bytes(range(14, 32)) + b"\x00\xff\xfe garbage"
LONG = b"2026-01-12 06:00:00,000 " + b"x" * 10_000_000
LATIN = "2026-01-12 06:00:00,000 Zahlung für Café Ägäis".encode("latin-1")
UTF16 = "2026-01-12 06:00:00,000 wide".encode("utf-16-le")
CONTROL = b"2026-01-12 06:00:00,000 bell \x07 rings"
TRACE = [b"Traceback (most recent call last):", b'  File "x.py", line 1', b"", "ValueError: größer".encode()]


def count_lines(data):
    """Lines as a person counts them: a last one without line end is one too."""
    return data.count(b"\n") + (data != b"" and not data.endswith(b"\n"))


def insert(lines, at, new):
    """Lines with new ones before the first with a timestamp from ``at`` on."""
    while not STAMP.match(lines[at]):
        at += 1
    return [*lines[:at], *new, *lines[at:]]


def shifted(line, year):
    """A line with another year in its timestamp."""
    return b"%d" % year + line[4:]


@pytest.fixture(scope="module")
def bad(small, tmp_path_factory):
    """Logs with bad lines among those of the small sample, and for each bad line the reason that is expected."""
    folder = tmp_path_factory.mktemp("bad")
    lines = small.watched.read_bytes().splitlines()
    stamped = next(line for line in lines if STAMP.match(line))
    step = len(lines) // 9
    dead = {
        GARBAGE: r"binary content: control byte 0x00 at byte 19 of the line",
        LONG: r"line longer than 1,048,576 bytes \(max_line_bytes\)",
        LATIN: r"not valid UTF-8 at byte \d+ of the line \(give the encoding of the log\)",
        UTF16: r"binary content: control byte 0x00 at byte 2 of the line",
        CONTROL: r"binary content: control byte 0x07 at byte 30 of the line",
        shifted(stamped, 2027): r"timestamp 2027-\S+Z leaps ahead of the lines around it \(max_leap_ms\)",
        shifted(stamped, 1999): r"timestamp 1999-\S+Z leaps back behind the lines around it \(max_leap_ms\)",
    }
    for number, line in enumerate(dead):
        lines = insert(lines, step * (number + 1), [line])
    # An event of the past, within the leap, with a stack trace.
    lines = insert(lines, step * 8, [stamped[:24] + b"ERROR nobody knows this message", *TRACE])
    first = b"no timestamp yet"
    dead[first] = "no timestamp, and no line before it that it could continue"
    log, packed, empty = folder / "bad.log", folder / "cut.log.gz", folder / "empty.log"
    log.write_bytes(b"\r\n".join([first, *lines[:50]]) + b"\r\n" + b"\n".join(lines[50:]))  # no line end at its end
    packed.write_bytes(gzip.compress(b"\n".join(line for line in lines[-400:] if STAMP.match(line)) + b"\n")[:-2000])
    empty.write_bytes(b"")
    return [log, packed, empty], dead


@pytest.fixture(scope="module")
def run(bad, small, tmp_path_factory):
    return scan(small.model, [bad[0][0]], tmp_path_factory.mktemp("run") / "out", *how(2, 500))


def test_every_line_is_counted(run, bad):
    assert run.summary["lines"] == count_lines(bad[0][0].read_bytes())


def test_every_bad_line_is_a_dead_letter_with_its_place_and_reason(run, bad):
    log, expected = bad[0][0], bad[1]
    lines = log.read_bytes().split(b"\n")
    found = {}
    for letter in run.dead:
        assert letter["source"] == str(log)
        line = lines[letter["line"] - 1].rstrip(b"\r")
        assert line in expected, letter
        assert re.fullmatch(expected[line], letter["reason"]), letter
        assert line.decode("utf-8", "replace").startswith(letter["text"])
        assert letter["bytes"] == min(len(line), LIMIT + 1)
        found[line] = letter
    assert set(found) == set(expected)
    assert len(run.dead) == len(expected)


def test_parallelism_and_batches_change_nothing_of_it(run, bad, small, tmp_path):
    other = scan(small.model, [bad[0][0]], tmp_path / "out", *how(1, 10_000))
    assert (other.text, other.dead) == (run.text, run.dead)


def test_the_good_part_gives_the_anomalies_that_it_gives_alone(run, small_run):
    extra = [a for a in run.told() if a not in small_run().told()]
    assert [a for a in small_run().told() if a not in run.told()] == []
    assert [kind for kind, *_ in extra] == ["unmatched_log"]
    assert run.summary["late"] == 1


def test_stack_traces_belong_to_their_line(run, small_run):
    [unmatched] = [a for a in run.anomalies if "nobody knows this" in a["reason"]]
    assert unmatched["evidence"][0]["text"].split("\n")[1:] == [line.decode() for line in TRACE]
    assert run.summary["continued"] == small_run().summary["continued"] + len(TRACE)


def test_a_file_that_breaks_off_and_an_empty_one_are_read_as_far_as_they_go(bad, small, tmp_path):
    whole = scan(small.model, bad[0][1:], tmp_path / "out", *how(2, 10_000))
    assert [letter["reason"] for letter in whole.dead] == ["the gzip file breaks off before its end"]
    letter = whole.dead[0]
    assert letter["source"] == str(bad[0][1])
    assert 1 < letter["line"] <= whole.summary["lines"]
    assert whole.summary["matched"] > 100
    assert set(whole.summary["files"]) <= set(map(str, bad[0][1:]))


def test_logs_without_any_line_give_empty_results(bad, small, tmp_path, capsys):
    run = scan(small.model, [bad[0][2]], tmp_path / "out")
    assert (run.text, run.dead, run.summary["lines"], run.summary["from"]) == ("", [], 0, None)
    assert "note: the logs are empty" in capsys.readouterr().err


def test_a_log_of_garbage_alone_goes_to_dead_letters_whole(small, tmp_path, capsys):
    log = tmp_path / "garbage.log"
    log.write_bytes((GARBAGE + b"\n") * 100 + b"never a timestamp\n" * 50)
    run = scan(small.model, [log], tmp_path / "out")
    assert [letter["line"] for letter in run.dead] == list(range(1, 151))
    assert run.text == ""
    assert "no line has a timestamp as the model describes them" in capsys.readouterr().err
