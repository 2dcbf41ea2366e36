"""What a running job does with its control channel, without the job: the core of ``resolve`` on real channels."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

from models.control_resolver import ControlResolver, Fetch
from models.in_force import ModelsInForce
from models.model_trial import try_model


@contextmanager
def answering_topic(bootstrap: str, topic: str, replies: str, fetch: Fetch | None = None) -> Iterator[ModelsInForce]:
    """Follow the messages of a topic from its begin and reply on another; gives the models in force."""
    resolver = ControlResolver(ModelsInForce(), fetch, try_model)
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            for records in consumer.poll(timeout_ms=100).values():
                for record in records:
                    _, reply = resolver.resolve(record.value, record.topic, record.partition, record.offset)
                    producer.send(replies, b"not a reply of the job")
                    producer.send(replies, json.dumps({**reply, "id": "another's"}).encode())
                    producer.send(replies, json.dumps(reply).encode()).get(10)

    yield from _working(work, done, resolver.models)
    producer.close()
    consumer.close()


@contextmanager
def answering_folder(folder: Path, replies: Path) -> Iterator[ModelsInForce]:
    """Follow the files of a folder and reply in a file of another, which has its name only at the end."""
    resolver = ControlResolver(ModelsInForce(), None, try_model)
    done = threading.Event()
    seen = set()
    growing = replies / ".part-0.jsonl.inprogress"

    def work() -> None:
        while not done.wait(0.05):
            for path in sorted(p for p in folder.iterdir() if p.name[0] not in "._" and p not in seen):
                seen.add(path)
                for line in path.read_bytes().splitlines():
                    _, reply = resolver.resolve(line, str(folder), -1, -1)
                    with growing.open("ab") as file:
                        file.write(json.dumps(reply).encode() + b"\n")

    yield from _working(work, done, resolver.models)
    if growing.exists():
        growing.rename(replies / "part-0.jsonl")


def _working(work, done, models):
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield models
    finally:
        done.set()
        thread.join()
