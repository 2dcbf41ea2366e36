"""Names and uids of the operators that PyFlink makes by itself and names after itself.

Under its uid Flink keeps what an operator remembers, by its name people find it and its metrics. Those that stand in
the job's code get both by ``.uid()`` and ``.name()``; here are the others: what keys a stream, what gives it its times,
what takes a side output, and what SQL becomes. The planner numbers the latter through, so that with one more topic the
place in another topic would be looked for under another uid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyflink.common import WatermarkStrategy
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, OutputTag


def keyed(stream: DataStream, key: Callable[[Any], Any], key_type: TypeInformation, uid: str, name: str) -> KeyedStream:
    """``stream.key_by``, whose operator computes the keys.

    PyFlink knows this operator by its name, and makes it as parallel as what it follows: under another name that is up
    to us.
    """
    found = stream.key_by(key, key_type)
    computes = found._j_data_stream.getTransformation().getInputs().get(0)
    computes.setParallelism(computes.getInputs().get(0).getParallelism())
    computes.setUid(uid)
    computes.setName(name)
    return found


def side(stream: DataStream, tag: OutputTag, uid: str, name: str) -> DataStream:
    """``stream.get_side_output``, whose operator hands the elements on."""
    return stream.get_side_output(tag).uid(uid).name(name)


def timed(stream: DataStream, strategy: WatermarkStrategy, uid: str, name: str) -> DataStream:
    """``stream.assign_timestamps_and_watermarks`` with an assigner in Python, which takes three operators."""
    found = stream.assign_timestamps_and_watermarks(strategy).uid(f"{uid}-remove").name(f"{name}: time away")
    assigns = found._j_data_stream.getTransformation().getInputs().get(0)
    assigns.setUid(uid)
    assigns.setName(name)
    extracts = assigns.getInputs().get(0)
    extracts.setUid(f"{uid}-extract")
    extracts.setName(f"{name}: time")
    return found


def named_table(stream: DataStream, uid: str, name: str, parallelism: int | None = None) -> DataStream:
    """Uids for the operators of a table that has become a stream, counted from its end; its source is ``uid-source``.

    Args:
        stream: as ``to_data_stream`` gives it; of a query of one table.
        uid: what their uids begin with.
        name: what their names begin with.
        parallelism: of all of them; the job's when None.
    """
    step, number = stream._j_data_stream.getTransformation(), 0
    while step.getInputs().size():
        step.setUid(f"{uid}-{number}")
        step.setName(f"{name}: {step.getName()}")
        if parallelism is not None:
            step.setParallelism(parallelism)
        step, number = step.getInputs().get(0), number + 1
    step.setUid(f"{uid}-source")
    step.setName(name)
    if parallelism is not None:
        step.setParallelism(parallelism)
    return stream
