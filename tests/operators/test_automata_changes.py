"""``automata`` on a real mini cluster, where word of a model change comes later than what was parsed under it."""

import copy
import json
import time
from pathlib import Path

import numpy as np
import pytest
from pyflink.common import Configuration, Duration, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import MapFunction

from jobs.environment import make_environment
from models.batches import EventBatch
from models.in_force import Entry
from operators.automata import Automata
from operators.models_in_force import MODELS
from operators.parse import EVENTS_TYPE
from tests.operators.shop import MODEL

SHARDS = 8


class Slowly(MapFunction):
    """Word of the model change is long on its way, while barriers get through; once, the job breaks meanwhile."""

    def __init__(self, broken):
        self._broken = broken

    def map(self, value):
        time.sleep(0.1)
        number = json.loads(value).get("timestamp_ms")
        if number == 20 and self._broken is not None and not Path(self._broken).exists():
            Path(self._broken).write_text("once")
            raise RuntimeError("a trial of recovery")
        return value


class Time(TimestampAssigner):
    def extract_timestamp(self, value, record_timestamp):
        return value[1]


def batch_of(rows, epoch, shard):
    """Events (ms, step, transaction) as they travel, with their key and the clock."""
    order = np.array([at for at, _, _ in rows], np.int64)
    names = sorted({f"t-{step}" for _, step, _ in rows})
    place = np.array([names.index(f"t-{step}") for _, step, _ in rows], np.int32)
    ids, texts = [b"%d" % n for _, _, n in rows], [f"{step} {n}".encode() for _, step, n in rows]
    batch = EventBatch("a.log", shard, "shop", epoch, order, order, order + 1, place, names, ids, texts)
    return f"shop/{shard}", int(order[0]), batch.encode()


def run_with_late_word(broken):
    """Each shard has a transaction that works once before and once after a change that allows it once."""
    stricter = copy.deepcopy(MODEL) | {"version": 2}
    stricter["automata"][0]["states"][1]["max"] = 1
    changed = {"kind": "model", "op": "update", "epoch": 2, "id": "shop", "version": 2, "sources": []}
    words = [{"kind": "heartbeat", "source": "a.log", "timestamp_ms": n} for n in range(30)]
    words.append(changed | {"document": json.dumps(stricter)})
    batches = [batch_of([(10, "open", shard), (20, "work", shard)], 1, shard) for shard in range(SHARDS)]
    batches += [batch_of([(100, "work", shard), (200, "close", shard)], 2, shard) for shard in range(SHARDS)]
    env = make_environment(2, embedded=True)
    settings = Configuration()
    settings.set_string("python.fn-execution.bundle.size", "1")
    if broken is not None:
        settings.set_string("restart-strategy.type", "fixed-delay")
        settings.set_string("restart-strategy.fixed-delay.attempts", "1")
        settings.set_string("restart-strategy.fixed-delay.delay", "100 ms")
        settings.set_string("execution.checkpointing.interval", "200 ms")
    env.configure(settings)
    told = env.from_collection([json.dumps(word) for word in words], Types.STRING()).set_parallelism(1)
    told = told.map(Slowly(broken), Types.STRING()).set_parallelism(1)
    idle = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_millis(50))
    told = told.assign_timestamps_and_watermarks(idle)
    found = (
        env.from_collection(batches, EVENTS_TYPE)
        .assign_timestamps_and_watermarks(WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Time()))
        .key_by(lambda value: value[0], Types.STRING())
        .connect(told.broadcast(MODELS))
        .process(Automata([Entry("shop", 1, 1, (), json.dumps(MODEL))], 10, statistics=False), Types.STRING())
    )
    with found.execute_and_collect() as results:
        return [json.loads(line) for text in results for line in text.split("\n")]


@pytest.mark.parametrize("breaks", [False, True], ids=["in one go", "with a restart meanwhile"])
def test_batches_wait_in_state_for_the_model_that_they_were_parsed_with(tmp_path, breaks):
    found = run_with_late_word(str(tmp_path / "broken") if breaks else None)
    assert sorted((d["type"], d["transaction"]["id"], d["model"]["version"]) for d in found) == [
        ("too_many", str(shard), 2) for shard in range(SHARDS)
    ]
    assert (tmp_path / "broken").exists() is breaks
