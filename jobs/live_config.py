"""Reads the configuration of the live job; what is in it: :mod:`jobs.live_settings`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from jobs.config import EvidenceConfig
from jobs.live_checks import crosswise, on_this_machine
from jobs.live_settings import (
    CheckpointsConfig,
    ControlConfig,
    DeadLettersConfig,
    ElasticsearchConfig,
    HeartbeatConfig,
    InitialModel,
    InputConfig,
    KafkaConfig,
    KafkaOutputConfig,
    LiveConfig,
    LiveOutputConfig,
    ModelsConfig,
    SecurityConfig,
    SourcePolicy,
)
from jobs.secret import Secret
from jobs.settings import ConfigError, SettingsFile
from jobs.settings_words import Place
from models.checkers.spec import CheckerSpec
from models.envelopes import EnvelopePaths

__all__ = ["SCHEMA", "LiveConfig", "build_input", "check_live_config", "is_live", "is_secret", "load_live_config"]

SCHEMA = Path(__file__).resolve().parent.parent / "conf" / "live.schema.json"

READER_KEYS = ("kafka", "input")
"""What a configuration says of the topics that are read."""

_SECRET_KEYS = {"password", "key_password", "api_key"}
_SECRET_PROPERTY = re.compile(r"password|secret|jaas|credential|(?:^|\.)key$", re.IGNORECASE)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_live(path: str | Path) -> bool:
    """Whether a file is, by its keys, a configuration of the live job; False where that cannot be told."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(data, dict) and bool({"kafka", "input"} & set(data))


def schema_of_reader(path: Path) -> dict[str, Any]:
    """The schema of a job that reads topics as the live job does: what it shares with that one's is put in.

    Args:
        path: the job's own schema.
    """
    own: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    live = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for key in READER_KEYS:
        own["properties"][key] = live["properties"][key]
    own["$defs"] = live["$defs"]
    return own


def build_input(data: Mapping[str, Any], folder: Path) -> tuple[KafkaConfig, InputConfig]:
    """The keys ``kafka`` and ``input`` of data that fit the schema; paths in it are relative to the folder."""
    builder = _Builder(folder)
    return builder.kafka(data["kafka"]), builder.input(data["input"])


def is_secret(place: Place) -> bool:
    """Whether a secret stands at a place of the configuration."""
    if place[:2] == ("kafka", "properties"):
        return len(place) == 3 and _SECRET_PROPERTY.search(str(place[2])) is not None
    return bool(place) and place[-1] in _SECRET_KEYS


def load_live_config(path: str | Path, environment: Mapping[str, str] | None = None) -> LiveConfig:
    """Read a configuration; paths in it are relative to its folder.

    Args:
        path: the YAML file.
        environment: values for ``${NAME}`` other than secrets; the process's own environment when None.

    Raises:
        ConfigError: the file is unreadable or wrong, by itself or because parts of it do not fit together; the message
            names file, line and key of every problem.
    """
    return _load(path, environment)[1]


def check_live_config(path: str | Path, environment: Mapping[str, str] | None = None) -> LiveConfig:
    """Read a configuration as :func:`load_live_config` does, and check that the files it names are there.

    Raises:
        ConfigError: as above, or a model, a certificate or a folder cannot be used.
    """
    settings, config = _load(path, environment)
    _raise(settings, on_this_machine(config))
    return config


def _load(path: str | Path, environment: Mapping[str, str] | None) -> tuple[SettingsFile, LiveConfig]:
    settings = SettingsFile(Path(path), environment, is_secret)
    settings.validate(json.loads(SCHEMA.read_text(encoding="utf-8")))
    config = _Builder(settings.path.absolute().parent).live(settings.data)
    _raise(settings, crosswise(config))
    return settings, config


def _raise(settings: SettingsFile, problems: list[tuple[Place, str]]) -> None:
    if problems:
        told = sorted(problems, key=lambda problem: settings.line(problem[0]))
        raise ConfigError("\n".join(settings.problem(place, message) for place, message in told))


class _Builder:
    """From data that fit the schema to the configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def live(self, data: dict[str, Any]) -> LiveConfig:
        models, output = data.get("models", {}), data["output"]
        control, checkpoints = data.get("control"), data.get("checkpoints", {})
        elastic, topics = output.get("elasticsearch"), output.get("kafka")
        rest = {key: value for key, value in data.items() if not isinstance(value, dict | list)}
        return LiveConfig(
            kafka=self.kafka(data["kafka"]),
            input=self.input(data["input"]),
            output=LiveOutputConfig(
                self._make(ElasticsearchConfig, elastic) if elastic is not None else None,
                self._make(KafkaOutputConfig, topics) if topics is not None else None,
            ),
            models=ModelsConfig(
                self._place(models["store"]) if "store" in models else None,
                tuple(self._make(InitialModel, model) for model in models.get("initial", [])),
            ),
            control=self._control(control) if control is not None else None,
            dead_letters=self._make(DeadLettersConfig, data.get("dead_letters", {})),
            heartbeat=self._make(HeartbeatConfig, data.get("heartbeat", {})),
            source=self._make(SourcePolicy, data.get("source", {})),
            checkpoints=self._make(CheckpointsConfig, checkpoints | self._checkpoints(checkpoints)),
            evidence=self._make(EvidenceConfig, data.get("evidence", {})),
            checkers=tuple(CheckerSpec.from_json(checker) for checker in data.get("checkers", ())),
            **{key: _whole(value) for key, value in rest.items()},
        )

    def kafka(self, data: dict[str, Any]) -> KafkaConfig:
        return KafkaConfig(
            data["bootstrap"],
            self._make(SecurityConfig, data.get("security", {})),
            {key: _property(key, value) for key, value in data.get("properties", {}).items()},
        )

    def input(self, data: dict[str, Any]) -> InputConfig:
        made: InputConfig = self._make(
            InputConfig, data | {"envelope": self._make(EnvelopePaths, data.get("envelope", {}))}
        )
        return made

    def _make(self, kind: Any, data: Mapping[str, Any]) -> Any:
        """A dataclass from the values of its fields."""
        return kind(
            **{field.name: self._value(field, data[field.name]) for field in fields(kind) if field.name in data}
        )

    def _value(self, field: Any, value: Any) -> Any:
        if "Secret" in field.type:
            return Secret.parse(value)
        if "Path" in field.type and isinstance(value, str):
            return Path(self._absolute(value))
        if isinstance(value, list):
            return tuple(value)
        if field.type == "float":
            return float(value)
        return _whole(value)

    def _control(self, data: Mapping[str, Any]) -> ControlConfig:
        made: ControlConfig = self._make(ControlConfig, data)
        return made if made.directory is None else ControlConfig(self._absolute(made.replies), None, made.directory)

    def _checkpoints(self, data: Mapping[str, Any]) -> dict[str, str]:
        if "directory" not in data:
            return {}
        place = self._place(data["directory"])
        return {"directory": place if _URI.match(place) else Path(place).as_uri()}

    def _place(self, text: str) -> str:
        """A URI as it is, all else as an absolute path."""
        return text if _URI.match(text) else self._absolute(text)

    def _absolute(self, text: str) -> str:
        return os.path.normpath(self._folder / Path(text).expanduser())


def _whole(value: Any) -> Any:
    """2.0, which a schema takes for a whole number, as 2."""
    return int(value) if isinstance(value, float) else value


def _property(name: str, value: Any) -> str | Secret:
    """A property as Java clients take it."""
    if is_secret(("kafka", "properties", name)):
        return Secret.parse(str(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
