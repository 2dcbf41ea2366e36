"""The connectors that jobs bring to Flink.

Flink takes them as ``pipeline.jars``, which has to be set before the environment is made: jars that are added later are
not seen by SQL.
"""

from __future__ import annotations

from pathlib import Path

from jobs.maven import jars

POM = Path(__file__).resolve().parent.parent / "conf" / "connectors" / "pom.xml"


def connector_jars() -> list[Path]:
    """The jars of ``conf/connectors/pom.xml``, each complete in itself; fetched at the first call on a machine.

    Raises:
        jobs.maven.MavenError: Maven is missing, or did not get them.
    """
    return jars(POM)


def pipeline_jars() -> str:
    """The connectors as the value of ``pipeline.jars``."""
    return ";".join(jar.as_uri() for jar in connector_jars())
