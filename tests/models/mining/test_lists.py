from models.mining.lists import collapse_lists
from models.mining.masking import HEAD, VARIABLE, tokenise


def keys(content):
    return collapse_lists(tokenise(content)).keys


def test_lists_of_different_length_collapse_to_the_same_keys():
    assert keys("delete blk_1, blk_2") == keys("delete blk_1, blk_2, blk_3, blk_9") == ["delete", " ", HEAD + "blk"]
    assert keys("sizes 1 2 3 end") == keys("sizes 7 end") == ["sizes", " ", VARIABLE, " ", "end"]


def test_items_of_several_tokens_collapse():
    assert keys("map {a=1,a=2,a=3}") == ["map", " ", "{", VARIABLE, "}"]


def test_words_alone_are_no_list():
    content = "very very very slow"
    assert keys(content) == tokenise(content).keys


def test_different_keys_are_no_list():
    assert keys("uid=1, gid=2") == tokenise("uid=1, gid=2").keys


def test_a_collapsed_list_keeps_its_text_and_its_tokens():
    tokens = collapse_lists(tokenise("ids 1, 2, 3 done"))
    at = tokens.keys.index(VARIABLE)
    assert tokens.texts[at] == "1, 2, 3"
    assert tokens.parts[at].texts == ["1", ",", " ", "2", ",", " ", "3"]
    assert "".join(tokens.texts) == "ids 1, 2, 3 done"


def test_lists_of_lists_collapse():
    assert keys("at 1:2, 3:4, 5:6 end") == keys("at 1:2, 3:4 end")


def test_a_content_that_is_nothing_but_a_list_stays():
    assert keys("1 2 3") == tokenise("1 2 3").keys
