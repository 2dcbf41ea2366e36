"""Pairs of series are learnt with the rest of the model, whatever the shards; an update keeps those that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.anomalies import iso_ms
from models.learner import LearnOptions, learn
from models.learning.series_tally import BLOCK, SeriesReading, SeriesTally
from models.mining.categories import Candidate
from models.parser import LineParser
from models.series.correlation.pair import CATEGORY, METRIC, SeriesRef
from models.slots.settings import MetricOf, SeriesSettings
from tests.models.learning.shards import deal, merged, read

T0, MINUTE, SLOTS = 1_767_225_600_000, 60_000, 400
GROKS = ["GET status=%{INT:status} took=%{NOTSPACE:took}", "tick"]


def log(seed=0, slots=SLOTS):
    """Ticks; a slot later as many requests, of which a part has status 500; the time that they take goes with them."""
    rng = np.random.default_rng(seed)
    ticks = rng.integers(2, 9, slots)
    gets = np.concatenate([[2], ticks[:-1]])
    lines = []
    for slot in range(slots):
        lines += [(T0 + slot * MINUTE + int(ms), "tick") for ms in rng.integers(0, MINUTE, ticks[slot])]
        for n in range(int(gets[slot])):
            text = f"GET status={500 if n % 3 == 0 else 200} took={gets[slot] * 10 + int(rng.integers(0, 5))}"
            lines.append((T0 + slot * MINUTE + int(rng.integers(0, MINUTE)), text))
    return [f"{iso_ms(ms)} {text}" for ms, text in sorted(lines)]


def reading():
    settings = SeriesSettings(True, metrics=[MetricOf("t-get", "took")])
    return SeriesReading.of(settings, [("t-get", 900), ("t-tick", 900)], [Candidate(0, "status", ("200", "500"))])


def tally(batches=()):
    made = SeriesTally(reading())
    wanted = [("took", "status"), ()]
    parser = LineParser(GROKS, wanted, {})
    for events in batches:
        spans = events.data, events.starts, events.ends, events.time_starts, events.time_ends
        made.add(events, parser.parse(*spans), wanted)
    return made


def restored(made):
    again = tally()
    head, columns = made.to_columns()
    again.read_columns(head, iter([memoryview(column) for column in columns]))
    return again


def test_all_kinds_of_series_are_counted_and_their_pairs_found():
    pairs = tally([read(log())]).pairs()
    tick, status = SeriesRef("t-tick"), SeriesRef("t-get", CATEGORY, "status", "200")
    named = {frozenset((pair.a, pair.b)): pair for pair in pairs}
    assert named[frozenset((tick, SeriesRef("t-get")))].lag_slots == 1
    assert any(METRIC in (pair.a.kind, pair.b.kind) for pair in pairs)
    assert any(status in pair.key for pair in pairs)
    assert not any(pair.a.template == pair.b.template and pair.a.counts and pair.b.counts for pair in pairs)


@pytest.mark.parametrize("seed", range(3))
def test_shards_make_no_difference(seed):
    events = read(log(seed))
    whole = tally([events])
    parts = [restored(tally([some for _, some in dealt])) for dealt in deal([("a", events)], 3, 200, seed)]
    joined = merged(parts, seed)
    assert joined.to_columns() == whole.to_columns()
    assert joined.pairs() == whole.pairs()


def test_of_a_long_log_the_same_blocks_stay_whatever_came_first(monkeypatch):
    monkeypatch.setattr("models.learning.series_tally.MOST_CELLS", 5 * BLOCK)
    events = read(log(1, 3 * BLOCK))
    whole = tally([events])
    assert len(whole.blocks) == 1
    joined = merged([tally([some for _, some in dealt]) for dealt in deal([("a", events)], 3, 500, 1)], 1)
    # A block that was dropped and comes again would be counted in part; the choice drops it again.
    assert sorted(joined.blocks) == sorted(whole.blocks)
    assert joined.pairs() == whole.pairs()


def learned(folder, lines, base=None, **options):
    path = folder / "a.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return learn([("a.log", str(path))], LearnOptions(**options), base=base)[0]


def test_a_model_learns_its_pairs_and_an_update_keeps_those_it_knows(tmp_path):
    assert not learned(tmp_path, log()).series.enabled
    model = learned(tmp_path, log(), series_slot_ms=MINUTE)
    assert model.series.enabled
    (pair, *_) = [p for p in model.series.correlations if p.a.kind == p.b.kind == "lines"]
    edited = replace(pair, slope=0.5)
    model.series.correlations[model.series.correlations.index(pair)] = edited
    before = list(model.series.correlations)
    again = learned(tmp_path, log(1), base=model)
    assert again.series.correlations == before
    assert learned(tmp_path, log(1), base=replace(model, series=SeriesSettings())).series == SeriesSettings()
