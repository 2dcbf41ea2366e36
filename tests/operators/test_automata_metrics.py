"""Counters and gauges of ``automata`` follow its shards."""

from models.in_force import ModelsInForce
from operators.automata_metrics import AutomataMetrics
from tests.operators.shard_subtask import Subtask, batch_of, change


class Counter:
    def __init__(self):
        self.count = 0

    def inc(self, number):
        self.count += number


class Group:
    """Flink's metric group, as far as it is used."""

    def __init__(self):
        self.counters, self.gauges = {}, {}

    def counter(self, name):
        return self.counters.setdefault(name, Counter())

    def gauge(self, name, look):
        self.gauges[name] = look

    def seen(self):
        return {name: look() for name, look in self.gauges.items()}


def test_what_shards_count_adds_up_and_what_is_open_or_waits_is_shown():
    group, table = Group(), ModelsInForce(epoch=7)
    metrics = AutomataMetrics(group, table)
    first, second = Subtask(), Subtask()
    first.take(batch_of([(0, "t-open", b"7", 1), (5, "t-work", b"7", 2), (5, "t-other", b"7", 3)], 0), 3)
    second.take(batch_of([(0, "t-open", b"8", 1)], 0), 3)
    second.take(batch_of([(1, "t-close", b"8", 2)], 0), 3)
    assert [metrics.look(s.keeper) for s in (first, second)] == [0, 0]
    assert group.seen() == {"open_transactions": 2, "waiting_events": 2, "models_epoch": 7}
    assert first.take(None, 130_000)
    second.hear(change("delete", 1))
    second.take(None, 4)
    assert [metrics.look(s.keeper) for s in (first, second)] == [1, 0]
    assert [metrics.look(s.keeper) for s in (first, second)] == [0, 0]
    assert group.seen() == {"open_transactions": 0, "waiting_events": 0, "models_epoch": 7}
    assert {name: counter.count for name, counter in group.counters.items()} == {
        "transactions_judged": 1,
        "anomalies": 1,
        "anomalies_allowed": 0,
        "events_late": 1,
        "events_dropped": 2,
        "events_unassigned": 1,
    }
