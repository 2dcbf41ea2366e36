"""Names and uids of the operators that PyFlink makes by itself and names after itself.

Under its uid Flink keeps what an operator remembers, by its name people find it and its metrics. Those that stand in
the job's code get both by ``.uid()`` and ``.name()``; here are the others: what gives a stream its times, what takes a
side output, and what SQL becomes. The planner numbers the latter through, so that with one more topic the
place in another topic would be looked for under another uid.
"""

from __future__ import annotations

from pyflink.common import WatermarkStrategy
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, OutputTag
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import to_jarray


def by_key(stream: DataStream, value_type: TypeInformation) -> KeyedStream:
    """A stream of rows of key and value, keyed; what follows takes the values.

    ``stream.key_by`` would put such rows together in an operator of its own, for which all elements cross to Python
    once more.
    """
    jvm = get_gateway().jvm
    fields = stream._j_data_stream.getType()
    key_type = jvm.org.apache.flink.api.java.typeutils.RowTypeInfo(
        to_jarray(jvm.TypeInformation, [fields.getTypeAt(0)])
    )
    return KeyedStream(stream._j_data_stream.keyBy(jvm.KeyByKeySelector(), key_type), value_type, stream)


def side(stream: DataStream, tag: OutputTag, uid: str, name: str) -> DataStream:
    """``stream.get_side_output``, whose operator hands the elements on."""
    return stream.get_side_output(tag).uid(uid).name(name)


def timed(stream: DataStream, strategy: WatermarkStrategy, uid: str, name: str) -> DataStream:
    """Elements and watermarks of a stream of (element, timestamp in epoch ms), without Python.

    Args:
        stream: a stream of such tuples.
        strategy: without an assigner; taken over.
        uid: of the operator that assigns them.
        name: its name.
    """
    times = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.eventtime
    pairs = stream._j_data_stream
    assigned = pairs.assignTimestampsAndWatermarks(
        strategy._j_watermark_strategy.withTimestampAssigner(times.CustomTimestampAssigner())
    )
    assigned.uid(uid)
    assigned.name(name)
    elements = assigned.map(times.RemoveTimestampMapFunction(), pairs.getType().getTypeAt(0))
    return DataStream(elements).uid(f"{uid}-remove").name(f"{name}: time away")


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
