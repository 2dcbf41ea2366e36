"""What is worked out of measured moments."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.live.figures import difference, kinds_of, pace, spread


def test_the_sustained_pace_leaves_out_the_start_and_the_lines_read_in_it():
    found = pace(100.0, [(110.0, 500), (112.0, 4_500), (120.0, 10_500)])
    assert found.start_seconds == 10.0
    assert found.sustained == 1_000.0
    assert found.with_start == 10_500 / 20.0


def test_a_job_that_was_seen_once_only_has_no_sustained_pace():
    assert pace(0.0, [(5.0, 100)]).sustained == 0.0
    assert pace(0.0, [(5.0, 100)]).with_start == 20.0


def test_quantiles_are_values_that_were_measured():
    found = spread(float(n) for n in range(200, 0, -1))
    assert (found.count, found.p50, found.p99, found.most) == (200, 100.0, 198.0, 200.0)
    assert spread([7.0]).p50 == spread([7.0]).p99 == 7.0


def test_no_delays_have_no_quantiles():
    with pytest.raises(ValueError, match="no delays"):
        spread([])


def test_anomalies_are_compared_by_type_and_transaction():
    documents: list[dict[str, Any]] = [
        {"type": "missing_end", "transaction": {"id": "a"}},
        {"type": "unmatched_log", "transaction": None},
        {"type": "unmatched_log", "transaction": None},
    ]
    found = kinds_of(documents)
    assert found == Counter({("unmatched_log", ""): 2, ("missing_end", "a"): 1})
    assert difference(found, found) == 0
    assert difference(found, kinds_of(documents[:2])) == 1
    assert difference(found, kinds_of([{"type": "missing_end", "transaction": {"id": "b"}}])) == 4
