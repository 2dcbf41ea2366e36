"""The control channel: a topic, or a directory of files where the job runs on one machine; and where replies go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyflink.datastream import DataStream

from jobs.file_sink import json_lines
from jobs.kafka_topics import Partition, start_options
from jobs.live_sinks import topic_sink
from jobs.naming import named_table
from jobs.sql_tables import create_table
from operators import names
from operators.elements import ControlMessage
from operators.resolve import KEYED_CONTROL_TYPE

_TABLE = "control"
_LOOK_S = 1


def control_topic(tables: Any, partitions: Sequence[Partition], kafka_options: Mapping[str, str]) -> DataStream:
    """The messages of a control topic, from the offsets settled at submission."""
    topic = partitions[0].topic
    columns = ("`value` BYTES", "`partition` INT METADATA VIRTUAL", "`offset` BIGINT METADATA VIRTUAL")
    options = {
        "connector": "kafka",
        "topic": topic,
        "format": "raw",
        "scan.parallelism": "1",
        **kafka_options,
        **start_options(partitions),
    }
    create_table(tables, _TABLE, columns, options)
    rows = tables.to_data_stream(tables.sql_query(f"SELECT `value`, `partition`, `offset` FROM `{_TABLE}`"))  # noqa: S608
    return _named(rows, ControlMessage(topic))


def control_directory(tables: Any, directory: Path) -> DataStream:
    """The lines of the files of a directory, which is looked at once a second; a file counts as it is when it appears.

    Files whose names begin with a dot or an underscore are not read: who writes one gives it its name when it is whole.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "connector": "filesystem",
        "path": directory.absolute().as_uri(),
        "format": "raw",
        "source.monitor-interval": f"{_LOOK_S} s",
    }
    create_table(tables, _TABLE, ("`value` BYTES",), options)
    rows = tables.to_data_stream(tables.sql_query(f"SELECT `value`, -1, CAST(-1 AS BIGINT) FROM `{_TABLE}`"))  # noqa: S608
    return _named(rows, ControlMessage(str(directory)))


def _named(rows: DataStream, message: ControlMessage) -> DataStream:
    # Messages that passed through several subtasks could overtake each other.
    rows = named_table(rows, names.UID_CONTROL_MESSAGES, "control messages", parallelism=1)
    return rows.map(message, KEYED_CONTROL_TYPE).set_parallelism(1).uid(names.UID_CONTROL).name("control")


def replies_to_topic(replies: DataStream, topic: str, properties: Mapping[str, str]) -> None:
    """Send replies at once: a reply may come twice after a failure, and never waits for a checkpoint."""
    sink = topic_sink(topic, properties)
    replies.sink_to(sink).set_parallelism(1).uid(names.UID_REPLIES).name("replies")


def replies_to_directory(replies: DataStream, directory: Path) -> None:
    """Write replies to files of a directory, one a line; they can be read while they are being written."""
    replies.sink_to(json_lines(directory)).set_parallelism(1).uid(names.UID_REPLIES).name("replies")
