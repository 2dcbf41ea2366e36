"""The configuration of the learning job; see the example ``conf/learn.yaml`` and ``conf/learn.schema.json``."""

from __future__ import annotations

import codecs
import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jobs.config import DAY_MS, SourceConfig, unreadable, unwritable
from jobs.live_config import READER_KEYS, build_input, is_secret, schema_of_reader
from jobs.live_settings import InputConfig, KafkaConfig
from jobs.settings import ConfigError, SettingsFile
from jobs.settings_words import Place
from models.learning.options import LearnLimits

SCHEMA = Path(__file__).resolve().parent.parent / "conf" / "learn.schema.json"


@dataclass(frozen=True, slots=True)
class LearnOutput:
    """Where the model goes: a file, a store as a new version with a note, or both."""

    model: Path | None = None
    store: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LearnTimestamp:
    """How times are written, where that is not to be found."""

    format: str | None = None
    timezone: str = "UTC"
    year: int | None = None


@dataclass(frozen=True, slots=True)
class LearnConfig:
    """What the learning job reads, writes and how it works; every path is absolute.

    Attributes:
        output: where the model goes.
        work: a folder that all machines of the cluster see.
        sources: files; none where topics are read.
        kafka, input: topics; None where files are read.
        since_ms: messages from this time on, epoch ms; None: from where ``input.start`` says.
        id: name of the model; None: that of the model that is updated.
        update: the model to bring up to date: a file, or a reference into the store.
        forget: leave out what these logs do not show.
        timestamp: how times are written.
        id_pattern: of the identifiers of transactions.
        series_slot_ms: let the model watch its series, in slots of this length; None: as the model before, or not.
        parallelism: subtasks of each operator.
        batch_size: lines that travel together, at most.
        lateness_ms: how far a source's clock stays behind its newest line.
        max_leap_ms: a timestamp further than this from the clock is believed once three lines in a row agree.
        max_line_bytes: a longer line becomes a dead letter.
        encoding: of the files, by its name in Python.
        memory: what is held.
    """

    output: LearnOutput
    work: Path
    sources: tuple[SourceConfig, ...] = ()
    kafka: KafkaConfig | None = None
    input: InputConfig | None = None
    since_ms: int | None = None
    id: str | None = None
    update: str | None = None
    forget: bool = False
    timestamp: LearnTimestamp = LearnTimestamp()
    id_pattern: str | None = None
    series_slot_ms: int | None = None
    parallelism: int = 1
    batch_size: int = 10_000
    lateness_ms: int = 0
    max_leap_ms: int = DAY_MS
    max_line_bytes: int = 1 << 20
    encoding: str = "utf-8"
    memory: LearnLimits = field(default_factory=LearnLimits)


def is_learning(path: str | Path) -> bool:
    """Whether a file is, by its keys, a configuration of the learning job; False where that cannot be told."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    output = data.get("output") if isinstance(data, dict) else None
    return isinstance(output, dict) and bool({"model", "store"} & set(output))


def schema() -> dict[str, Any]:
    """The schema, with what it shares with that of the live job put in."""
    return schema_of_reader(SCHEMA)


def check_learn_config(path: str | Path, environment: Mapping[str, str] | None = None) -> LearnConfig:
    """Read a configuration, and check that what it names is there; paths in it are relative to its folder.

    Args:
        path: the YAML file.
        environment: values for ``${NAME}`` other than secrets; the process's own environment when None.

    Raises:
        ConfigError: the file is unreadable or wrong, or a file it names cannot be used; the message names file, line
            and key of every problem.
    """
    settings = SettingsFile(Path(path), environment, is_secret)
    settings.validate(schema())
    problems = [*_crosswise(settings.data)]
    _raise(settings, problems)
    config = _build(settings.data, settings.path.absolute().parent)
    for at, source in enumerate(config.sources):
        wrong = unreadable(source.path)
        if wrong:
            problems.append((("sources", at, "path"), wrong))
    if config.update is not None and _is_file(config.update):
        wrong = unreadable(Path(config.update))
        if wrong:
            problems.append((("update",), wrong))
    for place, folder in (
        (("output", "model"), config.output.model and config.output.model.parent),
        (("work",), config.work),
    ):
        wrong = unwritable(folder) if folder else None
        if wrong:
            problems.append((place, wrong))
    _raise(settings, problems)
    return config


def _crosswise(data: dict[str, Any]) -> list[tuple[Place, str]]:
    """What does not fit together."""
    return [*_input_problems(data), *_model_problems(data), *_text_problems(data)]


def _input_problems(data: dict[str, Any]) -> list[tuple[Place, str]]:
    problems: list[tuple[Place, str]] = []
    topics = [key for key in READER_KEYS if key in data]
    if "sources" in data and topics:
        problems.append(((topics[0],), "lines come from sources or from topics; remove one of the two"))
    elif "sources" not in data and len(topics) < len(READER_KEYS):
        missing = "sources, or kafka and input," if not topics else next(key for key in READER_KEYS if key not in data)
        problems.append(((), f"{missing} is missing: it says what to learn from"))
    if data.get("input", {}).get("start") == "latest":
        problems.append((("input", "start"), "nothing stands behind the latest message; write earliest, or since"))
    names = [source.get("name", source["path"]) for source in data.get("sources", [])]
    for at, name in enumerate(names):
        if name in names[:at]:
            problems.append((("sources", at), f"{name} is the name of sources[{names.index(name)}] too; change one"))
    if "since" in data:
        if "kafka" not in data:
            problems.append((("since",), "files are read as a whole; remove it"))
        elif _time_ms(data["since"]) is None:
            problems.append((("since",), f"{data['since']} is no time; write it as 2026-01-31T12:00:00Z"))
    return problems


def _model_problems(data: dict[str, Any]) -> list[tuple[Place, str]]:
    problems: list[tuple[Place, str]] = []
    if "update" in data:
        if "format" in data.get("timestamp", {}):
            problems.append(
                (("timestamp", "format"), "the model that is updated says how times are written; remove it")
            )
        if "id" in data:
            problems.append((("id",), "the model that is updated has a name; remove this one"))
        if not _is_file(data["update"]) and "store" not in data["output"]:
            problems.append((("update",), f"{data['update']} is in a store; name the store as output.store"))
    elif "id" not in data:
        problems.append(((), "id is missing: it is the name of the model"))
    if data.get("forget") and "update" not in data:
        problems.append((("forget",), "a model that is learnt anew has nothing to forget; remove it, or name update"))
    return problems


def _text_problems(data: dict[str, Any]) -> list[tuple[Place, str]]:
    problems: list[tuple[Place, str]] = []
    try:
        re.compile(data.get("id_pattern", ""))
    except re.error as error:
        problems.append((("id_pattern",), f"it is no regular expression: {error}"))
    for place, name in (
        (("encoding",), data.get("encoding")),
        (("input", "encoding"), data.get("input", {}).get("encoding")),
    ):
        try:
            codecs.lookup(name or "utf-8")
        except LookupError:
            problems.append((place, f"Python knows no encoding {name!r}; try utf-8, latin-1 or cp1252"))
    return problems


def _build(data: dict[str, Any], folder: Path) -> LearnConfig:
    rest = {key: _whole(value) for key, value in data.items() if not isinstance(value, dict | list)}
    since = rest.pop("since", None)
    kafka, topics = build_input(data, folder) if "kafka" in data else (None, None)
    output = data["output"]
    store = output.get("store")
    update = rest.pop("update", None)
    return LearnConfig(
        output=LearnOutput(
            _absolute(folder, output["model"]) if "model" in output else None,
            store if store is None or "://" in store else str(_absolute(folder, store)),
            output.get("note", ""),
        ),
        work=_absolute(folder, rest.pop("work", ".")),
        sources=tuple(
            SourceConfig(_absolute(folder, s["path"]), s.get("name", s["path"])) for s in data.get("sources", [])
        ),
        kafka=kafka,
        input=topics,
        since_ms=None if since is None else _time_ms(since),
        update=str(_absolute(folder, update)) if update is not None and _is_file(update) else update,
        timestamp=LearnTimestamp(**{key: _whole(value) for key, value in data.get("timestamp", {}).items()}),
        memory=LearnLimits(**{key: _whole(value) for key, value in data.get("memory", {}).items()}),
        **rest,
    )


def _raise(settings: SettingsFile, problems: list[tuple[Place, str]]) -> None:
    if problems:
        told = sorted(problems, key=lambda problem: settings.line(problem[0]))
        raise ConfigError("\n".join(settings.problem(place, message) for place, message in told))


def _is_file(update: str) -> bool:
    """Whether a model is named by its file, as commands understand it."""
    return "/" in update or update.endswith(".json")


def _time_ms(text: str) -> int | None:
    """Epoch ms of an ISO 8601 time, of UTC if it tells no zone; None if it is none."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def _absolute(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / Path(text).expanduser()))


def _whole(value: Any) -> Any:
    """2.0, which a schema takes for a whole number, as 2."""
    return int(value) if isinstance(value, float) else value
