"""Where the libraries of this process put what they write aside.

Flink's client and its embedded cluster make folders for temporary files and leave some behind, all of them when they
are interrupted. In a folder of our own they go with the process.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path


@functools.cache
def scratch_folder() -> Path:
    """This process's folder for temporary files, which from now on are made there by default; removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="weirwatch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tempfile.tempdir = str(folder)
    return folder
