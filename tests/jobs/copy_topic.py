"""A tiny job for a test: copies what a topic holds to another one, both by the configuration's Kafka.

``python -m tests.jobs.copy_topic CONFIG FROM TO GRAPH``: the serialised job graph is written to the file GRAPH.
"""

import sys
from pathlib import Path

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, Schema, StreamTableEnvironment, TableDescriptor

from jobs.connectors import pipeline_jars
from jobs.kafka_properties import sql_options
from jobs.live_config import load_live_config
from jobs.live_flink import flink_settings


def table(topic: str, options: dict[str, str]) -> TableDescriptor:
    """A topic of texts as a table."""
    schema = Schema.new_builder().column("line", DataTypes.STRING()).build()
    made = TableDescriptor.for_connector("kafka").schema(schema).option("topic", topic).option("format", "raw")
    for name, value in options.items():
        made = made.option(name, value)
    return made.build()


def main(config_file: str, origin: str, target: str, graph: str) -> None:
    config = load_live_config(config_file)
    settings = Configuration()
    for name, value in flink_settings(config).items():
        settings.set_string(name, value)
    settings.set_string("pipeline.jars", pipeline_jars())
    settings.set_string("execution.target", "local")
    settings.set_string("restart-strategy.type", "none")
    env = StreamExecutionEnvironment.get_execution_environment(settings)
    tables = StreamTableEnvironment.create(env)
    options = sql_options(config.kafka)
    bounds = {"scan.startup.mode": "earliest-offset", "scan.bounded.mode": "latest-offset"}
    sink = {"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": "copy"}
    sink["properties.transaction.timeout.ms"] = "60000"
    tables.create_temporary_table("origin", table(origin, options | bounds))
    tables.create_temporary_table("target", table(target, options | sink))
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO target SELECT line FROM origin")
    statements.attach_as_datastream()
    stream_graph = env._j_stream_execution_environment.getStreamGraph(False)
    job_graph = stream_graph.getJobGraph(get_gateway().jvm.Thread.currentThread().getContextClassLoader(), None)
    Path(graph).write_bytes(get_gateway().jvm.org.apache.flink.util.InstantiationUtil.serializeObject(job_graph))
    env.execute("copy")


if __name__ == "__main__":
    main(*sys.argv[1:])
