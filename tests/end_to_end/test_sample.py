"""The main job on generated traffic whose anomalies are known."""

import gzip
import json
import random
import re

import pytest

from models.sample.truth import TYPES
from models.schema_check import check
from tests.end_to_end.runs import how, scan

SEEDS = [1, 2, 3]
STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")


def events_of(log):
    """The log cut into events: a line with those that continue it."""
    events = []
    for line in log.read_bytes().splitlines(keepends=True):
        if STAMP.match(line):
            events.append(line)
        else:
            events[-1] += line
    return events


@pytest.mark.parametrize("seed", SEEDS)
def test_every_injected_anomaly_is_found_with_its_type_and_none_is_invented(seed, samples, full_run):
    truth = samples(seed).truth
    run = full_run(seed, parallelism=2)
    comparison = run.compared(truth)
    assert comparison.ok, comparison.format_table()
    assert run.summary["anomalies"] == dict.fromkeys(TYPES, 3)
    assert run.summary["lines"] == truth.watched.lines
    assert run.summary["continued"] == truth.watched.continued
    assert run.summary["transactions"] == truth.watched.transactions
    assert run.summary["dead_letters"] == run.summary["late"] == 0
    assert sum(run.summary["template_counts"].values()) == run.summary["matched"]


def test_the_model_that_was_learnt_fits_its_schema(samples):
    assert check("model", json.loads(samples(1).model.read_text())) == []


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_whole_sample_gives_the_very_same_documents_whatever_the_batches(parallelism, full_run):
    assert full_run(1, parallelism, 100).text == full_run(1, 2, 10_000).text


@pytest.mark.parametrize(("parallelism", "batch_size"), [(1, 1), (2, 1), (1, 10_000), (2, 10_000)])
def test_parallelism_and_batch_size_change_nothing(parallelism, batch_size, small, small_run):
    run = small_run(parallelism, batch_size)
    assert run.compared(small.truth).ok
    assert run.text == small_run(1, 10_000).text
    assert {**run.summary, "seconds": 0, "lines_per_second": 0} == {
        **small_run(1, 10_000).summary,
        "seconds": 0,
        "lines_per_second": 0,
    }


def test_evidence_stands_in_the_log_where_it_says(small, small_run):
    lines = small.watched.read_text().split("\n")
    for anomaly in small_run().anomalies:
        assert anomaly["evidence"]
        for evidence in anomaly["evidence"]:
            assert evidence["file"] == str(small.watched)
            assert evidence["text"].split("\n")[0] == lines[evidence["line"] - 1]


@pytest.fixture(scope="module")
def pieces(small, tmp_path_factory):
    """The small log as it would be after rotation, the oldest part compressed; in no order."""
    folder = tmp_path_factory.mktemp("pieces")
    events = events_of(small.watched)
    step = len(events) // 4 + 1
    parts = [b"".join(events[at : at + step]) for at in range(0, len(events), step)]
    names = ["app.log.3.gz", "app.log.2", "app.log.1", "app.log"]
    for name, part in zip(names, parts, strict=True):
        (folder / name).write_bytes(gzip.compress(part) if name.endswith(".gz") else part)
    return [folder / names[at] for at in (3, 1, 0, 2)]


def test_rotated_files_in_any_order_give_what_the_whole_log_gives(pieces, small, small_run, tmp_path):
    runs = [
        scan(small.model, pieces, tmp_path / "1", *how(1, 10_000)),
        scan(small.model, pieces[::-1], tmp_path / "2", *how(2, 300)),
    ]
    assert runs[0].text == runs[1].text
    assert runs[0].told() == small_run().told()
    assert runs[0].summary["lines"] == small.truth.watched.lines
    assert runs[0].summary["files"] == sorted(map(str, pieces))


def test_transactions_over_two_interleaved_sources_are_put_together(small, small_run, tmp_path):
    rng = random.Random(5)
    logs = [tmp_path / "left.log", tmp_path / "right.log"]
    shares: tuple[list[bytes], list[bytes]] = ([], [])
    last, side = b"", 0
    for event in events_of(small.watched):
        if event[:23] != last:  # lines of the same millisecond stay together: between sources they have no order
            last, side = event[:23], rng.randrange(2)
        shares[side].append(event)
    for log, share in zip(logs, shares, strict=True):
        log.write_bytes(b"".join(share))
    runs = [
        scan(small.model, logs, tmp_path / "1", *how(1, 10_000)),
        scan(small.model, logs[::-1], tmp_path / "2", *how(2, 100)),
    ]
    assert runs[0].text == runs[1].text
    assert runs[0].told() == small_run().told()
    assert {e["file"] for a in runs[0].anomalies for e in a["evidence"]} == set(map(str, logs))


def test_lines_out_of_order_are_put_in_order_within_the_lateness(small, small_run, tmp_path):
    rng = random.Random(7)
    events = events_of(small.watched)
    starts = [at for at in range(len(events)) if at == 0 or events[at][:23] != events[at - 1][:23]]
    groups = [events[a:b] for a, b in zip(starts, [*starts[1:], len(events)], strict=True)]
    log = tmp_path / "shuffled.log"
    for at in range(0, len(groups) - 1, 2):
        if rng.random() < 0.5 and near(groups[at], groups[at + 1]):
            groups[at], groups[at + 1] = groups[at + 1], groups[at]
    log.write_bytes(b"".join(line for group in groups for line in group))
    run = scan(small.model, [log], tmp_path / "out", "--lateness", 2000, *how(2, 100))
    assert log.read_bytes() != small.watched.read_bytes()
    assert run.summary["late"] == 0
    assert run.told() == small_run().told()


def near(group, other):
    """Whether two events are of the same second."""
    return group[0][:19] == other[0][:19]


def test_a_model_edited_by_hand_takes_effect(small, small_run, tmp_path):
    """A wider bound silences its anomalies, a narrower one speaks, a renamed field changes nothing."""
    before = small_run().anomalies
    model = json.loads(small.model.read_text())
    many = [a for a in before if a["type"] == "too_many"]
    automata = {automaton["id"]: automaton for automaton in model["automata"]}
    for anomaly in many:
        states = {s["id"]: s for s in automata[anomaly["transaction"]["automaton"]]["states"]}
        for violation in anomaly["violations"]:
            states[violation["state"]]["max"] = violation["actual"]
    for automaton in model["automata"]:
        automaton["equal"] = []
        templates = {t["id"]: t for t in model["templates"]}
        for state in automaton["states"]:
            template = templates[state["template"]]
            template["grok"], times = re.subn(rf"(%\{{\w+):{state['field']}\b", r"\1:renamed_by_hand", template["grok"])
            assert times == 1
            state["field"] = "renamed_by_hand"
    narrow = model["automata"][0]
    narrow["duration"] = {"min_ms": 0, "max_ms": 1}
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(model))
    after = scan(edited, [small.watched], tmp_path / "out").anomalies

    def of(anomalies, *kinds):
        return sorted(a["id"] for a in anomalies if a["type"] in kinds)

    assert len(many) == 3
    assert not of(after, "too_many")
    same = ("unmatched_log", "missing_begin", "missing_state", "wrong_order")
    assert of(after, *same) == of(before, *same)
    long_before = {a["transaction"]["id"] for a in before if a["type"] == "too_long"}
    long_after = [a for a in after if a["type"] == "too_long"]
    assert long_before <= {a["transaction"]["id"] for a in long_after}
    assert len(long_after) > len(long_before) + 5
    assert {a["transaction"]["automaton"] for a in long_after if a["transaction"]["id"] not in long_before} == {
        narrow["id"]
    }
