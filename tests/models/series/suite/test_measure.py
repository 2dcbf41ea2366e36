"""The suite counts strictly, and the detectors do well on seeds that were not looked at."""

from __future__ import annotations

import numpy as np
import pytest

from models.series.incidents import PRESETS, Incident
from models.series.suite.cases import Case, all_cases, normal
from models.series.suite.families import BEGIN_MS, SLOT_MS, SLOTS
from models.series.suite.measure import alarms_of, count


def alarm(kind: str, begin: int, last: int) -> Incident:
    return Incident("shape", BEGIN_MS + begin * SLOT_MS, BEGIN_MS + last * SLOT_MS, kind)


def tally(*alarms: Incident):
    return count([Case("rhythm", "spike", np.zeros(SLOTS), 4000, 4003)], [alarms])


def test_the_first_alarm_of_the_right_type_is_right():
    found = tally(alarm("spike", 4001, 4001), alarm("spike", 4002, 4010))
    assert (found.recall("spike"), found.precision("spike")) == (1.0, 0.5)
    assert found.false_alarms == 0


def test_another_type_is_false_and_misses():
    found = tally(alarm("drop", 4000, 4003))
    assert (found.recall("spike"), found.precision("drop")) == (0.0, 0.0)


def test_an_alarm_elsewhere_is_false_and_one_while_learning_is_not_counted():
    found = tally(alarm("spike", 3600, 3602), alarm("spike", 200, 202))
    assert (found.claimed["spike"], found.false_alarms, found.recall("spike")) == (1, 1, 0.0)


def test_cases_follow_from_their_seed():
    np.testing.assert_array_equal(normal("counts", 7).values, normal("counts", 7).values)
    assert not np.array_equal(normal("counts", 7).values, normal("counts", 8).values, equal_nan=True)


@pytest.fixture(scope="module")
def measured():
    cases = all_cases(range(5000, 5002))
    return count(cases, alarms_of(cases, PRESETS["sensitive"]))


def test_most_injections_are_found_as_what_they_are(measured):
    kinds = measured.kinds()
    assert len(kinds) == 8
    assert sum(measured.found.values()) / sum(measured.injected.values()) >= 0.8
    assert sum(measured.right.values()) / sum(measured.claimed.values()) >= 0.8


def test_false_alarms_are_rare(measured):
    assert measured.weeks > 60
    assert measured.false_a_week() < 0.1
