from pathlib import Path

import pytest

from jobs.kafka_properties import client_settings, java_properties, sql_options
from jobs.live_settings import KafkaConfig, SecurityConfig
from jobs.secret import Secret
from models.errors import UserError

SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
LOGIN = SecurityConfig("SASL_SSL", "PLAIN", 'O\'Neil "\\"', Secret("PASSWORD"))
FILES = SecurityConfig(
    "SSL",
    ca_file=Path("/etc/ca.pem"),
    certificate_file=Path("/etc/own/own.pem"),
    key_file=Path("/run/secrets/own.key"),
    key_password=Secret("KEY_PASSWORD"),
)


def test_without_security_the_java_client_is_told_of_the_brokers_and_what_the_user_adds():
    kafka = KafkaConfig("a:1,b:2", properties={"client.id": "weir"})
    wanted = {"bootstrap.servers": "a:1,b:2", "security.protocol": "PLAINTEXT", "client.id": "weir"}
    assert java_properties(kafka) == wanted
    assert sql_options(kafka) == {f"properties.{name}": value for name, value in wanted.items()}


def test_a_login_names_the_variable_that_the_client_looks_up_and_no_other_may_be():
    found = java_properties(KafkaConfig("a:1", LOGIN))
    assert found == {
        "bootstrap.servers": "a:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f"{SHADED}.security.plain.PlainLoginModule required "
        'username="O\'Neil \\"\\\\\\"" password="${env:PASSWORD}";',
        "config.providers": "env",
        "config.providers.env.class": f"{SHADED}.config.provider.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "PASSWORD",
    }


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_has_a_login_module_of_its_own(mechanism):
    found = java_properties(KafkaConfig("a:1", SecurityConfig("SASL_SSL", mechanism, "me", Secret("P"))))
    assert found["sasl.mechanism"] == mechanism
    assert found["sasl.jaas.config"].startswith(f"{SHADED}.security.scram.ScramLoginModule required ")


def test_certificate_and_key_are_read_by_the_client_from_their_folders():
    assert java_properties(KafkaConfig("a:1", FILES)) == {
        "bootstrap.servers": "a:1",
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/ca.pem",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "${directory:/etc/own:own.pem}",
        "ssl.keystore.key": "${directory:/run/secrets:own.key}",
        "ssl.key.password": "${env:KEY_PASSWORD}",
        "config.providers": "env,directory",
        "config.providers.env.class": f"{SHADED}.config.provider.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "KEY_PASSWORD",
        "config.providers.directory.class": f"{SHADED}.config.provider.DirectoryConfigProvider",
        "config.providers.directory.param.allowed.paths": "/etc/own,/run/secrets",
    }


def test_a_secret_property_is_looked_up_as_well():
    found = java_properties(KafkaConfig("a:1", LOGIN, {"ssl.some.password": Secret("OTHER")}))
    assert found["ssl.some.password"] == "${env:OTHER}"
    assert found["config.providers.env.param.allowlist.pattern"] == "OTHER|PASSWORD"


def test_kafka_python_gets_the_same_with_the_secrets():
    properties = {"client.id": "weir", "request.timeout.ms": "5000", "max.poll.records": "5"}
    assert client_settings(KafkaConfig("a:1,b:2", LOGIN, properties), {"PASSWORD": "hunter2"}) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": 'O\'Neil "\\"',
        "sasl_plain_password": "hunter2",
        "client_id": "weir",
        "request_timeout_ms": 5000,
    }
    check = {"ssl.endpoint.identification.algorithm": ""}
    assert client_settings(KafkaConfig("a:1", FILES, check), {"KEY_PASSWORD": "hunter3"}) == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "SSL",
        "ssl_cafile": "/etc/ca.pem",
        "ssl_certfile": "/etc/own/own.pem",
        "ssl_keyfile": "/run/secrets/own.key",
        "ssl_password": "hunter3",
        "ssl_check_hostname": False,
    }


def test_a_secret_that_is_not_set_is_named():
    with pytest.raises(UserError, match="environment variable PASSWORD is not set"):
        client_settings(KafkaConfig("a:1", LOGIN), {})


@pytest.mark.parametrize("password", ['a"b', "a\\b", "a\nb"])
def test_a_password_that_java_cannot_be_told_is_refused_and_not_shown(password):
    with pytest.raises(UserError, match="the password in PASSWORD has a quotation mark") as caught:
        client_settings(KafkaConfig("a:1", LOGIN), {"PASSWORD": password})
    assert password not in str(caught.value)
