"""A small and a whole configuration of the live job, and what is said of wrong ones."""

from pathlib import Path

import pytest

from jobs.live_config import load_live_config
from jobs.settings import ConfigError

SMALL = """\
kafka: {bootstrap: "localhost:9092"}
input: {topics: [logs]}
models: {initial: [{path: model.json}]}
output: {kafka: {anomalies: found, dead_letters: dead}}
"""

WHOLE = """\
kafka:
  bootstrap: a:1,b:2
  security:
    protocol: SASL_SSL
    mechanism: SCRAM-SHA-512
    username: me
    password: ${KAFKA_PASSWORD}
    ca_file: ca.pem
    certificate_file: own.pem
    key_file: own.key
    key_password: ${KEY_PASSWORD}
  properties: {client.id: weir, max.poll.records: 5, check.crcs: true, ssl.some.password: "${OTHER}"}
input:
  topics: [one, two]
  format: envelope
  source_header: from
  start: committed
  group: watchers
  encoding: latin-1
  envelope: {source: [a.b], timestamp: [t], message: [m, n]}
models:
  store: store
  initial:
    - {path: model.json, sources: ["a*", b]}
    - {id: shop, version: 3}
    - {id: bank}
control: {topic: control, replies: replies}
output:
  elasticsearch:
    url: https://es:9200
    prefix: weir
    username: me
    password: ${ES_PASSWORD}
    ca_file: ../es.pem
    rollover: ilm
    bulk_documents: 10
    flush_ms: 20
    max_waiting: 30
  kafka: {anomalies: found, dead_letters: dead, transaction_prefix: w, transaction_timeout_ms: 50000}
dead_letters: {max_ratio: 1, min_lines: 2, max_consecutive: 3.0}
heartbeat: {enabled: false, idle_ms: 500}
source: {timeout_ms: 4000}
checkpoints: {directory: points, interval_ms: 600, timeout_ms: 7000}
state: rocksdb
parallelism: 2
shards: 8
batch_size: 9
batch_ms: 10
lateness_ms: 11
max_leap_ms: 12
max_line_bytes: 1300
multiline_wait_ms: 14
evidence: {max_lines: 15, max_line_chars: 16}
latency_interval_ms: 17
"""


def problems_of(path: Path, environment=None, load=load_live_config) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environment or {})
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]
