"""The learning job on a real mini cluster: the model of ``weirwatch learn``, whatever the parallelism."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from jobs.learn import learn as learn_as_job
from jobs.learn_config import check_learn_config
from models.learner import LearnOptions, learn
from models.learning.options import LearnLimits
from models.sample.generator import generate

TIGHT = {"folds": 1000, "stretch": 1000, "visits": 1000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log in three files, none of them with the same lines."""
    folder = tmp_path_factory.mktemp("learn")
    log = generate(seed=4, transactions=250, anomalies_per_type=1).training
    third = len(log) // 3
    cuts = [0, log.index(b"\n2", third) + 1, log.index(b"\n2", 2 * third) + 1, len(log)]
    for n, name in enumerate(("c.log", "a.log", "b.log")):
        (folder / name).write_bytes(log[cuts[n] : cuts[n + 1]])
    return folder


def configured(folder, **more):
    data = {
        "sources": [{"path": name} for name in ("c.log", "a.log", "b.log")],
        "id": "shop",
        "output": {"model": "shop.json"},
        "batch_size": 700,
        **more,
    }
    path = folder / "learn.yaml"
    path.write_text(yaml.safe_dump(data))
    return check_learn_config(path)


def local(folder, memory, base=None):
    sources = [(name, str(folder / name)) for name in ("c.log", "a.log", "b.log")]
    return learn(sources, LearnOptions(model_id="shop", memory=memory), base=base)


@pytest.mark.parametrize(("parallelism", "memory"), [(1, {}), (2, {}), (2, TIGHT)])
def test_the_job_learns_what_the_command_learns(folder, parallelism, memory):
    model, report = learn_as_job(configured(folder, parallelism=parallelism, memory=memory), embedded=True)
    expected, told = local(folder, LearnLimits(**memory))
    assert model.automata
    assert dataclasses.asdict(report) == dataclasses.asdict(told)
    assert model == expected
    assert bool(report.notes) == bool(memory)
    assert not list(folder.glob(".learn-*"))


def test_the_job_updates_what_the_command_updates(folder):
    base, _ = local(folder, LearnLimits())
    base.templates = base.templates[::2]
    kept = {template.id for template in base.templates}
    base.automata = [a for a in base.automata if all(state.template in kept for state in a.states)]
    model, _ = learn_as_job(configured(folder, parallelism=2), embedded=True, base=base)
    assert model == local(folder, LearnLimits(), base)[0]
    assert model.version == 2
    assert kept < {template.id for template in model.templates}
