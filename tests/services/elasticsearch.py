"""A real Elasticsearch node, started from the server's jars without its distribution.

What is in modules of their own is absent but for the HTTP server: ``GET /``, painless, reindex with update and delete
by query, data streams, index lifecycles, security.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import elasticsearch

from jobs.maven import jars
from tests.services.ports import HOST, answers
from tests.services.service import Service, ServiceError

POM = Path(__file__).with_name("pom.xml")
LAUNCHER = Path(__file__).with_name("ElasticsearchLauncher.java")

_HTTP = "transport-netty4"
_SERVER = "elasticsearch"
_SETTINGS = """\
cluster.name: {cluster}
node.name: node
discovery.type: single-node
network.host: {host}
http.port: {port}
transport.port: {inner_port}
# A nearly full disk is no reason to refuse documents here.
cluster.routing.allocation.disk.threshold_enabled: false
"""
_DESCRIPTOR = """\
name={name}
description=The HTTP server
version={version}
elasticsearch.version={version}
java.version=17
classname=org.elasticsearch.transport.netty4.Netty4Plugin
"""


class Elasticsearch(Service):
    """A running node."""

    name = "elasticsearch"
    standard_port = 9200
    standard_heap = "512m"

    @property
    def url(self) -> str:
        """Address of the REST API."""
        return f"http://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        return self.url

    def client(self, request_timeout: float = 30.0) -> elasticsearch.Elasticsearch:
        """A client of this node, to be closed by who asked for it."""
        return elasticsearch.Elasticsearch(self.url, request_timeout=request_timeout)

    @property
    def _cluster(self) -> str:
        return f"weirwatch-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}"

    def _prepare(self) -> None:
        server = jars(POM, _SERVER)
        version = next(jar.stem for jar in server if jar.parent.parent.name == _SERVER).removeprefix(f"{_SERVER}-")
        settings = _SETTINGS.format(cluster=self._cluster, host=HOST, port=self.port, inner_port=self.inner_port)
        module = self.folder / "modules" / _HTTP
        for folder in (self.folder / "config", self.folder / "plugins", module):
            folder.mkdir(parents=True)
        (self.folder / "config" / "elasticsearch.yml").write_text(settings)
        (module / "plugin-descriptor.properties").write_text(_DESCRIPTOR.format(name=_HTTP, version=version))
        # A module may not bring what the server has.
        for jar in set(jars(POM, f"{_SERVER}-http")) - set(server):
            (module / jar.name).symlink_to(jar)

    def _command(self) -> Sequence[str]:
        class_path = os.pathsep.join(map(str, jars(POM, _SERVER)))
        return [f"-Xms{self.heap}", "-Dlog4j2.level=warn", "-cp", class_path, str(LAUNCHER), str(self.folder)]

    def _check(self) -> None:
        # The client is told only of a port that is open: it would write of every attempt into the log of the tests.
        if not answers(self.port):
            raise ServiceError("nothing listens there")
        try:
            with self.client(request_timeout=10) as client:
                health = client.cluster.health(wait_for_status="yellow", timeout="5s")
        except (elasticsearch.ApiError, elasticsearch.TransportError) as error:
            raise ServiceError(f"no answer to a request: {error}") from error
        if health["cluster_name"] != self._cluster:
            raise ServiceError("another node answers there")
        if health["timed_out"]:
            raise ServiceError(f"the node's health is {health['status']}")


def start_elasticsearch(
    folder: Path, port: int | None = None, *, heap: str | None = None, stays: bool = False
) -> Elasticsearch:
    """Start a node in a folder and wait until it answers; see :meth:`Service.start`."""
    return Elasticsearch.start(folder, port, heap=heap, stays=stays)
