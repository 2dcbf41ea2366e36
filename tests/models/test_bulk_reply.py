"""Only what is wrong with the document itself is a refusal."""

import pytest

from models.bulk_reply import NO_ANSWER, BulkReply, ItemReply, Verdict, judge_item, judge_request


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (ItemReply(200), Verdict.TAKEN),
        (ItemReply(201), Verdict.TAKEN),
        (ItemReply(400, "document_parsing_exception"), Verdict.REFUSED),
        (ItemReply(400, "invalid_index_name_exception"), Verdict.REFUSED),
        (ItemReply(413), Verdict.REFUSED),
        (ItemReply(400, "validation_exception"), Verdict.AGAIN),  # no room for more shards
        (ItemReply(403, "cluster_block_exception"), Verdict.AGAIN),
        (ItemReply(404, "index_not_found_exception"), Verdict.AGAIN),
        (ItemReply(401, "security_exception"), Verdict.AGAIN),
        (ItemReply(429, "es_rejected_execution_exception"), Verdict.AGAIN),
        (ItemReply(503, "unavailable_shards_exception"), Verdict.AGAIN),
    ],
)
def test_what_becomes_of_a_document(item, verdict):
    assert judge_item(item, failures=0) is verdict
    assert judge_item(item, failures=1000) is verdict


def test_a_document_on_which_the_server_fails_again_and_again_is_refused_in_the_end():
    verdicts = [judge_item(ItemReply(500, "null_pointer_exception"), failures) for failures in range(6)]
    assert verdicts == [Verdict.AGAIN] * 4 + [Verdict.REFUSED] * 2


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (BulkReply(200, items=(ItemReply(201),)), Verdict.TAKEN),
        (BulkReply(200, items=()), Verdict.AGAIN),
        (BulkReply(200, items=(ItemReply(201),), genuine=False), Verdict.AGAIN),
        (BulkReply(400), Verdict.REFUSED),
        (BulkReply(400, genuine=False), Verdict.AGAIN),  # a proxy's
        (BulkReply(413), Verdict.REFUSED),
        (BulkReply(413, genuine=False), Verdict.REFUSED),  # a proxy's limit is one too
        *((BulkReply(status), Verdict.AGAIN) for status in (NO_ANSWER, 401, 403, 404, 408, 429, 500, 502, 503, 504)),
    ],
)
def test_what_becomes_of_a_request(reply, verdict):
    assert judge_request(reply, 1) is verdict


def test_an_error_says_its_type_and_reason_or_at_least_its_status():
    assert str(ItemReply(400, "mapper_error", "no number")) == "mapper_error: no number"
    assert str(ItemReply(413)) == "status 413"
