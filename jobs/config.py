"""The configuration of the detection job; see the example ``conf/detect.yaml`` and ``conf/detect.schema.json``."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.checkers import checker_problems
from jobs.settings import ConfigError, SettingsFile
from models.checkers.spec import CheckerSpec

SCHEMA = Path(__file__).resolve().parent.parent / "conf" / "detect.schema.json"

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A source of lines: a log file, plain or ``.gz``; results call it by ``name``, by default the path as given."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class OutputConfig:
    """Where the results go: a folder for the anomalies, the dead letters and the summary."""

    directory: Path


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """How much of the log an anomaly quotes: lines, and characters of each."""

    max_lines: int = 20
    max_line_chars: int = 1000


@dataclass(frozen=True, slots=True)
class DetectConfig:
    """What the detection job reads, writes and how it works; every path is absolute.

    Attributes:
        sources: what to read.
        model: the model document.
        output: where results go.
        parallelism: subtasks of each operator.
        batch_size: lines that travel together, at most.
        shards: virtual partitions of the transactions; fixed for the life of the job's state.
        lateness_ms: how far a source's clock stays behind its newest line.
        max_leap_ms: a timestamp further than this from the clock is believed once three lines in a row agree.
        max_line_bytes: a longer line becomes a dead letter.
        evidence: how much of the log an anomaly quotes.
        encoding: character encoding of the sources, by its name in Python.
        checkers: plug-ins that look for violations besides the model.
    """

    sources: tuple[SourceConfig, ...]
    model: Path
    output: OutputConfig
    parallelism: int = 1
    batch_size: int = 10_000
    shards: int = 64
    lateness_ms: int = 0
    max_leap_ms: int = DAY_MS
    max_line_bytes: int = 1 << 20
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    encoding: str = "utf-8"
    checkers: tuple[CheckerSpec, ...] = field(default_factory=tuple)


def load_config(path: str | Path, environment: Mapping[str, str] | None = None) -> DetectConfig:
    """Read a configuration; paths in it are relative to its folder.

    Args:
        path: the YAML file.
        environment: values for ``${NAME}``; the process's own environment when None.

    Raises:
        ConfigError: the file is unreadable or wrong; the message names file, line and key of every problem.
    """
    return _build(_open(path, environment))


def check_config(path: str | Path, environment: Mapping[str, str] | None = None) -> DetectConfig:
    """Read a configuration as :func:`load_config` does, and check that what it names is there.

    Raises:
        ConfigError: as above, or a source or the model cannot be read, or the output folder cannot be written.
    """
    settings = _open(path, environment)
    config = _build(settings)
    problems = []
    for index, source in enumerate(config.sources):
        wrong = unreadable(source.path)
        if wrong:
            problems.append(settings.problem(("sources", index, "path"), wrong))
    wrong = unreadable(config.model)
    if wrong:
        problems.append(settings.problem(("model",), f"{wrong}; `weirwatch learn` writes one"))
    wrong = unwritable(config.output.directory)
    if wrong:
        problems.append(settings.problem(("output", "directory"), wrong))
    problems += [settings.problem(place, message) for place, message in checker_problems(config.checkers)]
    if problems:
        raise ConfigError("\n".join(problems))
    return config


def _open(path: str | Path, environment: Mapping[str, str] | None) -> SettingsFile:
    settings = SettingsFile(Path(path), environment)
    settings.validate(json.loads(SCHEMA.read_text(encoding="utf-8")))
    try:
        codecs.lookup(settings.data.get("encoding", "utf-8"))
    except LookupError:
        wrong = f"Python knows no encoding {settings.data['encoding']!r}; try utf-8, latin-1 or cp1252"
        raise ConfigError(settings.problem(("encoding",), wrong)) from None
    return settings


def _build(settings: SettingsFile) -> DetectConfig:
    data = _whole(settings.data)
    folder = settings.path.absolute().parent

    def absolute(text: str) -> Path:
        return Path(os.path.normpath(folder / Path(text).expanduser()))

    sources = tuple(SourceConfig(absolute(s["path"]), s.get("name", s["path"])) for s in data.pop("sources"))
    for index, source in enumerate(sources):
        for before, other in enumerate(sources[:index]):
            if source.path == other.path:
                raise ConfigError(
                    settings.problem(("sources", index, "path"), f"the same file as sources[{before}]; remove one")
                )
            if source.name == other.name:
                raise ConfigError(
                    settings.problem(("sources", index, "name"), f"the name of sources[{before}] too; change one")
                )
    return DetectConfig(
        sources=sources,
        model=absolute(data.pop("model")),
        output=OutputConfig(absolute(data.pop("output")["directory"])),
        evidence=EvidenceConfig(**_whole(data.pop("evidence", {}))),
        checkers=tuple(CheckerSpec.from_json(checker) for checker in data.pop("checkers", ())),
        **data,
    )


def _whole(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with 2.0, which a schema takes for a whole number, as 2."""
    return {key: int(value) if isinstance(value, float) else value for key, value in values.items()}


def unreadable(path: Path) -> str | None:
    """Why a file cannot be read, or None."""
    if not path.exists():
        return f"{path}: no such file"
    if not path.is_file():
        return f"{path} is not a file"
    return None if os.access(path, os.R_OK) else f"{path} cannot be read; check its permissions"


def unwritable(folder: Path) -> str | None:
    """Why a folder, which may be still to be made, cannot be written, or None."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return None
    return f"{existing} is no folder that can be written"
