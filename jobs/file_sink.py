"""Files of JSON Lines that a job writes."""

from __future__ import annotations

from pathlib import Path

from pyflink.common import Encoder
from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, OutputFileConfig, RollingPolicy


def json_lines(directory: Path) -> FileSink:
    """A sink of texts: files ``part-….jsonl`` of a directory, an element a line; hidden while they are written."""
    return (
        FileSink.for_row_format(str(directory.absolute()), Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_rolling_policy(RollingPolicy.default_rolling_policy())
        .with_output_file_config(OutputFileConfig.builder().with_part_prefix("part").with_part_suffix(".jsonl").build())
        .build()
    )
