"""Checks of the live job's configuration that a schema cannot express: of its parts together, and of this machine."""

from __future__ import annotations

import base64
import codecs
import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jobs.checkers import checker_problems
from jobs.config import unreadable, unwritable
from jobs.live_settings import LONGEST_TRANSACTION_MS, LiveConfig
from jobs.settings_words import Place
from models.document import load_model
from models.errors import UserError

Problem = tuple[Place, str]

_OWN_KEYS = {
    "auto.offset.reset": "input.start",
    "bootstrap.servers": "kafka.bootstrap",
    "group.id": "input.group",
    "sasl.jaas.config": "kafka.security.username and password",
    "sasl.mechanism": "kafka.security.mechanism",
    "security.protocol": "kafka.security.protocol",
    "ssl.key.password": "kafka.security.key_password",
    "ssl.keystore.location": "kafka.security.certificate_file and key_file (PEM)",
    "ssl.truststore.location": "kafka.security.ca_file (PEM)",
    "transaction.timeout.ms": "output.kafka.transaction_timeout_ms",
    "transactional.id": "output.kafka.transaction_prefix",
}
_JOBS_OWN = re.compile(r"config\.providers(\..*)?|enable\.auto\.commit|.*serializer")
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_OLD_KEY = re.compile(r"-----BEGIN (RSA|EC|DSA) PRIVATE KEY" + "-----")


def crosswise(config: LiveConfig) -> list[Problem]:
    """What does not fit together."""
    return [
        *_topics(config),
        *_kafka(config),
        *_elasticsearch(config),
        *_models(config),
        *_control(config),
        *_times(config),
    ]


def on_this_machine(config: LiveConfig) -> list[Problem]:
    """What cannot be used here: files, folders, models. Files are to be found alike wherever the job runs."""
    security, elastic, control = config.kafka.security, config.output.elasticsearch, config.control
    problems: list[Problem] = []
    for key in ("ca_file", "certificate_file", "key_file"):
        problems += _pem(("kafka", "security", key), getattr(security, key))
    problems += _pem(("output", "elasticsearch", "ca_file"), elastic.ca_file if elastic else None)
    problems += _model_files(config)
    problems += checker_problems(config.checkers)
    store = config.models.store
    if store is not None and "://" not in store and not Path(store).is_dir():
        problems.append((("models", "store"), f"{store} is no folder; `weirwatch model push` makes one"))
    if control is not None and control.directory is not None:
        if not control.directory.is_dir():
            problems.append((("control", "directory"), f"{control.directory} is no folder; make it"))
        problems += _writable(("control", "replies"), Path(control.replies))
    folder = config.checkpoints.directory
    if folder is not None and folder.startswith("file:"):
        problems += _writable(("checkpoints", "directory"), Path(unquote(urlsplit(folder).path)))
    return problems


def warnings(config: LiveConfig, environment: Mapping[str, str] | None = None) -> list[str]:
    """What may be right, and often is not; a line each.

    Args:
        config: the configuration.
        environment: where secrets are looked for; the process's own when None.
    """
    told = [
        f"{key}: {secret.name} is not set in this environment; it has to be wherever the job runs"
        for key, secret in config.secrets().items()
        if not secret.is_set(environment)
    ]
    topics = config.output.kafka
    if topics is not None and topics.transaction_timeout_ms > LONGEST_TRANSACTION_MS:
        told.append(
            f"output.kafka.transaction_timeout_ms: brokers allow {LONGEST_TRANSACTION_MS} unless their "
            "transaction.max.timeout.ms says otherwise; raise that too"
        )
    if config.checkpoints.directory is None:
        told.append(
            "checkpoints.directory is absent: Flink's own setting counts, and without one the checkpoints are lost "
            "with the JobManager"
        )
    security = config.kafka.security
    if security.protocol == "SASL_PLAINTEXT" and security.mechanism == "PLAIN":
        told.append("kafka.security.protocol: the password crosses the network unencrypted; SASL_SSL encrypts it")
    if security.key_password is not None and security.key_file is not None and _locked_new(security.key_file):
        told.append(
            f"kafka.security.key_file: {security.key_file} is locked in a way (PBES2) that Java 17 cannot open; "
            "`openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES` locks it in one that any can"
        )
    elastic = config.output.elasticsearch
    if elastic is not None and (elastic.password or elastic.api_key) and elastic.url.startswith("http:"):
        told.append("output.elasticsearch.url: the login crosses the network unencrypted; https encrypts it")
    return told


def _topics(config: LiveConfig) -> Iterator[Problem]:
    """No topic may have two roles: the job would read what it writes, or take the one thing for the other."""
    roles = {topic: f"input.topics[{index}]" for index, topic in enumerate(config.input.topics)}
    for key, topic in config.topics().items():
        if topic in roles:
            loop = roles[topic].startswith("input.") or (key, roles[topic]) == ("control.replies", "control.topic")
            why = ": the job would read what it writes" if loop and key != "control.topic" else ""
            yield tuple(key.split(".")), f"{topic} is {roles[topic]} too{why}; name another topic"
        roles.setdefault(topic, key)
    replies = config.control.replies if config.control is not None and config.control.topic is not None else "x"
    if not re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}", replies):
        yield ("control", "replies"), f"{replies!r} is no name of a topic: letters, digits, '.', '_' and '-'"


def _kafka(config: LiveConfig) -> Iterator[Problem]:
    kafka, security = config.kafka, config.kafka.security
    place: Place = ("kafka", "security")
    if security.protocol.startswith("SASL"):
        if security.username is None:
            yield (*place, "protocol"), f"{security.protocol} needs a login; add username and password"
    elif security.username is not None:
        mend = "SASL_SSL or SASL_PLAINTEXT"
        yield (*place, "username"), f"there is a login, but protocol is {security.protocol}; set it to {mend}"
    if not security.protocol.endswith("SSL"):
        for key in ("ca_file", "certificate_file"):
            if getattr(security, key) is not None:
                yield (*place, key), f"TLS is off, as protocol is {security.protocol}; set it to SSL or SASL_SSL"
    for key in ("certificate_file", "key_file"):
        # The Java client is told of it as ${directory:FOLDER:NAME}.
        if re.search(r"[:}]", str(getattr(security, key) or "")):
            yield (*place, key), "Kafka's client cannot take a path with ':' or '}' here; name another"
    for name in kafka.properties:
        if name in _OWN_KEYS:
            yield ("kafka", "properties", name), f"remove it; {_OWN_KEYS[name]} says that"
        elif _JOBS_OWN.fullmatch(name):
            yield ("kafka", "properties", name), "remove it; the job sets it itself"
    for address in kafka.bootstrap.split(","):
        if not 0 < int(address.rpartition(":")[2]) < 65_536:
            yield ("kafka", "bootstrap"), f"{address!r} has no port from 1 to 65535"


def _elasticsearch(config: LiveConfig) -> Iterator[Problem]:
    addresses: list[tuple[Place, str]] = []
    if config.output.elasticsearch is not None:
        addresses.append((("output", "elasticsearch", "url"), config.output.elasticsearch.url))
    if config.models.store is not None and "://" in config.models.store:
        addresses.append((("models", "store"), config.models.store))
    for place, url in addresses:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            yield place, f"is no address ({error}); write it as https://host:9200"
            continue
        if parts.username is not None or parts.password is not None:
            mend = "write username and password" if place[0] == "output" else "set WEIRWATCH_ES_USERNAME and _PASSWORD"
            yield place, f"holds a user or password, which others could read; take it out and {mend}"
        elif parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            yield place, f"{url!r} is no address; write it as https://host:9200"


def _models(config: LiveConfig) -> Iterator[Problem]:
    models = config.models
    if not models.initial and config.control is None:
        yield ("models",), "there is no model and no control to bring one; add one to models.initial"
    seen: dict[object, int] = {}
    for index, model in enumerate(models.initial):
        key = "path" if model.path is not None else "id"
        what = model.path or model.id
        if model.id is not None and models.store is None:
            yield ("models", "initial", index, "id"), "an id means a model in a store; add models.store"
        if what in seen:
            yield ("models", "initial", index, key), f"the same as models.initial[{seen[what]}]; remove one"
        seen.setdefault(what, index)


def _control(config: LiveConfig) -> Iterator[Problem]:
    control = config.control
    if control is None or control.directory is None:
        return
    if Path(control.replies) == control.directory:
        yield ("control", "replies"), "is the control directory: the job would read what it writes; name another"
    elif control.directory in Path(control.replies).parents:
        yield ("control", "replies"), "lies within the control directory, which is read; name another"


def _times(config: LiveConfig) -> Iterator[Problem]:
    points, topics = config.checkpoints, config.output.kafka
    if points.timeout_ms < points.interval_ms:
        mend = f"with interval_ms {points.interval_ms}, write as much at least"
        yield (
            ("checkpoints", "timeout_ms"),
            f"{points.timeout_ms} gives checkpoints less time than lies between; {mend}",
        )
    longest = points.interval_ms + points.timeout_ms
    if topics is not None and topics.transaction_timeout_ms <= longest:
        yield (
            ("output", "kafka", "transaction_timeout_ms"),
            f"{topics.transaction_timeout_ms} is not more than checkpoints.interval_ms + timeout_ms = {longest}: a "
            "transaction stays open as long, and the broker would end it; raise this, or lower those",
        )
    if config.heartbeat.enabled and config.heartbeat.idle_ms >= config.source.timeout_ms:
        yield (
            ("heartbeat", "idle_ms"),
            f"{config.heartbeat.idle_ms} is not less than source.timeout_ms {config.source.timeout_ms}: sources would "
            "be gone before their clocks go on; lower this, or raise that",
        )
    if config.shards < config.parallelism:
        yield ("shards",), f"{config.shards} is less than parallelism {config.parallelism}: subtasks would have no work"
    try:
        codecs.lookup(config.input.encoding)
    except LookupError:
        wrong = f"Python knows no encoding {config.input.encoding!r}; try utf-8, latin-1 or cp1252"
        yield ("input", "encoding"), wrong


def _pem(place: Place, path: Path | None) -> Iterator[Problem]:
    if path is None:
        return
    wrong = unreadable(path)
    if wrong:
        yield place, wrong
        return
    text = path.read_bytes()[:1_000_000].decode("ascii", "replace")
    if "-----BEGIN " not in text:
        yield place, f"{path} is not in PEM form (-----BEGIN …); openssl converts it"
    elif place[-1] == "key_file" and _OLD_KEY.search(text):
        yield place, f"{path} is no PKCS#8 key, and Java reads no other; `openssl pkcs8 -topk8` converts it"


def _locked_new(key: Path) -> bool:
    """Whether a private key is encrypted by PBES2, which stands near its beginning."""
    with contextlib.suppress(OSError, ValueError):
        body = key.read_text(encoding="ascii").partition("ENCRYPTED PRIVATE KEY-----")[2]
        return _PBES2 in base64.b64decode("".join(body.split()[:1]))
    return False


def _model_files(config: LiveConfig) -> Iterator[Problem]:
    ids: dict[str, int] = {}
    for index, model in enumerate(config.models.initial):
        place: Place = ("models", "initial", index, "path")
        if model.path is None:
            found = str(model.id)
        elif wrong := unreadable(model.path):
            yield place, f"{wrong}; `weirwatch learn` writes one"
            continue
        else:
            try:
                found = load_model(model.path).id
            except UserError as error:
                yield place, " ".join(str(error).split())
                continue
        if found in ids:
            yield (
                place if model.path else (*place[:-1], "id"),
                (f"is model {found}, as models.initial[{ids[found]}] is; give one of them another id"),
            )
        ids.setdefault(found, index)


def _writable(place: Place, folder: Path) -> Iterator[Problem]:
    wrong = unwritable(folder)
    if wrong:
        yield place, wrong
