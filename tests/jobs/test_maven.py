"""Jars are asked of Maven once; a stand-in plays Maven, and counts how often it is asked."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from jobs.connectors import connector_jars, pipeline_jars
from jobs.maven import MavenError, jars

MAVEN = """\
#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "asked", "a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\\n")
if (here / "fails").exists():
    sys.exit("[ERROR] no such jar")
answer = next(a for a in sys.argv if a.startswith("-Dmdep.outputFile=")).split("=")[1]
pathlib.Path(answer).write_text((here / "answer").read_text())
"""


@pytest.fixture
def maven(tmp_path, monkeypatch) -> Path:
    """The folder of a Maven that knows two jars."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mvn").write_text(MAVEN.format(python=sys.executable))
    (folder / "mvn").chmod(0o755)
    for name in ("a.jar", "b.jar"):
        (folder / name).touch()
    (folder / "answer").write_text(f"{folder / 'a.jar'}:{folder / 'b.jar'}\n")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def pom(tmp_path) -> Path:
    path = tmp_path / "pom.xml"
    path.write_text("<project/>")
    return path


def asked(maven) -> list[str]:
    return (maven / "asked").read_text().splitlines()


def test_maven_is_asked_once(maven, pom):
    for _ in range(3):
        assert jars(pom) == [maven / "a.jar", maven / "b.jar"]
    assert len(asked(maven)) == 1
    assert f"--file {pom} dependency:build-classpath" in asked(maven)[0]


def test_maven_is_asked_again_for_another_profile_or_other_coordinates(maven, pom):
    jars(pom)
    jars(pom, "kafka")
    pom.write_text("<project></project>")
    jars(pom)
    assert [("--activate-profiles kafka" in line) for line in asked(maven)] == [False, True, False]


def test_maven_is_asked_again_when_a_jar_is_gone(maven, pom):
    jars(pom)
    (maven / "b.jar").unlink()
    (maven / "answer").write_text(str(maven / "a.jar"))
    assert jars(pom) == [maven / "a.jar"]


def test_a_folder_that_cannot_be_written_costs_only_time(maven, pom, tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    for _ in range(2):
        assert len(jars(pom)) == 2
    assert len(asked(maven)) == 2


def test_what_maven_says_is_in_the_error_and_not_remembered(maven, pom):
    (maven / "fails").touch()
    with pytest.raises(MavenError, match="no such jar"):
        jars(pom)
    (maven / "fails").unlink()
    assert len(jars(pom)) == 2


def test_a_pom_without_jars_is_an_error(maven, pom):
    (maven / "answer").write_text("\n")
    with pytest.raises(MavenError, match=r"pom\.xml asks for no jar in profile kafka"):
        jars(pom, "kafka")


def test_without_maven_the_error_says_how_to_get_it(pom, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(MavenError, match="apt-get install maven"):
        jars(pom)


def test_the_kafka_connector_is_one_complete_jar_but_for_what_messages_are_compressed_with():
    connector, *others = connector_jars()
    assert pipeline_jars(embedded=True) == ";".join(jar.as_uri() for jar in (connector, *others))
    assert [jar.parent.parent.name for jar in others] == ["zstd-jni", "lz4-java"]
    with zipfile.ZipFile(connector) as archive:
        names = set(archive.namelist())
    services = "META-INF/services/org.apache.flink.table.factories.Factory"
    assert {"org/apache/flink/connector/kafka/sink/KafkaSink.class", services} <= names
    assert any(name.endswith("shaded/org/apache/kafka/clients/producer/KafkaProducer.class") for name in names)
