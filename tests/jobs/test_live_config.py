import dataclasses
import json

from jobs import live_settings
from jobs.config import EvidenceConfig
from jobs.live_config import SCHEMA, is_live, load_live_config
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
from models.checkers.spec import CheckerSpec
from models.envelopes import EnvelopePaths
from tests.jobs.live_example import SMALL, WHOLE, problems_of


def test_a_small_file_gets_the_defaults_and_paths_relative_to_its_folder(write, tmp_path):
    assert load_live_config(write(SMALL), {}) == LiveConfig(
        kafka=KafkaConfig("localhost:9092"),
        input=InputConfig(("logs",)),
        models=ModelsConfig(initial=(InitialModel(tmp_path / "model.json"),)),
        output=LiveOutputConfig(kafka=KafkaOutputConfig("found", "dead")),
    )


def test_every_value_is_taken_from_the_file(write, tmp_path):
    assert load_live_config(write(WHOLE), {}) == LiveConfig(
        kafka=KafkaConfig(
            "a:1,b:2",
            SecurityConfig(
                "SASL_SSL",
                "SCRAM-SHA-512",
                "me",
                Secret("KAFKA_PASSWORD"),
                tmp_path / "ca.pem",
                tmp_path / "own.pem",
                tmp_path / "own.key",
                Secret("KEY_PASSWORD"),
            ),
            {"client.id": "weir", "max.poll.records": "5", "check.crcs": "true", "ssl.some.password": Secret("OTHER")},
        ),
        input=InputConfig(
            ("one", "two"),
            "envelope",
            "from",
            "committed",
            "watchers",
            "latin-1",
            EnvelopePaths(("a.b",), ("t",), ("m", "n")),
        ),
        models=ModelsConfig(
            str(tmp_path / "store"),
            (
                InitialModel(tmp_path / "model.json", sources=("a*", "b")),
                InitialModel(id="shop", version=3),
                InitialModel(id="bank"),
            ),
        ),
        control=ControlConfig("replies", "control"),
        output=LiveOutputConfig(
            ElasticsearchConfig(
                "https://es:9200",
                "weir",
                None,
                "me",
                Secret("ES_PASSWORD"),
                tmp_path.parent / "es.pem",
                "ilm",
                10,
                20,
                30,
            ),
            KafkaOutputConfig("found", "dead", "w", 50000),
        ),
        dead_letters=DeadLettersConfig(1.0, 2, 3),
        heartbeat=HeartbeatConfig(False, 500),
        source=SourcePolicy(4000),
        checkpoints=CheckpointsConfig((tmp_path / "points").as_uri(), 600, 7000),
        state="rocksdb",
        parallelism=2,
        shards=8,
        batch_size=9,
        batch_ms=10,
        lateness_ms=11,
        max_leap_ms=12,
        max_line_bytes=1300,
        multiline_wait_ms=14,
        evidence=EvidenceConfig(15, 16),
        latency_interval_ms=17,
    )


def test_the_example_is_valid_and_states_the_defaults(repo_root):
    config = load_live_config(repo_root / "conf/live.yaml", {})
    assert config.kafka.bootstrap == "localhost:9092"
    assert config.models.initial == (InitialModel(repo_root / ".run/demo/model.json"),)
    elastic, topics = config.output.elasticsearch, config.output.kafka
    assert elastic == ElasticsearchConfig("http://localhost:9200")
    assert topics is not None
    assert topics == KafkaOutputConfig(topics.anomalies, topics.dead_letters)
    assert config == LiveConfig(
        kafka=KafkaConfig("localhost:9092"),
        input=InputConfig(config.input.topics),
        models=config.models,
        control=config.control,
        output=config.output,
        checkpoints=CheckpointsConfig(config.checkpoints.directory),
    )


def test_what_is_commented_out_in_the_example_is_valid_too(repo_root, write):
    text = (repo_root / "conf/live.yaml").read_text()
    lines = text.splitlines()
    for first, last in (
        ("# security:", "client.id"),
        ("# envelope:", "message:"),
        ("# store:", "sources:"),
        ("# checkers:", "max_failures:"),
    ):
        begin = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
        end = next(i for i in range(begin, len(lines)) if last in lines[i])
        lines[begin : end + 1] = [line.replace("# ", "", 1) for line in lines[begin : end + 1]]
    config = load_live_config(write("\n".join(lines).replace("path: ../.run", "path: x")), {})
    assert config.kafka.security.password == Secret("KAFKA_PASSWORD")
    assert config.kafka.properties == {"client.id": "weirwatch"}
    assert config.input.envelope.message == ("message",)
    assert config.models.store == "http://localhost:9200"
    assert config.models.initial[1] == InitialModel(id="shop", version=3, sources=("shop-*.log",))
    assert config.checkers == (CheckerSpec("payment-limit", "large-payments", '{"limit": 1000}', ("shop-*.log",), 10),)


def test_schema_and_dataclasses_agree_on_keys_and_defaults():
    schema = json.loads(SCHEMA.read_text())

    def compare(properties, kind, place):
        fields = {field.name: field for field in dataclasses.fields(kind)}
        assert set(properties) == set(fields), place
        for name, field in fields.items():
            if field.default not in (dataclasses.MISSING, None):
                default = properties[name]["default"]
                assert (tuple(default) if isinstance(default, list) else default) == field.default, (place, name)
            elif field.default is None or field.default_factory is dataclasses.MISSING:
                assert "default" not in properties[name], (place, name)

    top = schema["properties"]
    output, models = top["output"]["properties"], top["models"]["properties"]
    checkers = top["checkers"]["items"]["properties"]
    kafka, read = top["kafka"]["properties"], top["input"]["properties"]
    for properties, kind in (
        (top, LiveConfig),
        (kafka, KafkaConfig),
        (kafka["security"]["properties"], SecurityConfig),
        (read, InputConfig),
        (read["envelope"]["properties"], EnvelopePaths),
        (models, ModelsConfig),
        (models["initial"]["items"]["properties"], InitialModel),
        (top["control"]["properties"], ControlConfig),
        (output, LiveOutputConfig),
        (output["elasticsearch"]["properties"], ElasticsearchConfig),
        (output["kafka"]["properties"], KafkaOutputConfig),
        (top["dead_letters"]["properties"], DeadLettersConfig),
        (top["heartbeat"]["properties"], HeartbeatConfig),
        (top["source"]["properties"], SourcePolicy),
        (top["checkpoints"]["properties"], CheckpointsConfig),
        (top["evidence"]["properties"], EvidenceConfig),
        (checkers | {"settings": {"default": "{}"}}, CheckerSpec),  # kept as JSON
    ):
        compare(properties, kind, kind.__name__)
    kinds = [kind for kind in vars(live_settings).values() if dataclasses.is_dataclass(kind)]
    assert len(kinds) == 18, "each of them is compared above; Secret has no keys of its own"


def test_every_key_has_a_description():
    def walk(schema, place):
        for name, value in schema.get("properties", {}).items():
            assert value.get("description"), f"{place}.{name}"
            walk(value, f"{place}.{name}")
            walk(value.get("items", {}), f"{place}.{name}[]")

    walk(json.loads(SCHEMA.read_text()), "")


def test_other_variables_are_put_in(write):
    text = SMALL.replace('"localhost:9092"', '"${BROKERS}"').replace("[logs]", '["${TOPIC}"]')
    config = load_live_config(write(text), {"BROKERS": "a:1", "TOPIC": "t"})
    assert (config.kafka.bootstrap, config.input.topics) == ("a:1", ("t",))


def test_a_variable_within_braces_without_quotes_gets_a_hint(write):
    assert problems_of(write("kafka: {bootstrap: ${X}}\n")) == [
        ", line 1: not valid YAML: expected ',' or '}', but got '{'; within braces or brackets, a variable has to be "
        'quoted, as in "${NAME}"'
    ]


def test_a_checkpoint_directory_elsewhere_is_left_as_it_is(write):
    config = load_live_config(write(SMALL + "checkpoints: {directory: 's3://bucket/points'}\n"), {})
    assert config.checkpoints.directory == "s3://bucket/points"


def test_the_kind_of_a_configuration_is_told_by_its_keys(write, repo_root, tmp_path):
    assert is_live(write(SMALL))
    assert is_live(write("input: {}\n"))
    assert not is_live(repo_root / "conf/detect.yaml")
    assert not is_live(write("- kafka\n"))
    assert not is_live(write("kafka: ["))
    assert not is_live(tmp_path / "none.yaml")
