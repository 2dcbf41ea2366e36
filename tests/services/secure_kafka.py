"""A real Kafka broker that wants a login on one port, and certificates on another; its usual port stays open to all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.services.kafka import Kafka
from tests.services.ports import HOST, free_port

USER = "weirwatch"
PASSWORD = "let-me-in-please"  # of this test's own broker, which lives as long as the test

_LISTENERS = """
listeners={open},LOGIN://{host}:{login_port},TLS://{host}:{tls_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL
listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config={plain} required user_{user}="{password}";
listener.name.login.scram-sha-512.sasl.jaas.config={scram} required;
listener.name.tls.ssl.client.auth=required
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={folder}/certificates/broker.pem
listener.name.tls.ssl.truststore.type=PEM
listener.name.tls.ssl.truststore.location={folder}/certificates/ca.pem
"""


class SecureKafka(Kafka):
    """A running broker.

    Attributes:
        login_port: SASL_PLAINTEXT; PLAIN and SCRAM-SHA-512 as :data:`USER` with :data:`PASSWORD`.
        tls_port: SSL; it wants a certificate of the authority ``ca.pem``.
    """

    def __init__(self, folder: Path, port: int, inner_port: int, heap: str, stays: bool = True) -> None:
        super().__init__(folder, port, inner_port, heap, stays)
        note = self.folder / "ports.json"
        ports = json.loads(note.read_text()) if note.is_file() else [free_port(), free_port()]
        self.login_port, self.tls_port = int(ports[0]), int(ports[1])

    @property
    def certificates(self) -> Path:
        """The folder with ``ca.pem``, and of a client ``client.pem`` and ``client.key`` (PKCS#8, no password)."""
        return self.folder / "certificates"

    def _settings(self) -> str:
        (self.folder / "ports.json").write_text(json.dumps([self.login_port, self.tls_port]))
        make_certificates(self.certificates)
        settings = super()._settings()
        found = re.search(r"^listeners=(.*)\n", settings, re.MULTILINE)
        assert found
        more = _LISTENERS.format(
            open=found[1],
            host=HOST,
            login_port=self.login_port,
            tls_port=self.tls_port,
            plain="org.apache.kafka.common.security.plain.PlainLoginModule",
            scram="org.apache.kafka.common.security.scram.ScramLoginModule",
            user=USER,
            password=PASSWORD,
            folder=self.folder,
        )
        return settings.replace(found[0], more)

    def _format_options(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]


def make_certificates(folder: Path) -> None:
    """Make a folder with an authority (``ca.pem``), a broker's certificate and key (``broker.pem``), and a client's."""
    folder.mkdir(parents=True)
    _openssl(folder, ["req", "-x509", *_new_key("ca"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority"])
    for name in ("broker", "client"):
        _openssl(folder, ["req", *_new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}"])
        (folder / "names").write_text(f"subjectAltName=IP:{HOST}")
        signed_by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        _openssl(folder, ["x509", "-req", "-in", f"{name}.csr", *signed_by, "-out", f"{name}.pem"])
    with (folder / "broker.pem").open("a") as both:
        both.write((folder / "broker.key").read_text())


def _new_key(name: str) -> list[str]:
    return ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"]


def _openssl(folder: Path, arguments: Sequence[str]) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
