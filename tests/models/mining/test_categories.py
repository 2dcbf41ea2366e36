"""Which fields have few values of stable shares, and tallies that can be merged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomalies import iso_ms
from models.learner import LearnOptions, learn
from models.mining import categories
from models.mining.categories import Candidate, CategoryTally, find_candidates
from models.mining.identifiers import TemplateSample
from models.parser import LineParser
from models.source_reader import ReadLimits, SourceState, read_events
from models.timestamps.reader import TimestampReader
from models.timestamps.settings import TimestampSettings
from tests.models.slots.drifts import DAY, learned, traffic

T0 = 1_767_225_600_000
READER = TimestampReader(TimestampSettings.from_document({"formats": ["ISO8601"], "timezone": "UTC"}))
GROKS = [r"get %{INT:status} %{WORD:host} %{INT:took}ms"]


def events_of(rows):
    """Events of lines (ms, status, host)."""
    text = "".join(f"{iso_ms(T0 + ms)} get {status} {host} {ms % 700}ms\n" for ms, status, host in rows)
    return read_events(SourceState(), text.encode(), True, READER, ReadLimits())[0]


def sample(**fields):
    return TemplateSample(np.arange(len(next(iter(fields.values())))), fields)


def test_candidates_have_few_values_that_cover_nearly_all_lines():
    rng = np.random.default_rng(0)
    some = sample(
        status=[("200", "404")[n % 2] for n in range(1000)],
        many=[f"v{n}" for n in rng.integers(0, 400, 1000)],
        one=["x"] * 1000,
        job=[("1", "2", "3")[n % 3] for n in range(1000)],
        took=[str(n % 5) for n in range(1000)],
    )
    grok = "%{INT:status} %{WORD:many} %{WORD:one} %{INT:job} %{INT:took}ms"
    assert find_candidates({0: some}, [grok], {0: "job"}) == [Candidate(0, "status", ("200", "404"))]
    assert find_candidates({0: sample(status=["1", "2"] * 20)}, [grok], {}) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400 * 60_000), st.sampled_from(["200", "404", "500"]), st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=60,
    ).map(sorted),
    st.integers(0, 60),
    st.sampled_from([2, 200]),
)
def test_tallies_of_parts_merge_to_that_of_the_whole(rows, cut, most):
    candidates = [Candidate(0, "status", ("200", "404")), Candidate(0, "host", ("a", "b"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(categories, "_MOST_BLOCKS", most)

        def tally(some):
            made = CategoryTally(candidates)
            if some:
                wanted = [("took", "host", "status")]
                parser = LineParser(GROKS, wanted)
                found = events_of(some)
                spans = found.data, found.starts, found.ends, found.time_starts, found.time_ends
                made.add(found, parser.parse(*spans), wanted)
            return made

        whole = tally(rows)
        for one, two in ((rows[:cut], rows[cut:]), (rows[cut:], rows[:cut])):
            merged = tally(one)
            merged.merge(tally(two))
            assert [{b: c.tolist() for b, c in blocks.items()} for blocks in merged.blocks] == [
                {b: c.tolist() for b, c in blocks.items()} for blocks in whole.blocks
            ]
    if most == 200:
        counted = sum(block.sum(axis=0) for block in whole.blocks[0].values()).tolist()
        statuses = [status for _, status, _ in rows]
        assert counted == [statuses.count("200"), statuses.count("404"), statuses.count("500")]


def test_shares_that_change_on_the_way_are_not_stable():
    rng = np.random.default_rng(1)
    steady = traffic(rng, DAY, 100, (0.9, 0.1))
    assert learned(np.concatenate([steady, traffic(rng, DAY, 100, (0.9, 0.1))])) is not None
    assert learned(np.concatenate([steady, traffic(rng, DAY, 100, (0.4, 0.6))])) is None
    wild = learned(traffic(rng, 2 * DAY, 100, (0.9, 0.1), dispersion=0.2))
    assert wild is not None
    assert [window.slots for window in wild.windows] == [60], "over an hour the ups and downs even out"


def test_too_few_lines_show_no_shares():
    assert learned(traffic(np.random.default_rng(2), 60, 5, (0.9, 0.1))) is None


def test_the_dispersion_is_about_that_of_the_traffic():
    rng = np.random.default_rng(3)
    category = learned(traffic(rng, 2 * DAY, 200, (0.7, 0.2, 0.1), dispersion=0.005))
    assert category is not None
    assert 0.005 <= category.windows[0].dispersion < 0.009
    assert [share.value for share in category.shares] == ["v0", "v1", "v2"]
    assert category.shares[0].share == pytest.approx(0.7, abs=0.01)


def test_learning_a_log_finds_its_categories(tmp_path):
    rng = np.random.default_rng(4)
    rows = [
        (int(at), ("200", "404", "500")[int(rng.choice(3, p=(0.8, 0.15, 0.05)))], "web")
        for at in np.sort(rng.integers(0, 240 * 60_000, 6000))
    ]
    path = tmp_path / "access.log"
    path.write_text("".join(f"{iso_ms(T0 + ms)} handled request with status {status}\n" for ms, status, _ in rows))
    model, _ = learn([("access.log", str(path))], LearnOptions())
    (category,) = model.categories
    assert category.template == model.templates[0].id
    assert category.support == 6000
    assert [share.value for share in category.shares] == ["200", "404", "500"]
    assert not model.series.enabled
