"""Configurations in files, for several tests."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path) -> Callable[[str], Path]:
    """Writes a configuration of the live job: its text → its file."""

    def write_text(text: str) -> Path:
        path = tmp_path / "live.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text
