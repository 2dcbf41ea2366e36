"""The lines that parsing is measured with, and how groups are judged."""

from __future__ import annotations

import csv
from itertools import islice

from benchmarks.parsing import grouping_accuracy, read_sample
from benchmarks.parsing_mix import mix, write_lines
from benchmarks.parsing_scale import document, lines_of
from models.document import parse_model
from models.document_text import pretty
from models.parser import LineParser


def test_a_line_counts_when_its_group_is_exactly_the_true_one():
    assert grouping_accuracy([0, 0, 1, 2], ["a", "a", "b", "c"]) == 1
    assert grouping_accuracy([0, 0, 0, 2], ["a", "a", "b", "c"]) == 0.25, (
        "one group too large: neither a nor b is found"
    )
    assert grouping_accuracy([0, 1, 2, 2], ["a", "a", "b", "b"]) == 0.5


def test_a_sample_is_read_as_messages_and_as_whole_lines(tmp_path):
    path = tmp_path / "Toy_2k.log_structured.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerows([["LineId", "Content", "EventId"], [2, "second, message", "E2"], [1, "first", "E1"]])
    (tmp_path / "Toy_2k.log").write_text("10:00 first\r\n10:01 second, message\n")
    assert read_sample(path, raw=False) == (["second, message", "first"], ["E2", "E1"])
    assert read_sample(path, raw=True) == (["10:01 second, message", "10:00 first"], ["E2", "E1"])


def test_the_mix_holds_all_lines_in_an_order_that_does_not_change(tmp_path):
    samples = [[f"a {n}" for n in range(50)], ["b", "", "c\u2028d"]]
    mixed = mix(samples)
    assert sorted(mixed) == sorted([*samples[0], "b"])
    assert mixed != [*samples[0], "b"]
    assert mix(samples) == mixed
    write_lines(tmp_path / "out", ["x", "y", "z"], 7)
    assert (tmp_path / "out").read_text().split() == list("xyzxyzx")


def test_each_line_of_the_scale_fits_the_template_it_was_made_for():
    templates = parse_model(pretty(document(3000)), "the model").templates
    assert len({template.grok for template in templates}) == 3000
    parser = LineParser([t.grok for t in templates], [()] * 3000, {})
    found = {parser.match(line.rstrip())[1] is not None for line in islice(lines_of(3000, 400, 1), 400)}
    assert found == {True}
