"""Samples and runs that several tests look at: a scan takes seconds, so each runs once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from tests.end_to_end.runs import Run, SampleFiles, how, make_sample, scan

SMALL = 80
"""Watched transactions of the sample for runs with many small batches."""


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], SampleFiles]:
    """The sample of a seed, of the default size."""
    return functools.cache(lambda seed: make_sample(tmp_path_factory.mktemp(f"seed-{seed}"), seed))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """A sample with a short log to watch."""
    return make_sample(tmp_path_factory.mktemp("small"), 11, SMALL)


@pytest.fixture(scope="session")
def full_run(samples, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """The scan of a whole sample: ``full_run(seed, parallelism, batch size)``."""

    @functools.cache
    def run(seed: int, parallelism: int = 1, batch_size: int = 10_000) -> Run:
        sample = samples(seed)
        return scan(
            sample.model, [sample.watched], tmp_path_factory.mktemp("run") / "out", *how(parallelism, batch_size)
        )

    return run


@pytest.fixture(scope="session")
def small_run(small, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """The scan of the small sample: ``small_run(parallelism, batch size)``."""

    @functools.cache
    def run(parallelism: int = 1, batch_size: int = 10_000) -> Run:
        return scan(small.model, [small.watched], tmp_path_factory.mktemp("run") / "out", *how(parallelism, batch_size))

    return run
