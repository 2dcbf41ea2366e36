import pytest

from jobs.live_config import is_secret, load_live_config
from jobs.secret import Secret
from tests.jobs.live_example import SMALL, WHOLE, problems_of


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (
            "security: {username: me}",
            "security: there is username but no password; add password, or remove username",
        ),
        (
            "security: {protocol: SASL_SSL}",
            "security.protocol: SASL_SSL needs a login; add username and password",
        ),
        (
            "security: {protocol: sasl_ssl}",
            "security.protocol: 'sasl_ssl' is not known here; did you mean SASL_SSL?",
        ),
        (
            'security: {username: me, password: "${P}"}',
            ("security.username: there is a login, but protocol is PLAINTEXT; set it to SASL_SSL or SASL_PLAINTEXT"),
        ),
        (
            "security: {ca_file: ca.pem}",
            "security.ca_file: TLS is off, as protocol is PLAINTEXT; set it to SSL or SASL_SSL",
        ),
        (
            "security: {protocol: SSL, key_file: k}",
            "security: there is key_file but no certificate_file; add certificate_file, or remove key_file",
        ),
        (
            "security: {protocol: SSL, certificate_file: c, key_file: 'a:b'}",
            "security.key_file: Kafka's client cannot take a path with ':' or '}' here; name another",
        ),
        (
            "properties: {security.protocol: SSL}",
            "properties.security.protocol: remove it; kafka.security.protocol says that",
        ),
        (
            'properties: {sasl.jaas.config: "${JAAS}"}',
            "properties.sasl.jaas.config: remove it; kafka.security.username and password says that",
        ),
        (
            "properties: {config.providers: env}",
            "properties.config.providers: remove it; the job sets it itself",
        ),
        (
            "properties: {client.id: [a]}",
            "properties.client.id: ['a'] is not a text, a whole number, a number or true or false",
        ),
    ],
)
def test_security_that_does_not_fit_together_is_named(write, inside, expected):
    text = SMALL.replace('"localhost:9092"}', f'"localhost:9092",\n  {inside}}}')
    assert problems_of(write(text)) == [f", line 2: kafka.{expected}"]


@pytest.mark.parametrize(
    "line",
    [
        "kafka: {bootstrap: 'a:1', security: {username: me, password: hunter2}}",
        "kafka: {bootstrap: 'a:1', security: {username: me, password: 'x${HUNTER}hunter2'}}",
        "kafka: {bootstrap: 'a:1', security: {username: me, password: [hunter2]}}",
        "kafka: {bootstrap: 'a:1', security: {key_password: {hunter2: hunter2}}}",
        "kafka: {bootstrap: 'a:1', properties: {sasl.jaas.config: 'x required password=hunter2'}}",
        "kafka: {bootstrap: 'a:1', properties: {ssl.keystore.key: hunter2}}",
        "kafka: {bootstrap: &x hunter2, security: {password: *x}}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(write, line):
    (problem,) = problems_of(write(f"{line}\n{SMALL.partition(chr(10))[2]}"))
    assert problem.endswith(
        "write it as ${NAME}, with the environment variable that holds it: what stands here is for many to read"
    )
    assert "hunter2" not in problem


def test_a_secret_is_not_put_in_though_it_is_set(write):
    config = load_live_config(write(WHOLE), {"KAFKA_PASSWORD": "hunter2", "OTHER": "hunter3"})
    assert "hunter" not in repr(config)
    assert config.secrets() == {
        "kafka.security.password": Secret("KAFKA_PASSWORD"),
        "kafka.security.key_password": Secret("KEY_PASSWORD"),
        "kafka.properties.ssl.some.password": Secret("OTHER"),
        "output.elasticsearch.password": Secret("ES_PASSWORD"),
    }


@pytest.mark.parametrize(
    ("elastic", "expected"),
    [
        (
            "{url: 'https://me:hunter2@es'}",
            ("url: holds a user or password, which others could read; take it out and write username and password"),
        ),
        (
            "{url: 'es:9200'}",
            "url: 'es:9200' is no address; write it as https://host:9200",
        ),
        (
            "{url: 'http://es:port'}",
            ("url: is no address (Port could not be cast to integer value as 'port'); write it as https://host:9200"),
        ),
        (
            "{url: 'http://es', prefix: Weir}",
            (
                "prefix: 'Weir' is no beginning of index names: lower-case letters, digits, '-', '_' and '.', "
                "as in weirwatch"
            ),
        ),
        (
            "{url: 'http://es', api_key: '${K}', username: me, password: '${P}'}",
            "there are both api_key and username; remove one",
        ),
        (
            "{url: 'http://es', password: '${P}'}",
            "there is password but no username; add username, or remove password",
        ),
    ],
)
def test_an_output_that_cannot_be_is_named(write, elastic, expected):
    (problem,) = problems_of(
        write(SMALL.replace("{kafka: {anomalies: found, dead_letters: dead}}", f"{{elasticsearch: {elastic}}}"))
    )
    dot = "." if expected.partition(":")[0] in ("url", "prefix") else ": "
    assert problem == f", line 4: output.elasticsearch{dot}{expected}"


def test_secrets_are_told_by_their_places():
    assert is_secret(("output", "elasticsearch", "api_key"))
    assert is_secret(("kafka", "properties", "sasl.oauthbearer.client.credentials.client.secret"))
    assert not is_secret(("kafka", "properties", "key.name"))
    assert not is_secret(("kafka", "security", "username"))


def test_a_secret_is_looked_up_where_it_is_needed():
    secret = Secret.parse("${X_1}")
    assert secret.resolve({"X_1": "hunter2"}) == "hunter2"
    assert "hunter2" not in f"{secret!r}{secret}"
    for environment in ({}, {"X_1": ""}):
        with pytest.raises(Exception, match="environment variable X_1 is not set; set it wherever the job runs"):
            secret.resolve(environment)
