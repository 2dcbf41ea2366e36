"""How Kafka's clients are told to reach the brokers: the Java ones of the connectors, and kafka-python.

What Java clients are told becomes part of the job's graph, which many can read. So no secret is in it, only where the
client finds it: clients know *config providers*, and put in for ``${env:NAME}`` the environment variable of the process
in which they run (JobManager and TaskManagers alike: both speak to Kafka), for ``${directory:FOLDER:FILE}`` a file.

The connector jar holds Kafka's classes under names of its own; those of login modules and providers have to be its.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jobs.live_settings import KafkaConfig, SecurityConfig
from jobs.secret import Secret
from models.errors import UserError

_CLASSES = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
_PROVIDER = f"{_CLASSES}.config.provider"
_LOGINS = {
    "PLAIN": f"{_CLASSES}.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_CLASSES}.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_CLASSES}.security.scram.ScramLoginModule",
}
_CHECK_NAME = "ssl.endpoint.identification.algorithm"


def java_properties(kafka: KafkaConfig) -> dict[str, str]:
    """Properties for a Java client that comes with the connectors, ``bootstrap.servers`` included; without secrets."""
    security = kafka.security
    found = {"bootstrap.servers": kafka.bootstrap, "security.protocol": security.protocol}
    secrets: list[Secret] = []

    def hidden(secret: Secret) -> str:
        secrets.append(secret)
        return f"${{env:{secret.name}}}"

    for name, value in kafka.properties.items():
        found[name] = hidden(value) if isinstance(value, Secret) else value
    if security.username is not None and security.password is not None:
        user = re.sub(r'(["\\])', r"\\\1", security.username)
        login = f'{_LOGINS[security.mechanism]} required username="{user}" password="{hidden(security.password)}";'
        found |= {"sasl.mechanism": security.mechanism, "sasl.jaas.config": login}
    if security.ca_file is not None:
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(security.ca_file)}
    found |= _own_certificate(security)
    if security.key_password is not None:
        found["ssl.key.password"] = hidden(security.key_password)
    return found | _providers(security, secrets)


def sql_options(kafka: KafkaConfig) -> dict[str, str]:
    """The same as options of a table of the SQL connector."""
    return {f"properties.{name}": value for name, value in java_properties(kafka).items()}


def client_settings(kafka: KafkaConfig, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Settings for any client of kafka-python, secrets included: for the process that needs them, and never to be kept.

    Of ``kafka.properties`` those are taken that mean the same to any client.

    Args:
        kafka: what the configuration says.
        environment: where secrets are looked up; the process's own when None.

    Raises:
        UserError: a secret is not set, or the Java clients could not take it.
    """
    security = kafka.security
    settings: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap.split(","),
        "security_protocol": security.protocol,
    }
    if security.username is not None and security.password is not None:
        password = security.password.resolve(environment)
        if re.search(r'["\\\r\n]', password):
            raise UserError(
                f"the password in {security.password.name} has a quotation mark, a backslash or a line break in it, "
                "which Kafka's Java clients cannot be told; choose another one"
            )
        settings |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": password,
        }
    files = {
        "ssl_cafile": security.ca_file,
        "ssl_certfile": security.certificate_file,
        "ssl_keyfile": security.key_file,
    }
    settings |= {name: str(path) for name, path in files.items() if path is not None}
    if security.key_password is not None:
        settings["ssl_password"] = security.key_password.resolve(environment)
    properties = kafka.properties
    if security.protocol.endswith("SSL") and _CHECK_NAME in properties:
        settings["ssl_check_hostname"] = str(properties[_CHECK_NAME]).lower() not in ("", "none")
    if "client.id" in properties:
        settings["client_id"] = properties["client.id"]
    if re.fullmatch(r"[0-9]{1,9}", str(properties.get("request.timeout.ms", ""))):
        settings["request_timeout_ms"] = int(str(properties["request.timeout.ms"]))
    return settings


def _own_certificate(security: SecurityConfig) -> dict[str, str]:
    """Certificate and key by their content, which the client reads: as files, Java wants both in the same one."""
    certificate, key = security.certificate_file, security.key_file
    if certificate is None or key is None:
        return {}
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": f"${{directory:{certificate.parent}:{certificate.name}}}",
        "ssl.keystore.key": f"${{directory:{key.parent}:{key.name}}}",
    }


def _providers(security: SecurityConfig, secrets: list[Secret]) -> dict[str, str]:
    """The config providers that are needed, each for no more than it is needed for."""
    names, found = [], {}
    if secrets:
        names.append("env")
        found["config.providers.env.class"] = f"{_PROVIDER}.EnvVarConfigProvider"
        allowed = "|".join(sorted({secret.name for secret in secrets}))
        found["config.providers.env.param.allowlist.pattern"] = allowed
    if security.certificate_file is not None and security.key_file is not None:
        names.append("directory")
        found["config.providers.directory.class"] = f"{_PROVIDER}.DirectoryConfigProvider"
        folders = sorted({str(security.certificate_file.parent), str(security.key_file.parent)})
        found["config.providers.directory.param.allowed.paths"] = ",".join(folders)
    return {"config.providers": ",".join(names), **found} if names else {}
