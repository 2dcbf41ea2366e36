"""The connectors that jobs bring to Flink.

Flink takes them as ``pipeline.jars``, which has to be set before the environment is made: jars that are added later are
not seen by SQL.
"""

from __future__ import annotations

from pathlib import Path

from jobs.cluster_folder import distribution
from jobs.maven import jars

POM = Path(__file__).resolve().parent.parent / "conf" / "connectors" / "pom.xml"


def connector_jars() -> list[Path]:
    """The jars of ``conf/connectors/pom.xml``, each complete in itself; fetched at the first call on a machine.

    Raises:
        jobs.maven.MavenError: Maven is missing, or did not get them.
    """
    return jars(POM)


def pipeline_jars(embedded: bool = True) -> str:
    """The connectors as the value of ``pipeline.jars``.

    Args:
        embedded: the job runs in this process, which has Flink's classes of Python operators already. To a cluster they
            go with the job: ``flink run -py`` sees to it, but with this very setting, which ours replaces.
    """
    brought = connector_jars() if embedded else [*connector_jars(), _python_jar()]
    return ";".join(jar.as_uri() for jar in brought)


def _python_jar() -> Path:
    (jar,) = (distribution() / "opt").glob("flink-python-*.jar")
    return jar
