"""The model does not depend on how lines are dealt to shards, nor on the files that they stand in."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learner import learn
from models.learning.messages import MessageSummary
from models.learning.options import LearnLimits, LearnOptions
from models.learning.plan import make_plan
from models.learning.result import make_model
from models.learning.second_pass import SecondPass
from models.learning.tallies import FieldTallies
from models.learning.visits import VisitSummary
from models.line_reader import LineReader
from models.sample.generator import generate
from models.source_reader import ReadLimits, SourceState, read_events
from models.timestamps import detect
from tests.models.learning.shards import deal, merged

TIGHT = LearnLimits(folds=40, stretch=900, visits=1000)


@pytest.fixture(scope="module")
def training():
    return generate(seed=4, transactions=120, anomalies_per_type=1).training


@pytest.fixture(scope="module")
def read_training(training):
    settings = detect(training.splitlines()[:5000], "UTC", None, None)
    half = training.index(b"\n2", len(training) // 2) + 1
    batches = []
    for name, part in (("a.log", training[:half]), ("b.log", training[half:])):
        events, _ = read_events(SourceState(), part, True, LineReader(settings), ReadLimits())
        batches.append((name, events))
    return LineReader(settings).sections(), batches


def learn_dealt(read_training, options, shards, batch_size, seed):
    sections, batches = read_training
    first = []
    for dealt in deal(batches, shards, batch_size, seed):
        summary = MessageSummary(options.memory)
        for source, events in dealt:
            summary.add(source, events)
        first.append(merged([MessageSummary.from_record(record) for record in summary.to_records(50)], seed))
    summary = merged(first, seed)
    plan = make_plan(summary, options)
    reading = plan.reading(options.memory)
    second, third = [], []
    for dealt in deal(batches, shards, batch_size, seed + 1):
        found = SecondPass(reading, plan.tallies)
        for source, events in dealt:
            found.add(source, events)
        second.append(VisitSummary.from_record(found.visits.to_record()))
        third.append(FieldTallies.from_record(found.tallies.to_record(), plan.tallies))
    visited, counted = merged(second, seed), merged(third, seed)
    return make_model(["a.log", "b.log"], summary, plan, visited, counted, sections, options)


@pytest.mark.parametrize("memory", [LearnLimits(), TIGHT])
def test_any_split_of_the_lines_over_shards_gives_the_same_model(read_training, memory):
    options = LearnOptions(memory=memory)
    whole = learn_dealt(read_training, options, 1, 1_000_000, 0)
    assert whole[0].automata
    assert bool(whole[1].notes) == (memory is TIGHT)

    @given(st.integers(2, 5), st.integers(60, 1500), st.integers(0, 999))
    @settings(deadline=None, max_examples=8)
    def check(shards, batch_size, seed):
        assert learn_dealt(read_training, options, shards, batch_size, seed) == whole

    check()


def test_files_by_transaction_give_the_model_of_one_file(tmp_path):
    """Each line in the file of its job, as a topic keyed by job would have them."""
    chance = random.Random(5)
    lines = []
    for k in range(300):
        at = 10_000 + 700 * k
        for step in ("accepted", "queued by worker 7", "run on node-3", "finished with 0 warnings"):
            at += chance.randrange(1, 400)
            lines.append((at, k % 3, f"job j-{k:04d} {step}"))
    lines.sort()
    texts = [(file, f"2024-01-02 03:{at // 60_000:02d}:{at // 1000 % 60:02d}.{at % 1000:03d} {text}\n")
             for at, file, text in lines]  # fmt: skip
    names = []
    for file in (None, 0, 1, 2):
        path = tmp_path / f"{file}.log"
        path.write_text("".join(text for own, text in texts if file is None or own == file))
        names.append((path.name, str(path)))
    one, _ = learn(names[:1], LearnOptions())
    three, _ = learn(names[1:], LearnOptions())
    assert len(one.automata[0].states) == 4
    assert replace(three, learned={}) == replace(one, learned={})
    assert three.learned | {"files": 0} == one.learned | {"files": 0}
    again, _ = learn(names[:0:-1], LearnOptions())
    assert again.templates == three.templates
    assert again.automata == three.automata
