import random

import pytest

from models.mining.masking import VARIABLE, tokenise
from models.mining.merging import MergeSettings, merge_signatures

SETTINGS = MergeSettings()
NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "linda"]


def merge(contents, count=1):
    """The pattern of each content, words joined, variables as ``*``."""
    signatures = [tuple(tokenise(content).keys) for content in contents]
    patterns = merge_signatures(dict.fromkeys(signatures, count), SETTINGS)
    return ["".join("*" if key[0] == "\0" else key for key in patterns[signature]) for signature in signatures]


def test_many_words_in_one_place_are_a_variable():
    assert set(merge([f"session opened for {name}" for name in NAMES])) == {"session opened for *"}


def test_two_words_in_one_place_are_a_flag():
    assert len(set(merge(["link is up", "link is down"]))) == 2


def test_a_handful_of_words_is_a_variable_in_few_lines_and_a_state_in_millions():
    contents = [f"machine was {state} again" for state in ("started", "stopped", "paused", "resumed")]
    assert len(set(merge(contents))) == 1
    assert len(set(merge(contents, count=1_000_000))) == 4


def test_words_that_vary_together_merge():
    others = NAMES[::-1]
    contents = [f"copied file of {a} to folder of {b}" for a, b in zip(NAMES, others, strict=True)]
    assert set(merge(contents)) == {"copied file of * to folder of *"}


def test_a_word_beside_a_masked_value_is_a_value():
    assert merge(["retries left 3", "retries left none"]) == ["retries left *"] * 2


def test_what_matches_a_pattern_joins_it_though_its_value_is_a_common_word():
    contents = [f"session of {name} closed" for name in [*NAMES, "session"]]
    assert set(merge(contents)) == {"session of * closed"}


def test_first_words_stay():
    contents = [f"{verb} the old file" for verb in ("opening", "closing", "reading", "writing")]
    assert merge(contents) == contents


def test_names_before_an_equals_sign_stay():
    contents = [f"set {name}=1" for name in NAMES]
    assert len(set(merge(contents))) == len(NAMES)


def test_a_message_of_one_word_is_its_name():
    contents = [f"panel: {call}" for call in ("openPanel", "closePanel", "hidePanel", "showPanel", "movePanel")]
    assert merge(contents) == contents


def test_rare_lines_of_another_make_are_not_swallowed():
    contents = [f"connection from {name} accepted" for name in NAMES]
    odd = "connection from nobody refused"
    assert merge([*contents, odd])[-1] == odd


def test_verbs_that_cross_with_values_stay_apart():
    contents = [f"user {name} logged {way}" for name in NAMES for way in ("in", "out", "off")]
    assert set(merge(contents)) == {"user * logged in", "user * logged out", "user * logged off"}


def test_lines_that_share_nothing_stay_apart():
    contents = ["disk full now", "fan speed low", "user gone away", "net link lost", "cpu too hot", "job was late"]
    assert merge(contents) == contents


@pytest.mark.parametrize("trial", range(5))
def test_order_does_not_matter(trial):
    generator = random.Random(trial)
    words = [*NAMES[:4], "of", "in", "7", "x=1"]
    contents = [" ".join(generator.choices(words, k=4)) for _ in range(200)]
    signatures = {tuple(tokenise(content).keys): generator.randint(1, 9) for content in contents}
    shuffled = list(signatures.items())
    generator.shuffle(shuffled)
    assert merge_signatures(dict(shuffled), SETTINGS) == merge_signatures(signatures, SETTINGS)


@pytest.mark.parametrize("trial", range(5))
def test_a_pattern_differs_from_its_signature_in_variables_only_and_keeps_a_constant(trial):
    generator = random.Random(trial)
    words = [*NAMES, "of", "in", "7", "(", ")"]
    contents = [" ".join(["go", *generator.choices(words, k=5)]) for _ in range(300)]
    contents += [f"go home now, {name}" for name in NAMES]
    signatures = {tuple(tokenise(content).keys): 1 for content in contents}
    patterns = merge_signatures(signatures, SETTINGS)
    assert any(pattern != signature for signature, pattern in patterns.items())
    for signature, pattern in patterns.items():
        assert all(a in (b, VARIABLE) for a, b in zip(pattern, signature, strict=True))
        assert pattern[0] == "go"
