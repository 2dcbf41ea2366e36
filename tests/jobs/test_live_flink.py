import subprocess
import sys
from dataclasses import replace

import pytest

from jobs.live_config import LiveConfig
from jobs.live_flink import STREAM_BUNDLE, STREAM_BUNDLE_MS, flink_settings, stream_settings, table_settings
from jobs.live_settings import CheckpointsConfig, InputConfig, KafkaConfig, KafkaOutputConfig, LiveOutputConfig

CONFIG = LiveConfig(
    KafkaConfig("a:1"), InputConfig(("logs",)), LiveOutputConfig(kafka=KafkaOutputConfig("found", "dead"))
)

# As the live job does: table settings, tables to streams, stream settings. Prints the bundle of each Python operator.
PROGRAM = """
import pandas as pd
from pyflink.common import Configuration, Types
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf
from jobs.environment import make_environment
from jobs.live_flink import stream_settings, table_settings
from tests.jobs.test_live_flink import CONFIG

def settings(values):
    made = Configuration()
    for name, value in values.items():
        made.set_string(name, value)
    return made

env = make_environment(1, embedded=True)
tables = StreamTableEnvironment.create(env)
for name, value in table_settings(CONFIG).items():
    tables.get_config().set(name, value)
tables.create_temporary_function("size_of", udf(lambda s: pd.Series([len(s)] * len(s)),
                                             result_type=DataTypes.BIGINT(), func_type="pandas"))
tables.execute_sql("CREATE TEMPORARY TABLE t (n BIGINT) WITH ('connector'='datagen', 'number-of-rows'='40000',"
                   " 'fields.n.kind'='sequence', 'fields.n.start'='1', 'fields.n.end'='40000')")
stream = tables.to_data_stream(tables.sql_query("SELECT size_of(n) FROM t"))
env.configure(settings(stream_settings(CONFIG)))
stream.map(lambda row: row[0], Types.LONG()).print()
env.execute()
graph = env._j_stream_execution_environment.getConfiguration()
print("stream", graph.toMap().get("python.fn-execution.bundle.size"))
"""


def test_the_defaults_become_flink_s_settings():
    settings = flink_settings(CONFIG)
    wanted = {
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": "10000 ms",
        "execution.checkpointing.timeout": "600000 ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "failure-rate",
        "state.backend.type": "hashmap",
        "table.exec.uid.generation": "ALWAYS",
        "parallelism.default": "1",
    }
    assert wanted.items() <= settings.items()
    absent = {"execution.checkpointing.dir", "metrics.latency.interval", "execution.checkpointing.incremental"}
    assert not absent & set(settings)


def test_what_the_configuration_says_becomes_flink_s_settings():
    config = replace(
        CONFIG,
        checkpoints=CheckpointsConfig("s3://bucket/points", 500, 7000),
        state="rocksdb",
        parallelism=3,
        latency_interval_ms=250,
    )
    wanted = {
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.dir": "s3://bucket/points",
        "execution.checkpointing.interval": "500 ms",
        "execution.checkpointing.timeout": "7000 ms",
        "execution.checkpointing.incremental": "true",
        "state.backend.type": "rocksdb",
        "metrics.latency.interval": "250 ms",
        "parallelism.default": "3",
    }
    assert wanted.items() <= flink_settings(config).items()


def test_bundles_hold_a_batch_of_messages_and_few_batches():
    config = replace(CONFIG, batch_size=500, batch_ms=20)
    assert table_settings(config) == {
        "python.fn-execution.bundle.size": "500",
        "python.fn-execution.arrow.batch.size": "500",
        "python.fn-execution.bundle.time": "20",
    }
    assert stream_settings(config) == {
        "python.fn-execution.bundle.size": str(STREAM_BUNDLE),
        "python.fn-execution.bundle.time": str(STREAM_BUNDLE_MS),
    }
    assert stream_settings(config).items() <= flink_settings(config).items()


@pytest.mark.cluster
def test_pack_gets_whole_batches_in_the_job_whose_other_operators_have_small_bundles(repo_root):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=repo_root, capture_output=True, text=True, check=True, timeout=120
    )
    lines = done.stdout.split("\n")
    assert f"stream {STREAM_BUNDLE}" in lines
    rows = [int(line) for line in lines if line.isdigit()]
    assert len(rows) == 40_000
    assert max(rows) == CONFIG.batch_size
