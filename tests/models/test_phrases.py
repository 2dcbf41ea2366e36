"""Templates are told to people by what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.phrases import message, phrases, plain_letters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INFO [<http>] c.a.web.Filter - [<uuid>] Completed with status <status>", "Completed with status <status>"),
        ("<web> sshd[<sshd>]: Accepted password for <user>", "Accepted password for <user>"),
        ("Goodbye from <ip> port <port>:<n>: by user", "Goodbye from <ip> port <port>:<n>: by user"),
        ("<thread> INFO dfs.DataNode$DataXceiver: Receiving block <block>", "Receiving block <block>"),
        ("a.log:<n> <pid> INFO nova.compute [<req> <t> - - -] [instance: <id>] Claim successful", "Claim successful"),
        ("INFO::<worker>:etl.loader:<batch>: <rows> rows read", "<rows> rows read"),
        ("INFO::main:etl.loader:finished <batch>", "finished <batch>"),
        ("INFO::<worker>:etl.loader:finished <batch>", "finished <batch>"),
        ("scheduler: job <job> submitted", "scheduler: job <job> submitted"),
        ("<order> shipped", "<order> shipped"),
        ("ERROR <code>", "ERROR <code>"),
        ("INFO dfs.FSNamesystem: BLOCK* NameSystem.allocateBlock: <path>", "BLOCK* NameSystem.allocateBlock: <path>"),
    ],
)  # fmt: skip
def test_a_message_begins_behind_the_header(text: str, said: str) -> None:
    assert message(text) == said


def test_pairs_are_told_by_the_constants_in_which_they_differ() -> None:
    logfmt = [
        r'ts=%{TIMESTAMP} level=info msg="order received" order_id=%{NOTSPACE:order_id}',
        r'ts=%{TIMESTAMP} level=warn msg="payment late" order_id=%{NOTSPACE:order_id} ok=false',
    ]
    assert phrases(logfmt) == ["order received", "payment late"]
    json_lines = [
        rf'\{{"time": "%{{TIMESTAMP}}", "logger": "pool", "message": "{said}", "id": "%{{NOTSPACE:id}}"\}}'
        for said in ("job queued", "job started")
    ]
    assert phrases(json_lines) == ["job queued", "job started"]


def test_a_request_is_told_without_what_came_of_it() -> None:
    groks = [rf'%{{IPV4:ip}} - - \[%{{TIMESTAMP}}\] "{way} HTTP/1\.1" %{{INT:n}}' for way in ("GET /a", "POST /b")]
    assert phrases(groks) == ["GET /a HTTP/1.1", "POST /b HTTP/1.1"]


def test_what_would_read_alike_tells_more_of_the_template() -> None:
    groks = [r"INFO app\.Main: done %{INT:n}", r"WARN app\.Main: done %{INT:n}", r"INFO app\.Main: begun %{INT:n}"]
    assert phrases(groks) == ["INFO app.Main: done <n>", "WARN app.Main: done <n>", "begun <n>"]


@given(st.lists(st.text(st.sampled_from("ab :-[]<>={}\"'.%\\Ωß1"), max_size=30), max_size=5))
def test_every_template_has_a_phrase_that_stands_in_it(texts: list[str]) -> None:
    assert len(phrases(texts)) == len(texts)
    assert all(text.endswith(message(text)) for text in texts)


def test_letters_lose_their_accents() -> None:
    assert plain_letters("Größe geöffnet ørsted 李 x") == "Grosse geoffnet orsted  x"
