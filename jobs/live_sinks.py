"""Where documents go: a Kafka topic, exactly once, and Elasticsearch, each document under its id."""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.common import SimpleStringSchema, Types
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import KafkaRecordSerializationSchema, KafkaSink

from jobs.naming import by_key, side
from operators import names
from operators.elasticsearch_sink import ELEMENT_TYPE, KEYED_ELEMENT_TYPE, REFUSED, ElasticsearchSink
from operators.elements import Tagged, single


def topic_sink(topic: str, properties: Mapping[str, str], transactions: str | None = None) -> KafkaSink:
    """A sink of texts, one a message.

    Args:
        topic: where they go.
        properties: of Kafka's client.
        transactions: what the names of transactions begin with, which end with checkpoints, so that each message comes
            exactly once; None: without transactions, at once and at least once.
    """
    schema = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(topic)
        .set_value_serialization_schema(SimpleStringSchema())
        .build()
    )
    builder = KafkaSink.builder().set_record_serializer(schema)
    if transactions is None:
        builder.set_delivery_guarantee(DeliveryGuarantee.AT_LEAST_ONCE)
    else:
        builder.set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE).set_transactional_id_prefix(transactions)
    for key, value in properties.items():
        builder.set_property(key, value)
    return builder.build()


def to_topic(
    documents: DataStream,
    topic: str,
    properties: Mapping[str, str],
    transaction_prefix: str,
    transaction_timeout_ms: int,
    uid: str,
) -> None:
    """Send documents, one a message, in transactions that end with checkpoints.

    Args:
        documents: texts of one or more JSON documents joined by line feeds.
        topic: where they go.
        properties: of Kafka's client.
        transaction_prefix: of the names of transactions; no other job may use it on this broker.
        transaction_timeout_ms: after this the broker gives a transaction up; longer than any break of the job.
        uid: of the sink.
    """
    properties = {**properties, "transaction.timeout.ms": str(transaction_timeout_ms)}
    messages = documents.flat_map(single, Types.STRING()).uid(f"{uid}-single").name(f"{uid} one by one")
    messages.sink_to(topic_sink(topic, properties, f"{transaction_prefix}-{uid}")).uid(uid).name(uid)


def to_elasticsearch(streams: Mapping[str, DataStream], sink: ElasticsearchSink) -> DataStream:
    """Send documents to Elasticsearch; the dead letters of those it refuses are the stream that is given back.

    Args:
        streams: kind, of :data:`models.index_names.KINDS`, → texts of documents joined by line feeds.
        sink: the operator.
    """
    tagged = [
        stream.map(Tagged(kind), KEYED_ELEMENT_TYPE)
        .uid(f"{names.UID_ELASTICSEARCH}-{kind}")
        .name(f"{kind} to Elasticsearch")
        for kind, stream in streams.items()
    ]
    elements = tagged[0].union(*tagged[1:]) if len(tagged) > 1 else tagged[0]
    sent = by_key(elements, ELEMENT_TYPE).process(sink, Types.STRING())
    sent = sent.uid(names.UID_ELASTICSEARCH).name("elasticsearch")
    return side(sent, REFUSED, names.UID_REFUSED, "refused by Elasticsearch")
