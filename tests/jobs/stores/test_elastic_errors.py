"""A server that cannot be reached, refuses, or is none: one line that says what and how to mend it, and no secret."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.stores import elastic_client
from jobs.stores.base import StoreError
from jobs.stores.credentials import Credentials
from jobs.stores.elastic import ElasticsearchStore
from tests.jobs.stores.examples import model

SECRET = "s3cret-Value"
WHO = Credentials(username="bob", password=SECRET)


@contextmanager
def server(status, body=b"", kind="application/json", product=True, context=None):
    """The address of a server that answers everything in one way; gives its requests too."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append(dict(self.headers))
            self.send_response(status)
            if product:
                self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{running.server_port}", requests
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def problem(reason):
    return json.dumps({"error": {"type": "x", "reason": reason, "root_cause": []}, "status": 0}).encode()


def told(address, credentials=WHO):
    """The one error of every method."""
    store = ElasticsearchStore(address, credentials)
    asked = (
        store.heads,
        lambda: store.get("hdfs"),
        lambda: store.history("hdfs"),
        lambda: store.push(model()),
        lambda: store.rollback("hdfs", 1),
        lambda: store.delete("hdfs"),
    )
    messages = set()
    for ask in asked:
        with pytest.raises(StoreError) as error:
            ask()
        messages.add(str(error.value))
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__
    (message,) = messages
    assert "\n" not in message
    assert SECRET not in message
    assert message.startswith(address)
    return message.removeprefix(address)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, problem("missing authentication"), ": refuses the credentials (401); check user and password"),
        (
            403,
            problem("action [x] is unauthorized\nfor user [bob]"),
            "may not do this (403): action [x] is unauthorized for",
        ),
        (413, b"", "the model is too large for it (413)"),
        (429, problem("too many"), "cannot serve this now (429): too many; try again later"),
        (503, problem("no master"), "cannot serve this now (503): no master; try again later"),
        (500, problem("y" * 900), f"refuses (500): {'y' * 200}…"),
        (400, b'{"error": "odd"}', "refuses (400): odd"),
    ],
)
def test_a_refusal_says_what_to_do(status, body, message):
    with server(status, body) as (address, _):
        assert message in told(address)


def test_without_credentials_a_401_asks_for_them():
    with server(401) as (address, _):
        assert "wants credentials (401); give a user and password, or an API key" in told(address, Credentials())


@pytest.mark.parametrize("status", [200, 404, 409])
def test_another_web_server_is_told(status):
    with server(status, b"{}", product=False) as (address, _):
        assert told(address) == ": answers, but is no Elasticsearch 8; check the address"


def test_an_answer_that_is_no_json_is_told():
    with server(200, b"<html>", "application/json") as (address, _):
        assert "answers, but not in JSON" in told(address)


def test_nobody_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert told(address) == ": does not answer (Connection refused); is it up, and is the address right?"


def test_a_server_that_never_answers_is_told(monkeypatch):
    monkeypatch.setattr(elastic_client, "REQUEST_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert "did not answer within" in told(f"http://127.0.0.1:{listener.getsockname()[1]}")


def test_an_unknown_host_is_told():
    assert ": does not answer (" in told("http://no-such-host.invalid:9200")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, and its key, made for this run."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_certificate_that_is_not_trusted_is_told_with_the_option_that_mends_it(tls):
    with server(200, b"{}", context=tls) as (address, requests):
        message = told(address)
        assert "its certificate is not trusted (self-signed certificate); name the certificate" in message
        assert "--ca-file" in message
        assert requests == []  # nothing, and so no password, was sent


def test_with_the_authority_named_the_connection_stands_and_sends_the_credentials(tls, certificate):
    answer = json.dumps({"hits": {"hits": []}}).encode()
    with server(200, answer, context=tls) as (address, requests):
        for who, start in (
            (Credentials(username="bob", password="x", ca_file=str(certificate[0])), "Basic "),
            (Credentials(api_key="abc", ca_file=str(certificate[0])), "ApiKey abc"),
        ):
            assert ElasticsearchStore(address, who).heads() == []
            assert requests[-1]["authorization"].startswith(start)


def test_http_and_https_mixed_up_are_told(tls):
    with server(200, b"{}") as (address, _):
        assert "does not speak TLS; is its address http:// instead?" in told(address.replace("http:", "https:"))
    with server(200, b"{}", context=tls) as (address, _):
        assert "is its address https:// instead?" in told(address.replace("https:", "http:"))


def test_certificates_that_are_none_are_told(tmp_path):
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(StoreError, match=r"the certificates in .*ca\.pem cannot be used"):
        ElasticsearchStore("https://127.0.0.1:9200", Credentials(ca_file=str(tmp_path / "ca.pem")))
