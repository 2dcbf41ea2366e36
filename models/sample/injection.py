"""Turn a normal transaction into one that breaks exactly one kind of rule of its workflow."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from models.sample.workflows import Workflow


@dataclass(slots=True)
class Course:
    """The course of one transaction.

    Attributes:
        states: names of its states in order.
        duration_ms: time from the first to the last line.
        shows_at: index in ``states`` of the line at which the anomaly shows.
        note: what was done to it.
    """

    states: list[str]
    duration_ms: int
    shows_at: int = -1
    note: str = ""


def _missing_begin(course: Course) -> None:
    course.note = f"{course.states.pop(0)} left out"
    course.shows_at = 0


def _missing_end(course: Course) -> None:
    course.note = f"{course.states.pop()} left out"
    course.shows_at = len(course.states) - 1


def _missing_state(course: Course, workflow: Workflow, rng: Random) -> None:
    state = rng.choice(workflow.single)
    # The line that stands where the missing one should.
    course.shows_at = course.states.index(state)
    course.states.remove(state)
    course.note = f"{state} left out"


def _too_few(course: Course, workflow: Workflow, rng: Random) -> None:
    state = rng.choice(workflow.often)
    low = workflow.counts[state][0]
    kept = rng.randint(1, low - 1)
    places = [i for i, name in enumerate(course.states) if name == state]
    # The first ones stay, so that the order of first occurrences stays too.
    for place in reversed(places[kept:]):
        del course.states[place]
    course.shows_at = places[kept - 1]
    course.note = f"{state} {kept} times, normal are {low} or more"


def _too_many(course: Course, workflow: Workflow, rng: Random) -> None:
    state = rng.choice(workflow.multipliable)
    high = workflow.counts[state][1]
    wanted = rng.randint(2 * high + 2, 3 * high + 2)
    last = max(i for i, name in enumerate(course.states) if name == state)
    more = wanted - course.states.count(state)
    course.states[last + 1 : last + 1] = [state] * more
    places = [i for i, name in enumerate(course.states) if name == state]
    course.shows_at = places[high]
    course.note = f"{state} {wanted} times, normal are at most {high}"


def _wrong_order(course: Course, workflow: Workflow, rng: Random) -> None:
    early, late = rng.choice(workflow.swappable)
    first, second = course.states.index(early), course.states.index(late)
    course.states[first], course.states[second] = late, early
    course.shows_at = first
    course.note = f"{late} before {early}"


def _too_short(course: Course, workflow: Workflow, rng: Random) -> None:
    course.duration_ms = int(workflow.min_ms * rng.uniform(0.06, 0.1))
    course.shows_at = len(course.states) - 1
    course.note = f"{course.duration_ms} ms, normal are at least {workflow.min_ms} ms"


def _too_long(course: Course, workflow: Workflow, rng: Random, factor: tuple[float, float]) -> None:
    course.duration_ms = int(workflow.max_ms * rng.uniform(*factor))
    course.shows_at = len(course.states) - 1
    course.note = f"{course.duration_ms} ms, normal are at most {workflow.max_ms} ms"


INJECTABLE: tuple[str, ...] = (
    "missing_begin",
    "missing_end",
    "missing_state",
    "too_few",
    "too_many",
    "wrong_order",
    "too_short",
    "too_long",
)
"""The types of anomalies that a transaction can be given."""


def inject(kind: str, course: Course, workflow: Workflow, rng: Random, too_long_factor: tuple[float, float]) -> None:
    """Change a normal course so that it has the anomaly ``kind`` and no other.

    What is left out or added does not change the duration: the remaining lines spread over the same time.

    Args:
        kind: one of :data:`INJECTABLE`.
        course: a normal course of ``workflow``; it is changed.
        workflow: whose rules are broken.
        rng: chooses the state and the extent.
        too_long_factor: range of the duration of a ``too_long`` one, in multiples of the longest normal duration.

    Raises:
        ValueError: ``kind`` is none of :data:`INJECTABLE`.
    """
    match kind:
        case "missing_begin":
            _missing_begin(course)
        case "missing_end":
            _missing_end(course)
        case "missing_state":
            _missing_state(course, workflow, rng)
        case "too_few":
            _too_few(course, workflow, rng)
        case "too_many":
            _too_many(course, workflow, rng)
        case "wrong_order":
            _wrong_order(course, workflow, rng)
        case "too_short":
            _too_short(course, workflow, rng)
        case "too_long":
            _too_long(course, workflow, rng, too_long_factor)
        case _:
            raise ValueError(f"a transaction cannot be given the anomaly {kind!r}; choose from {', '.join(INJECTABLE)}")
