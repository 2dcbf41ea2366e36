"""Makes models, summaries and anomalies for the report's tests, in the shapes that the product uses."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]

START = datetime(2008, 11, 9, 20, 35, 31, tzinfo=UTC)
BLOCK = "a-3f2c91aa"
ORDER = "a-77b01c2d"


def iso(seconds: float) -> str:
    """Seconds after the start of the log as the documents write times."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def template(grok: str, count: int, example: str) -> Document:
    return {
        "id": "t-" + hashlib.sha256(grok.encode()).hexdigest()[:8],
        "grok": grok,
        "count": count,
        "example": example,
    }


def state(name: str, template_id: str, field: str, low: int, high: int | None, **marks: Any) -> Document:
    return {
        "id": name, "template": template_id, "field": field, "min": low, "max": high,
        "begin": marks.get("begin", False), "end": marks.get("end", False), "support": marks.get("support", 3449),
    }  # fmt: skip


_LINES = {
    "allocating_block": (
        r"%{INT:thread} INFO dfs\.FSNamesystem: BLOCK\* NameSystem\.allocateBlock: "
        r"%{NOTSPACE:path}\. %{NOTSPACE:block}",
        "081109 203531 29 INFO dfs.FSNamesystem: BLOCK* NameSystem.allocateBlock: /user/root/rand/part-0. {id}",
    ),
    "receiving_block": (
        r"%{INT:thread} INFO dfs\.DataNode\$DataXceiver: Receiving block "
        r"%{NOTSPACE:block} src: /%{IPV4:src}:%{INT:port}",
        "081109 203531 143 INFO dfs.DataNode$DataXceiver: Receiving block {id} src: /10.250.19.102:54106",
    ),
    "received_block_of_size_from": (
        r"%{INT:thread} INFO dfs\.DataNode\$PacketResponder: Received block %{NOTSPACE:block} of size %{INT:size} from",
        "081109 203533 145 INFO dfs.DataNode$PacketResponder: Received block {id} of size 67108864 from /10.250.19.102",
    ),
    "packetresponder_for_block_terminating": (
        r"%{INT:thread} INFO dfs\.DataNode\$PacketResponder: PacketResponder %{INT:n} "
        r"for block %{NOTSPACE:block} terminating",
        "081109 203534 145 INFO dfs.DataNode$PacketResponder: PacketResponder 2 for block {id} terminating",
    ),
    "addstoredblock_blockmap_updated": (
        r"%{INT:thread} INFO dfs\.FSNamesystem: BLOCK\* NameSystem\.addStoredBlock: "
        r"blockMap updated: %{NOTSPACE:node} %{NOTSPACE:block}",
        "081109 203536 29 INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: "
        "blockMap updated: 10.251.73.220:50010 {id}",
    ),
    "exception_in_receiveblock": (
        r"%{INT:thread} WARN dfs\.DataNode: Exception in receiveBlock for block %{NOTSPACE:block} %{GREEDYDATA:error}",
        "081109 203539 29 WARN dfs.DataNode: Exception in receiveBlock for block {id} java.io.IOException: reset\n"
        "\tat org.apache.hadoop.dfs.DataNode.receive(DataNode.java:1145)\n\tat java.lang.Thread.run(Thread.java:619)",
    ),
    "deleting_block_file": (
        r"%{INT:thread} INFO dfs\.FSDataset: Deleting block %{NOTSPACE:block} file %{NOTSPACE:path}",
        "081109 203620 19 INFO dfs.FSDataset: Deleting block {id} file /mnt/hadoop/dfs/data/current/subdir18/{id}",
    ),
}


def make_model() -> Document:
    """Two automata: HDFS blocks and orders of a shop."""
    templates = [
        template(grok, 3450 * (k + 1), text.format(id="blk_1")) for k, (grok, text) in enumerate(_LINES.values())
    ]
    t = [item["id"] for item in templates]
    names = list(_LINES)
    block = {
        "id": BLOCK, "name": "Allocating block", "support": 3450,
        "states": [
            state(names[0], t[0], "block", 1, 1, begin=True), state(names[1], t[1], "block", 3, 3),
            state(names[2], t[2], "block", 2, 3), state(names[3], t[3], "block", 3, 3),
            state(names[4], t[4], "block", 3, 3), state(names[5], t[5], "block", 0, 0, support=4),
            state(names[6], t[6], "block", 1, None, end=True),
        ],
        "order": [
            {"before": names[a], "after": names[b], "support": 3449}
            for a, b in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (0, 4), (2, 6), (3, 6), (4, 6), (1, 6), (0, 6)]
        ],
        "requires": [{"if": names[4], "then": names[2], "support": 812}],
        "equal": [{"states": [names[1], names[3]], "support": 3449}],
        "duration": {"min_ms": 12, "max_ms": 98123, "support": 3400}, "settle_ms": 2000, "expires_ms": 196246,
    }  # fmt: skip
    shop = [
        template(rf"order %{{NOTSPACE:order}} {word}", 900 - 90 * k, f"2008-11-09T20:35:31Z order o-1 {word}")
        for k, word in enumerate(("created", "paid", "packed", "sent"))
    ]
    words = ["created", "paid", "packed", "sent"]
    orders = {
        "id": ORDER, "name": "order created", "support": 900,
        "states": [
            state(word, shop[k]["id"], "order", 1, 1, begin=k == 0, end=k == 3, support=900)
            for k, word in enumerate(words)
        ],
        "order": [
            {"before": one, "after": two, "support": 900} for k, one in enumerate(words) for two in words[k + 1 :]
        ],
        "requires": [], "equal": [],
        "duration": {"min_ms": 4000, "max_ms": 61000, "support": 900}, "settle_ms": 1000, "expires_ms": 122000,
    }  # fmt: skip
    return {
        "kind": "weirwatch.model", "format": 1, "id": "hdfs", "version": 1,
        "learned": {
            "files": ["hdfs.log"], "lines": 133175, "events": 133175, "transactions": 3450,
            "from": iso(0), "to": iso(138_000),
        },
        "timestamp": {"formats": ["yyMMdd HHmmss"], "timezone": "UTC", "year": 2008, "skip_words": 0, "literal": ""},
        "patterns": {"BLOCK": "blk_-?[0-9]+"}, "id_pattern": "blk_-?[0-9]+",
        "templates": [*templates, *shop], "automata": [block, orders],
    }  # fmt: skip


def make_summary(anomalies: list[Document] | None = None, **more: Any) -> Document:
    counts: dict[str, int] = {}
    for anomaly in anomalies or []:
        counts[anomaly["type"]] = counts.get(anomaly["type"], 0) + 1
    return {
        "files": ["hdfs.log", "shop.log"], "from": iso(0), "to": iso(5400), "lines": 12345, "matched": 12300,
        "unmatched": 12, "continued": 30, "dead_letters": 3, "templates": 11, "transactions": 830, "anomalies": counts,
        "seconds": 0.71, "lines_per_second": 17387.3,
        "template_counts": {item["id"]: 100 * k for k, item in enumerate(make_model()["templates"])}, **more,
    }  # fmt: skip


def violation(
    state: str | None, actual: Any, low: Any, high: Any, unit: str = "occurrences", other: str | None = None
) -> Document:
    return {"state": state, "other": other, "actual": actual, "min": low, "max": high, "unit": unit}


def anomaly(kind: str, at: float, number: int, **fields: Any) -> Document:
    """One anomaly document; ``fields`` override."""
    document = {
        "@timestamp": iso(at), "id": hashlib.sha256(f"{kind}{at}{number}".encode()).hexdigest()[:20], "type": kind,
        "score": 50.0, "model": {"id": "hdfs", "version": 1}, "source": "hdfs.log", "transaction": None,
        "template": None, "evidence": [], "actual": "", "typical": "", "violations": [], "reason": "",
    }  # fmt: skip
    return document | fields


def block_transaction(number: int, path: list[str], at: float, seconds: float) -> tuple[Document, list[Document]]:
    """A transaction of the block automaton and its evidence."""
    name = f"blk_{-7017553867379051457 + number}"
    each = seconds / max(len(path) - 1, 1)
    evidence = [
        {
            "file": "hdfs.log", "line": 17 + 40 * number + k, "timestamp": iso(at + k * each),
            "text": _LINES[step][1].format(id=name),
        }
        for k, step in enumerate(path)
    ]  # fmt: skip
    return {"id": name, "automaton": BLOCK, "begin": iso(at), "end": iso(at + seconds), "states": path}, evidence


def make_anomalies(count: int = 27, seed: int = 7) -> list[Document]:
    """Anomalies of nine types over an hour and a half, in bursts, ordered by time."""
    choose = random.Random(seed)
    a, r, d, p, s, x, e = _LINES
    good = [a, r, r, r, s, d, p, p, s, d, p, s, e]
    # Per type: path, seconds, score, actual, typical, violations, how the reason goes on.
    cases: dict[str, tuple[list[str], float, float, str, str, list[Document], str]] = {
        "missing_begin": (good[1:], 40, 74, "0", "1", [violation(a, 0, 1, 1)], 'began without "Allocating block"'),
        "missing_state": (
            [step for step in good if step != d], 40, 69, "0", "2 to 3",
            [violation(d, 0, 2, 3), violation(d, 0, None, None, other=s)], 'never passed "Received block of size from"',
        ),
        "missing_end": (good[:-1], 40, 81, "0", "1 or more", [violation(e, 0, 1, None)], "did not end"),
        "too_few": (
            [step for k, step in enumerate(good) if k not in {6, 10}], 40, 44.5, "1", "3",
            [violation(p, 1, 3, 3)], 'passed "PacketResponder" 1 time; 3 times is normal',
        ),
        "too_many": (
            [a, r, r, r, r, x, r, s, d, p, p, s, d, p, s, e], 40, 87.5, "5", "3",
            [violation(r, 5, 3, 3), violation(x, 1, 0, 0)],
            'passed "Receiving block" 5 times; 3 times is normal (learnt from 3,450 transactions)',
        ),
        "wrong_order": (
            [a, p, r, r, r, s, d, e, p, p, s, d, s], 40, 62, "terminating first", "receiving first",
            [violation(r, None, None, None, "order", p), violation(e, None, None, None, "order", s)],
            'passed "PacketResponder" before "Receiving block"',
        ),
        "too_short": (
            good, 0.004, 33, "4 ms", "12 ms to 1 m 38 s", [violation(None, 4, 12, 98123, "ms")],
            "took 4 ms; 12 ms to 1 m 38 s is normal",
        ),
        "too_long": (
            good, 512.0, 55, "8 m 32 s", "12 ms to 1 m 38 s", [violation(None, 512000, 12, 98123, "ms")],
            "took 8 m 32 s; 12 ms to 1 m 38 s is normal",
        ),
    }  # fmt: skip
    kinds = [*cases, "unmatched_log"]
    result = []
    for number in range(count):
        at = round(choose.choice([600, 2400, 2500, 4100]) + choose.gauss(0, 240), 3)
        kind = kinds[number % 9]
        if kind == "unmatched_log":
            disk = f"<sda{number // 9 % 3}>"
            text = f"081109 203940 {number} ERROR dfs.DataNode: disk {disk} & controller failed:   code=0x1f"
            line = {"file": "shop.log", "line": 900 + number, "timestamp": iso(at), "text": text}
            fields: Document = {
                "score": 30 + number % 5, "source": "shop.log", "evidence": [line], "actual": text[16:60],
                "typical": "a line of one of 11 templates", "reason": "No template matches this line.",
            }  # fmt: skip
        else:
            path, seconds, score, actual, typical, violations, said = cases[kind]
            transaction, evidence = block_transaction(number, path, at, seconds)
            fields = {
                "score": score, "transaction": transaction, "evidence": evidence, "actual": actual, "typical": typical,
                "violations": violations, "reason": f"Transaction {transaction['id']} {said}.",
            }  # fmt: skip
        result.append(anomaly(kind, at, number, **fields))
    return sorted(result, key=lambda item: (item["@timestamp"], item["id"]))


def wide_model(states: int = 40, seed: int = 3) -> Document:
    """A model of one automaton with many states and a random order without cycles."""
    choose = random.Random(seed)
    model = make_model()
    templates = [
        template(rf"step {k} of %{{NOTSPACE:block}} in phase {k // 4} is done", 40, f"step {k}") for k in range(states)
    ]
    names = [f"step_{k}_of_phase_{k // 4}_is_done" for k in range(states)]
    pairs = [(i, j) for i in range(states) for j in range(i + 1, states) if i // 4 < j // 4 and choose.random() < 0.35]
    automaton = model["automata"][0] | {
        "states": [
            state(names[k], templates[k]["id"], "block", k % 3, k % 3 + k % 4, begin=k < 2, end=k >= states - 2)
            for k in range(states)
        ],
        "order": [{"before": names[i], "after": names[j], "support": 40} for i, j in pairs],
    }
    return model | {"templates": templates, "automata": [automaton]}
