"""``automata`` on a real mini cluster, where word of a model change comes later than what was parsed under it."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyflink.common import Configuration, Duration, Row, Types, WatermarkStrategy
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from jobs.environment import make_environment
from jobs.file_sink import json_lines
from jobs.naming import by_key, timed
from jobs.results import read_parts
from models.batches import EventBatch
from models.in_force import Entry
from operators.automata import Automata
from operators.models_in_force import MODELS
from operators.parse import EVENTS_TYPE
from tests.operators.shop import MODEL

SHARDS = 8

LAST = 30
"""The change is the last word that is told; heartbeats come before."""


class Slowly(MapFunction):
    """Word of the model change is long on its way, while barriers get through; once, the job breaks meanwhile.

    To the file ``broken`` goes each number that arrives from the break on.
    """

    def __init__(self, change, broken):
        self._change = json.dumps(change)
        self._broken = broken

    def map(self, number):
        time.sleep(0.1)
        value = self._change if number == LAST else json.dumps({"kind": "heartbeat", "source": "a.log"})
        if self._broken is None:
            return value
        broken = Path(self._broken)
        if broken.exists():
            broken.write_text(f"{broken.read_text()} {number}")
        elif number == 20:
            broken.write_text("broken")
            raise RuntimeError("a trial of recovery")
        return value


def batch_of(rows, epoch, shard):
    """Events (ms, step, transaction) as they travel, with their key and the clock."""
    order = np.array([at for at, _, _ in rows], np.int64)
    names = sorted({f"t-{step}" for _, step, _ in rows})
    place = np.array([names.index(f"t-{step}") for _, step, _ in rows], np.int32)
    ids, texts = [b"%d" % n for _, _, n in rows], [f"{step} {n}".encode() for _, step, n in rows]
    batch = EventBatch("a.log", shard, "shop", epoch, order, order, order + 1, place, names, ids, texts)
    return Row(f"shop/{shard}", batch.encode()), int(order[0])


def run_with_late_word(out, broken):
    """Each shard has a transaction that works once before and once after a change that allows it once."""
    stricter: dict[str, Any] = copy.deepcopy(MODEL) | {"version": 2}
    stricter["automata"][0]["states"][1]["max"] = 1
    changed = {"kind": "model", "op": "update", "epoch": 2, "id": "shop", "version": 2, "sources": []}
    batches = [batch_of([(10, "open", shard), (20, "work", shard)], 1, shard) for shard in range(SHARDS)]
    batches += [batch_of([(100, "work", shard), (200, "close", shard)], 2, shard) for shard in range(SHARDS)]
    env = make_environment(2, embedded=True, spares=0 if broken is None else 1)
    settings = Configuration()
    settings.set_string("python.fn-execution.bundle.size", "1")
    if broken is not None:
        settings.set_string("restart-strategy.type", "fixed-delay")
        settings.set_string("restart-strategy.fixed-delay.attempts", "1")
        settings.set_string("restart-strategy.fixed-delay.delay", "100 ms")
        settings.set_string("execution.checkpointing.interval", "200 ms")
    env.configure(settings)

    def numbers(last):
        # Collections are no source to go on with after a restart.
        source = NumberSequenceSource(0, last)
        return env.from_source(source, WatermarkStrategy.no_watermarks(), f"to {last}", Types.LONG()).set_parallelism(1)

    told = numbers(LAST).map(Slowly(changed | {"document": json.dumps(stricter)}, broken), Types.STRING())
    idle = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_millis(50))
    told = told.set_parallelism(1).assign_timestamps_and_watermarks(idle)
    events = numbers(len(batches) - 1).map(batches.__getitem__, EVENTS_TYPE).set_parallelism(1)
    found = (
        by_key(
            timed(events, WatermarkStrategy.for_monotonous_timestamps(), "t", "t"), Types.PRIMITIVE_ARRAY(Types.BYTE())
        )
        .connect(told.broadcast(MODELS))
        .process(Automata([Entry("shop", 1, 1, (), json.dumps(MODEL))], 10, statistics=False), Types.STRING())
    )
    # Not collected by the client, which may wait for ever after a restart.
    found.sink_to(json_lines(out))
    env.execute("a change on its way")
    return [json.loads(line) for line in read_parts(out)]


@pytest.mark.parametrize("breaks", [False, True], ids=["in one go", "with a restart meanwhile"])
def test_batches_wait_in_state_for_the_model_that_they_were_parsed_with(tmp_path, breaks):
    found = run_with_late_word(tmp_path / "found", str(tmp_path / "broken") if breaks else None)
    assert sorted((d["type"], d["transaction"]["id"], d["model"]["version"]) for d in found) == [
        ("too_many", str(shard), 2) for shard in range(SHARDS)
    ]
    if breaks:
        # It went on from a checkpoint, in which the batches were held.
        _, first, *_ = (tmp_path / "broken").read_text().split()
        assert 0 < int(first) <= 20
