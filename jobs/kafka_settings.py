"""Settings of Kafka clients, from a file of properties and the environment; nothing here ever shows a value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import UserError

PREFIX = "WEIRWATCH_KAFKA_"

_TEXTS = {
    "client.id": "client_id",
    "compression.type": "compression_type",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.password": "sasl_plain_password",
    "sasl.username": "sasl_plain_username",
    "security.protocol": "security_protocol",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}
_NUMBERS = {
    "batch.size": "batch_size",
    "delivery.timeout.ms": "delivery_timeout_ms",
    "linger.ms": "linger_ms",
    "max.request.size": "max_request_size",
    "request.timeout.ms": "request_timeout_ms",
}
_JAAS, _CHECK_NAME = "sasl.jaas.config", "ssl.endpoint.identification.algorithm"
_KNOWN = sorted([*_TEXTS, *_NUMBERS, _JAAS, _CHECK_NAME])

_CHOICES = {
    "security_protocol": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "sasl_mechanism": ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "compression_type": ("none", "gzip", "snappy", "lz4", "zstd"),
}


def kafka_settings(file: str | None = None, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Settings under the names that kafka-python gives them.

    Args:
        file: properties as Kafka's own tools read them (``--command-config``), or None.
        environment: the process's own when None; ``security.protocol`` is ``WEIRWATCH_KAFKA_SECURITY_PROTOCOL`` there
            and gives way to the file.

    Raises:
        UserError: the file cannot be read, a setting is unknown or not valid, or some do not fit together.
    """
    variables = os.environ if environment is None else environment
    given: dict[str, tuple[str, str]] = {}
    for name in _KNOWN:
        variable = PREFIX + name.replace(".", "_").upper()
        if variable in variables:
            given[name] = variables[variable].strip(), variable
    if file is not None:
        given |= _properties(file)
    settings: dict[str, Any] = {}
    for name, (value, where) in given.items():
        settings |= _setting(name, value, where)
    _check(settings)
    return settings


def _properties(file: str) -> dict[str, tuple[str, str]]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} is no UTF-8 text; write one setting a line, as in security.protocol=SSL") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    found = {}
    for number, line in enumerate(re.sub(r"\\\r?\n[ \t]*", "", text).splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        match = re.fullmatch(r"([^=:\s]+)\s*[=:]\s*(.*)", line)
        if not match:
            raise UserError(f"{file}: setting {number} is not of the form name=value, as in security.protocol=SSL")
        if match[1] not in _KNOWN:
            raise UserError(f"{file}: {match[1]} is no setting known here; known are {', '.join(_KNOWN)}")
        found[match[1]] = match[2], f"{file}: {match[1]}"
    return found


def _setting(name: str, value: str, where: str) -> dict[str, Any]:
    if name == _CHECK_NAME:
        return {"ssl_check_hostname": value.lower() not in ("", "none")}
    if name == _JAAS:
        words = dict(re.findall(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"', value))
        if len(words) != 2:
            raise UserError(f'{where} has no username="…" and password="…"; only logins by name and password are known')
        return {f"sasl_plain_{key}": re.sub(r"\\(.)", r"\1", word) for key, word in words.items()}
    if name in _NUMBERS:
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise UserError(f"{where} is no whole number")
        return {_NUMBERS[name]: int(value)}
    key = _TEXTS[name]
    choices = _CHOICES.get(key)
    if choices and value not in choices:
        raise UserError(f"{where} is none of {', '.join(choices)}")
    if name.endswith(".location") and not Path(value).is_file():
        raise UserError(f"{where}: there is no such file; name a file in PEM form")
    return {key: None if value == "none" and key == "compression_type" else value}


def _check(settings: dict[str, Any]) -> None:
    protocol = settings.get("security_protocol", "PLAINTEXT")
    login = [key for key in settings if key.startswith("sasl_")]
    if protocol.startswith("SASL"):
        settings.setdefault("sasl_mechanism", "PLAIN")
        for key, name in (("sasl_plain_username", "sasl.username"), ("sasl_plain_password", "sasl.password")):
            if not settings.get(key):
                variable = PREFIX + name.replace(".", "_").upper()
                raise UserError(f"security.protocol {protocol} needs {name}; set it in the file, or as {variable}")
    elif login:
        raise UserError(f"there is a login, but security.protocol is {protocol}; set it to SASL_SSL or SASL_PLAINTEXT")
    if not protocol.endswith("SSL") and any(key.startswith("ssl_") for key in settings):
        raise UserError(f"there are settings of TLS, but security.protocol is {protocol}; set it to SSL or SASL_SSL")
