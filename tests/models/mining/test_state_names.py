"""Names of states are short, unique and readable."""

from __future__ import annotations

import re

from models.mining.state_names import name_states, title


def test_names_are_the_first_words_of_the_message() -> None:
    groks = [
        r"%{INT:thread} INFO dfs\.DataNode\$DataXceiver: Receiving block %{NOTSPACE:block} src: /%{IPV4:ip}",
        r"ERROR \[main\] Payment failed: %{INT:order}",
        r"INFO dfs\.FSNamesystem: BLOCK\* NameSystem\.allocateBlock: %{NOTSPACE:path}",
    ]
    assert name_states(groks) == ["receiving_block_src", "payment_failed", "block_allocate_block"]
    assert title(groks[:1]) == "Receiving block src"


def test_alike_templates_get_the_words_in_which_they_differ() -> None:
    groks = [
        r"Responder %{INT:n} for block %{NOTSPACE:block} terminating",
        r"Responder %{INT:n} for block %{NOTSPACE:block} interrupted",
    ]
    assert name_states(groks) == ["responder_for_terminating", "responder_for_interrupted"]


def test_names_are_unique_and_valid_whatever_the_template() -> None:
    groks = ["%{INT:a}", "%{INT:a} %{INT:b}", "", "Done %{INT:a}", "Done %{INT:a} %{INT:b}", "x" * 90, r"\[a\] \(b\)"]
    names = name_states(groks)
    assert len(set(names)) == len(groks)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)
    assert title(["%{INT:a}"]) == "Transaction"
