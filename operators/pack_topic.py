"""``pack`` for topics: a vectorised SQL function that makes one batch of lines of many rows.

A scalar function has to give as many rows as it takes: the batches stand in the first ones, the others are null and are
dropped in Java. A bundle ends before a checkpoint barrier, so no line is ever held outside of Flink's state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from models.messages import MessageSettings, pack_messages
from operators.worker import prepare_worker


class PackTopic(ScalarFunction):
    """Takes the values, partitions, offsets, times and source headers of the messages of one topic.

    Args:
        topic: the topic's name.
        settings: how messages are read.
    """

    def __init__(self, topic: str, settings: MessageSettings) -> None:
        self._topic = topic
        self._settings = settings

    def open(self, function_context: Any) -> None:
        prepare_worker()

    def eval(
        self, value: pd.Series, partition: pd.Series, offset: pd.Series, time: pd.Series, header: pd.Series
    ) -> pd.Series:
        rows = np.empty(len(value), object)
        batches = pack_messages(
            self._topic,
            partition.to_numpy(np.int64),
            offset.to_numpy(np.int64),
            time.to_numpy("datetime64[ms]").astype(np.int64),
            value.to_numpy(object),
            None if header.isna().all() else header.to_numpy(object),
            self._settings,
        )
        for row, batch in enumerate(batches):
            rows[row] = batch.encode()
        return pd.Series(rows)


def pack_function(topic: str, settings: MessageSettings) -> Any:
    """The function for one topic, to be registered with a table environment."""
    return udf(PackTopic(topic, settings), result_type=DataTypes.BYTES(), func_type="pandas")
