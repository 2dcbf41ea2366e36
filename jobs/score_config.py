"""The configuration of the job that scores series; see ``conf/score.yaml`` and ``conf/score.schema.json``."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jobs.config import SourceConfig, unreadable, unwritable
from jobs.durations import duration_ms
from jobs.live_config import READER_KEYS, build_input, is_secret, schema_of_reader
from jobs.live_settings import InputConfig, KafkaConfig
from jobs.settings import ConfigError, SettingsFile
from jobs.settings_words import Place
from models.errors import UserError
from models.series.scoring.settings import TYPED, ScoreSettings
from models.series.scoring.source import header_of
from models.splits import SplitReader, plan_splits

SCHEMA = Path(__file__).resolve().parent.parent / "conf" / "score.schema.json"


@dataclass(frozen=True, slots=True)
class ScoreConfig:
    """What the job reads, writes and how it works; every path is absolute.

    Attributes:
        sources: files of points; none where topics are read.
        kafka, input: topics; None where files are read.
        directory: where incidents, dead letters and the summary go, and scores if they are wanted.
        scores: write what is said of each point.
        settings: how series are scored.
        parallelism: subtasks of each operator.
        batch_size: lines that travel together, at most.
        shards: virtual partitions of the series; fixed for the life of the job's state.
        max_line_bytes: a longer line becomes a dead letter.
        encoding: of the files, by its name in Python.
    """

    sources: tuple[SourceConfig, ...]
    directory: Path
    kafka: KafkaConfig | None = None
    input: InputConfig | None = None
    scores: bool = False
    settings: ScoreSettings = field(default_factory=ScoreSettings)
    parallelism: int = 1
    batch_size: int = 50_000
    shards: int = 16
    max_line_bytes: int = 1 << 20
    encoding: str = "utf-8"


def schema() -> dict[str, Any]:
    """The schema, with what it shares with that of the live job put in."""
    return schema_of_reader(SCHEMA)


def check_score_config(path: str | Path, environment: Mapping[str, str] | None = None) -> ScoreConfig:
    """Read a configuration, and check that what it names is there; paths in it are relative to its folder.

    Args:
        path: the YAML file.
        environment: values for ``${NAME}``; the process's own environment when None.

    Raises:
        ConfigError: the file is unreadable or wrong, or a file it names cannot be used; the message names file, line
            and key of every problem.
    """
    settings = SettingsFile(Path(path), environment, is_secret)
    settings.validate(schema())
    data = settings.data
    problems = [settings.problem(place, text) for place, text in _input_problems(data)]
    slot_ms = None
    if "slot" in data:
        slot_ms = duration_ms(data["slot"])
        if slot_ms is None:
            problems.append(settings.problem(("slot",), f"{data['slot']!r} is no length of time; write it as 5m or 1h"))
        elif data.get("detector") != TYPED:
            problems.append(settings.problem(("slot",), f"slots are for detector: {TYPED}; remove it"))
    if "limits" in data and data.get("detector") != TYPED:
        problems.append(settings.problem(("limits",), f"limits are for detector: {TYPED}; remove it"))
    try:
        codecs.lookup(data.get("encoding", "utf-8"))
    except LookupError:
        wrong = f"Python knows no encoding {data['encoding']!r}; try utf-8, latin-1 or cp1252"
        problems.append(settings.problem(("encoding",), wrong))
    if problems:
        raise ConfigError("\n".join(problems))
    config = _build(data, settings.path.absolute().parent, slot_ms)
    for index, source in enumerate(config.sources):
        wrong_source = _wrong(source, config, index)
        if wrong_source:
            problems.append(settings.problem(("sources", index, "path"), wrong_source))
    wrong_folder = unwritable(config.directory)
    if wrong_folder:
        problems.append(settings.problem(("output", "directory"), wrong_folder))
    if problems:
        raise ConfigError("\n".join(problems))
    return config


def is_scoring(path: str | Path) -> bool:
    """Whether a file is, by its keys, a configuration of this job; False where that cannot be told."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(data, dict) and "detector" in data


def _input_problems(data: dict[str, Any]) -> list[tuple[Place, str]]:
    """What does not fit together."""
    topics = [key for key in READER_KEYS if key in data]
    if "sources" in data and topics:
        return [((topics[0],), "points come from sources or from topics; remove one of the two")]
    if "sources" not in data and len(topics) < len(READER_KEYS):
        missing = "sources, or kafka and input," if not topics else next(key for key in READER_KEYS if key not in data)
        return [((), f"{missing} is missing: it says what to score")]
    found: list[tuple[Place, str]] = []
    given = data.get("input", {})
    if given.get("start") == "latest":
        found.append((("input", "start"), "nothing stands behind the latest message; write earliest"))
    found += [
        (("input", key), "messages of points are lines of JSON; remove it")
        for key in ("format", "envelope")
        if key in given
    ]
    return found


def _build(data: dict[str, Any], folder: Path, slot_ms: int | None) -> ScoreConfig:
    def absolute(text: str) -> Path:
        return Path(os.path.normpath(folder / Path(text).expanduser()))

    rest = {
        key: int(data[key]) for key in ("parallelism", "batch_size", "shards", "max_line_bytes") if key in data
    }  # a schema takes 2.0 for a whole number
    output = data["output"]
    kafka, topics = build_input(data, folder) if "kafka" in data else (None, None)
    limits = tuple((one["series"], float(one["limit"])) for one in data.get("limits", ()))
    chosen = {key: data[key] for key in ("detector", "preset") if key in data}
    return ScoreConfig(
        sources=tuple(SourceConfig(absolute(s["path"]), s.get("name", s["path"])) for s in data.get("sources", ())),
        directory=absolute(output["directory"]),
        kafka=kafka,
        input=topics,
        scores=output.get("scores", False),
        settings=ScoreSettings(**chosen, slot_ms=slot_ms, limits=limits),
        encoding=data.get("encoding", "utf-8"),
        **rest,
    )


def _wrong(source: SourceConfig, config: ScoreConfig, index: int) -> str | None:
    """Why a file cannot be used, or None."""
    for before, other in enumerate(config.sources[:index]):
        if source.path == other.path:
            return f"the same file as sources[{before}]; remove one"
        if source.name == other.name:
            return f"its name {source.name!r} is that of sources[{before}] too; change one"
    wrong = unreadable(source.path)
    if wrong:
        return wrong
    split = plan_splits(str(source.path), source.name, config.encoding)[0]
    batch = next(SplitReader(1, config.max_line_bytes).read(split))
    if batch.error:
        return f"{source.path}: {batch.error}"
    try:
        header_of(batch.data.partition(b"\n")[0], f"{source.path}, line 1")
    except UserError as error:
        return str(error)
    return None
