"""The job under measurement of :mod:`benchmarks.backends`: ``automata`` alone, fed by a made-up log without end."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pyflink.common import Types, WatermarkStrategy
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from benchmarks.backend_operators import ENDLESS, CountedAutomata, Feed
from benchmarks.open_transactions import document
from jobs.environment import make_environment
from jobs.file_sink import json_lines
from jobs.live_flink import flink_settings
from jobs.live_settings import CheckpointsConfig, InputConfig, KafkaConfig, LiveConfig, LiveOutputConfig
from jobs.naming import by_key, timed
from models.in_force import Entry
from operators.models_in_force import MODELS
from operators.parse import EVENTS_TYPE

_MANAGED_MB = 128
"""For each slot, as ``weirwatch run`` has at parallelism 2."""


def settings(backend: str, folder: Path, interval_ms: int, parallelism: int, port: int) -> dict[str, str]:
    """Flink's settings: those of the live job with that ``state``."""
    config = LiveConfig(
        KafkaConfig("none:1"),
        InputConfig(("none",)),
        LiveOutputConfig(),
        checkpoints=CheckpointsConfig((folder / "checkpoints").as_uri(), interval_ms),
        state=backend,
        parallelism=parallelism,
    )
    slots = parallelism + 1
    return {
        **flink_settings(config),
        "restart-strategy.type": "none",
        "rest.address": "localhost",
        "rest.bind-address": "localhost",
        "rest.bind-port": str(port),
        # The feed has a slot of its own, and so a worker of its own.
        "taskmanager.numberOfTaskSlots": str(slots),
        "taskmanager.memory.managed.size": f"{_MANAGED_MB * slots} mb",
    }


def main() -> int:
    """Run it until it is told to end; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", required=True, choices=("heap", "rocksdb"))
    parser.add_argument("--open", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--interval-ms", type=int, required=True)
    parser.add_argument("--parallelism", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    more = settings(options.backend, options.folder, options.interval_ms, options.parallelism, options.port)
    env = make_environment(options.parallelism, True, more, stays=True)
    entries = [Entry("bench", 1, 1, (), json.dumps(document()))]
    models = env.from_collection(['{"kind": "none"}'], Types.STRING()).broadcast(MODELS)
    numbers = env.from_source(NumberSequenceSource(0, ENDLESS), WatermarkStrategy.no_watermarks(), "numbers")
    events = numbers.set_parallelism(1).slot_sharing_group("feed")
    events = events.flat_map(Feed(options.open, str(options.folder)), EVENTS_TYPE).set_parallelism(1)
    in_time = timed(events.name("feed"), WatermarkStrategy.for_monotonous_timestamps(), "watermark", "watermark")
    (
        by_key(in_time.slot_sharing_group("default"), Types.PRIMITIVE_ARRAY(Types.BYTE()))
        .connect(models)
        .process(CountedAutomata(entries, str(options.folder)), Types.STRING())
        .slot_sharing_group("default")
        .name("automata")
        .sink_to(json_lines(options.folder / "anomalies"))
    )
    env.execute_async("open transactions").get_job_execution_result().result()
    return 1  # it has no end


if __name__ == "__main__":
    sys.exit(main())
