"""Throughput: a topic that is full before the clock starts is read to its end, by the live job and by a peer.

What the live job found is compared with what ``weirwatch scan`` finds in the same lines.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus
from benchmarks.live.feed import COMPRESSION, feed
from benchmarks.live.figures import Moment, Pace, difference, kinds_of, pace
from benchmarks.live.job import CHECKPOINT_MS, PARTITIONS, Live, Running, running, watching
from benchmarks.live.sampler import Sampler
from benchmarks.processes import CommandError, run_python
from benchmarks.tables import MIB, against, table
from jobs.control_client import KafkaChannel
from tests.live.outputs import CommittedTopic, documents_in

GOAL_LINES_PER_SECOND = 60_000.0

_SETTLED_S = 20.0
_LONGEST_S = 600.0
_REPLY_S = 60.0


def run(live: Live, corpus: Corpus, model: Path, parallelism: int, peer_lines: int, check: bool) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Args:
        live: the job to be.
        corpus: the lines, a file for each partition.
        model: what both jobs use.
        parallelism: of both jobs.
        peer_lines: how many lines the peer reads; 0 leaves it out.
        check: whether to compare with ``weirwatch scan``.
    """
    fed = feed(live.kafka.bootstrap, live.lines, corpus.files).wait()
    print(f"throughput: {corpus.name}; {fed.lines:,} lines, {corpus.bytes / MIB:,.0f} MiB ({COMPRESSION}),")
    print(f"  one a message, {PARTITIONS} partitions, parallelism {parallelism}, a checkpoint each {CHECKPOINT_MS} ms")
    with watching(live) as job:
        ours, figures = _measure(live, live.name, corpus.lines, job)
        _print("Weirwatch", ours, figures)
        print(f"  sustained lines/s: {against(ours.sustained, GOAL_LINES_PER_SECOND)}", flush=True)
        found = _outputs(live, job)
    result = {"lines": fed.lines, "weirwatch": figures, "goal_lines_per_second": GOAL_LINES_PER_SECOND, **found[1]}
    if check:
        result |= _check(live.folder, corpus, model, parallelism, found[0])
    if peer_lines:
        peer, peer_figures = _peer(live, model, parallelism, min(peer_lines, corpus.lines))
        _print("record at a time", peer, peer_figures)
        result |= {"record_at_a_time": peer_figures, "ratio": ours.sustained / peer.sustained}
        print(f"  ratio to record at a time, sustained lines/s: {result['ratio']:,.1f}", flush=True)
    return result


def _measure(live: Live, group: str, lines: int, job: Running) -> tuple[Pace, dict[str, Any]]:
    groups = {
        "Kafka": live.kafka.processes,
        "Elasticsearch": live.elasticsearch.processes,
        "Flink": job.processes,
    }
    moments: list[Moment] = []
    with Sampler(groups) as sampler:
        for moment in live.progress(group, lines, job):
            moments.append(moment)
            if len(moments) == 1:
                before = sampler.taken()
        after = sampler.taken()
    found = pace(job.submitted, moments)
    return found, {
        "lines": found.whole,
        "lines_per_second": found.sustained,
        "lines_per_second_with_start_up": found.with_start,
        "start_up_seconds": found.start_seconds,
        "cpu_us_per_line": {kind: 1e6 * cpu / max(1, found.lines) for kind, cpu in after.since(before).items()},
        "peak_mib": {kind: size / MIB for kind, size in sampler.peaks.items()},
        "peak_mib_together": sampler.peak / MIB,
        "load": os.getloadavg()[0],
    }


def _print(name: str, found: Pace, figures: dict[str, Any]) -> None:
    print(
        f"  {name}: {found.whole:,} lines, {found.sustained:,.0f} lines/s sustained, {found.with_start:,.0f} with "
        f"{found.start_seconds:,.1f} s of start-up (load {figures['load']:.1f})"
    )
    cpu, peaks = figures["cpu_us_per_line"], figures["peak_mib"]
    kinds = list(cpu)
    rows = [
        ["µs of processor a line", *(f"{cpu[kind]:,.2f}" for kind in kinds), f"{sum(cpu.values()):,.2f}"],
        [
            "peak memory, MiB",
            *(f"{peaks.get(kind, 0):,.0f}" for kind in kinds),
            f"{figures['peak_mib_together']:,.0f}",
        ],
    ]
    print(table([f"{name}:", *kinds, "all together"], rows), flush=True)


def _outputs(live: Live, job: Running) -> tuple[Counter[tuple[str, str]], dict[str, Any]]:
    """End all sources, wait until all is told, and compare what is in Kafka with what is in Elasticsearch."""
    channel = KafkaChannel(live.kafka.bootstrap, live.control, live.replies, {})
    for source in live.sources():
        channel.tell({"action": "end_of_log", "source": source}, _REPLY_S)
    topic = CommittedTopic(live.kafka.bootstrap, live.anomalies)
    begin = changed = time.monotonic()
    before = (-1, -1)
    while time.monotonic() - changed < _SETTLED_S:
        with live.elasticsearch.client() as client:
            indexed = int(client.count(index=live.indices, ignore_unavailable=True)["count"])
        now = len(topic.read()), indexed
        if now != before:
            changed, before = time.monotonic(), now
        if changed - begin > _LONGEST_S:
            raise CommandError("anomalies come without end")
        job.check()
        time.sleep(0.5)
    ids, documents = topic.ids(), documents_in(live.elasticsearch, live.indices)
    topic.close()
    same = set(ids) == set(documents) and ids.total() == len(ids)
    print(
        f"  anomalies: {ids.total():,} committed in Kafka, {len(documents):,} in Elasticsearch: "
        f"{'the same, each once' if same else 'NOT the same'}",
        flush=True,
    )
    figures = {"anomalies_in_kafka": ids.total(), "anomalies_in_elasticsearch": len(documents), "outputs_agree": same}
    return kinds_of(topic.values), figures


def _check(
    folder: Path, corpus: Corpus, model: Path, parallelism: int, found: Counter[tuple[str, str]]
) -> dict[str, Any]:
    """Scan the same lines from files."""
    out = folder / "anomalies.jsonl"
    arguments: list[str | Path] = ["scan", *corpus.files, "--model", model, "--out", out]
    run_python("jobs.cli", [*arguments, "--parallelism", str(parallelism), "--quiet"])
    with out.open(encoding="utf-8") as stream:
        wanted = kinds_of(map(json.loads, stream))
    differ = difference(wanted, found)
    told = "the same (by type and transaction)" if not differ else f"{differ:,} DIFFER (by type and transaction)"
    print(f"  weirwatch scan finds {wanted.total():,} in the same lines: {told}", flush=True)
    if differ:
        print(f"    such as {[*(wanted - found).items()][:3]} and {[*(found - wanted).items()][:3]}")
    return {"anomalies_of_scan": wanted.total(), "anomalies_that_differ": differ}


def _peer(live: Live, model: Path, parallelism: int, lines: int) -> tuple[Pace, dict[str, Any]]:
    group = f"{live.name}-peer"
    live.kafka.create_topic(f"{group}-found")
    options = {
        "bootstrap": live.kafka.bootstrap,
        "topic": live.lines,
        "group": group,
        "out": f"{group}-found",
        "model": model,
        "checkpoints": live.folder / "peer-checkpoints",
        "parallelism": parallelism,
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with running("benchmarks.live.peer", arguments, live.folder / "peer.log") as job:
        return _measure(live, group, lines, job)
