"""The second pass parses each line once, and gives what a parser for each of its summaries would."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from models.learner import LearnOptions, learn
from models.learning.second_pass import SecondPass
from models.learning.tallies import FieldTallies, TallyReading
from models.learning.visits import VisitReading, VisitSummary
from models.mining.categories import Candidate
from models.mining.identifier_choice import Identifier, IdentifierChoice
from models.parser import LineParser
from tests.models.learning.shards import read

GROKS = (
    "%{WORD:level} job %{NOTSPACE:id} of %{NOTSPACE:batch} by %{WORD:way}",
    "%{WORD:level} job %{NOTSPACE:id} done",
    "%{WORD:level} %{WORD:part} is %{WORD:state}",
)
CHOICE = IdentifierChoice(
    {0: Identifier("id", 0, 1.0), 1: Identifier("id", 0, 1.0)}, further={0: (Identifier("batch", 1, 1.0),)}
)
READING = VisitReading(GROKS, CHOICE, (), 1000)
TALLIES = TallyReading(
    ((0, ("level", "way")), (2, ("level", "state"))),
    (Candidate(0, "way", ("cash", "card")), Candidate(2, "part", ("disk", "net"))),
    (1_704_164_640_000, 1_704_164_700_000),
)
WORDS = st.sampled_from(["INFO", "WARN", "cash", "card", "disk", "net"])
LINES = st.one_of(
    st.builds("{} job j{} of b{} by {}".format, WORDS, st.integers(0, 9), st.integers(0, 3), WORDS),
    st.builds("{} job j{} done".format, WORDS, st.integers(0, 9)),
    st.builds("{} {} is {}".format, WORDS, WORDS, WORDS),
    st.just("something else"),
)


@given(st.lists(st.tuples(st.integers(0, 59), LINES), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_lines_parsed_once_give_what_a_parser_for_each_summary_gives(lines):
    events = read([f"2024-01-02 03:04:{second:02d} {text}" for second, text in lines])
    together = SecondPass(READING, TALLIES)
    together.add("a", events)

    visits = VisitSummary(READING.most)
    visits.add("a", events, READING.parser())
    assert together.visits.to_record() == visits.to_record()

    spans = events.data, events.starts, events.ends, events.time_starts, events.time_ends
    for reading in (
        TallyReading(TALLIES.closable, (), TALLIES.span_ms),
        TallyReading((), TALLIES.shared, TALLIES.span_ms),
    ):
        wanted = [reading.fields().get(at, ()) for at in range(len(GROKS))]
        alone = FieldTallies(reading)
        alone.add(events, LineParser(GROKS, wanted).parse(*spans), wanted)
        both = together.tallies
        if reading.closable:
            assert list(alone._values.counts()) == list(both._values.counts())
        else:
            found = [[{n: c.tolist() for n, c in own.items()} for own in each._shares.blocks] for each in (alone, both)]
            assert found[0] == found[1]


def test_logs_are_not_read_again_where_nothing_is_to_be_followed(tmp_path):
    stages: dict[str, list[str]] = {}
    for name, text in (("free", "the queue has {} of them"), ("jobs", "job j-{:04d} begun")):
        path = tmp_path / name
        rows = [f"2024-01-02 03:{n // 60:02d}:{n % 60:02d} {text.format(n // 2)}\n" for n in range(400)]
        path.write_text("".join(["2024-01-02 03:00:00 the queue has 7 of them\n", *rows]))
        told = stages[name] = []
        model, report = learn(
            [(name, str(path))],
            LearnOptions(id_pattern="j-[0-9]+"),
            partial(_note, told),
        )
        assert (report.lines, report.transactions) == (401, 200 if name == "jobs" else 0)
        assert len(model.templates) == (2 if name == "jobs" else 1)
    assert "following transactions" in stages["jobs"]
    assert "following transactions" not in stages["free"]


def test_a_field_that_is_counted_twice_is_cut_out_once():
    assert TALLIES.fields() == {0: ("level", "way"), 2: ("level", "state", "part")}
    assert READING.parser(TALLIES.fields()).wanted == (
        ("id", "batch", "level", "way"),
        ("id",),
        ("level", "state", "part"),
    )


def _note(told: list[str], stage: str, done: int, total: int | None) -> None:
    told.append(stage)
