"""How well automata learnt from half of the blocks of a real HDFS log find the anomalous blocks of the other half.

Only identifier discovery, learning and judging are measured: templates are made by one regular expression here, so that
what the parser does cannot blur the figures. Ten random halves; a block counts as found when any anomaly names it.

    python -m benchmarks.hdfs_learning [--data ../shared/data/hdfs] [--splits 10] [--verbose]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.automata.compiled import CompiledAutomata
from models.automata.judge import judge
from models.automata.transaction import Transaction
from models.batches import Int32, Int64
from models.mining.automata import learn_automata
from models.mining.identifiers import IdentifierChoice, discover_identifiers
from models.mining.slots import TemplateSample
from models.mining.transactions import EventTable

DATA = Path(__file__).parents[1].parent / "shared/data/hdfs"
_VARIABLE = re.compile(r"blk_-?\d+|/?\d+\.\d+\.\d+\.\d+(?::\d+)?|(?:/[^/\s:]+){2,}|(?<![\w$])-?\d+(?![\w$])")
_LINE = re.compile(r"(\d{6} \d{6}) (\d+) (.*)")


@dataclass(slots=True)
class Log:
    """The log as events: names of templates, template, time and transaction (block) of each event, and the slots."""

    names: list[str]
    template: Int32
    event_ms: Int64
    block: Int64
    blocks: list[str]
    choice: IdentifierChoice


def read(path: Path) -> Log:
    """Read and mask the log, and find its identifiers."""
    codes: dict[str, int] = {}
    template, event_ms = [], []
    values: list[list[list[str]]] = []
    rows: list[list[int]] = []
    with gzip.open(path, "rt") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line)
            if found is None:
                continue
            at = datetime.strptime(found[1], "%y%m%d %H%M%S").replace(tzinfo=UTC)
            event_ms.append(int(at.timestamp()) * 1000)
            fields = [found[2], *_VARIABLE.findall(found[3])]
            code = codes.setdefault(_VARIABLE.sub("<*>", found[3]), len(codes))
            if code == len(values):
                values.append([[] for _ in fields])
                rows.append([])
            template.append(code)
            rows[code].append(number)
            for column, value in zip(values[code], fields, strict=True):
                column.append(value)
    samples = {
        code: TemplateSample(np.array(rows[code]), {f"f{i}": column for i, column in enumerate(columns)})
        for code, columns in enumerate(values)
    }
    choice = discover_identifiers(samples)
    block = np.full(len(template), -1, dtype=np.int64)
    row_of = {row: event for event, row in enumerate(sorted(row for each in rows for row in each))}
    blocks: dict[str, int] = {}
    for code, columns in enumerate(values):
        field = choice.field_of(code)
        if field is not None:
            for row, value in zip(rows[code], columns[int(field[1:])], strict=True):
                block[row_of[row]] = blocks.setdefault(value, len(blocks))
    return Log(list(codes), np.array(template, np.int32), np.array(event_ms), block, list(blocks), choice)


def half_split(
    log: Log, anomalous: dict[str, bool], seed: int, *, only_normal: bool
) -> tuple[float, float, float, str]:
    """Learn on half of the blocks, judge the other half: F1, precision, recall, and a summary of the automata."""
    rng = np.random.default_rng(seed)
    names = sorted(anomalous)
    training = set(rng.permutation(len(names))[: len(names) // 2].tolist())
    in_training = np.zeros(len(log.blocks), dtype=np.bool_)
    codes = {name: code for code, name in enumerate(log.blocks)}
    judged: dict[int, str] = {}
    for at, name in enumerate(names):
        code = codes[name]
        if at in training:
            in_training[code] = not (only_normal and anomalous[name])
        else:
            judged[code] = name
    keep = (log.block >= 0) & in_training[log.block]
    table = EventTable(log.template[keep], log.block[keep], log.event_ms[keep])
    templates = [{"id": f"t-{at}", "grok": re.escape(name)} for at, name in enumerate(log.names)]
    automata = learn_automata(table, templates, log.choice)
    flagged = flag(log, judged, automata, templates, set(np.unique(log.template[keep]).tolist()))
    hits = sum(anomalous[judged[code]] for code in flagged)
    wrong = len(flagged) - hits
    missed = sum(anomalous[name] for name in judged.values()) - hits
    summary = "; ".join(
        f"{a['support']} of {len(a['states'])} states, {len(a['order'])} orders, {len(a['requires'])} requires, "
        f"{len(a['equal'])} equal, begin {sum(s['begin'] for s in a['states'])}, "
        f"end {sum(s['end'] for s in a['states'])}"
        for a in automata
    )
    return 2 * hits / (2 * hits + wrong + missed), hits / max(1, hits + wrong), hits / max(1, hits + missed), summary


def flag(
    log: Log,
    judged: dict[int, str],
    automata: list[dict[str, Any]],
    templates: list[dict[str, str]],
    known: set[int],
) -> set[int]:
    """Blocks with any anomaly: an unknown line, or a broken rule of their automaton."""
    model = CompiledAutomata({"id": "hdfs", "version": 1, "templates": templates, "automata": automata})
    open_ones: dict[tuple[int, int], Transaction] = {}
    flagged = set()
    for template, block, at in zip(log.template.tolist(), log.block.tolist(), log.event_ms.tolist(), strict=True):
        if block not in judged:
            continue
        if template not in known:
            flagged.add(block)
            continue
        slot = int(model.slot_of_template[template])
        if slot < 0:
            continue
        which, state = model.slots[slot]
        record = open_ones.get((block, which))
        if record is None:
            record = open_ones[block, which] = Transaction(0, 4)
        record.ended |= state in model.automata[which].ends
        record.record((at, slot, b"", at, 0, "", b""), state)
    for (block, which), record in open_ones.items():
        if judge(model.automata[which], record):
            flagged.add(block)
    return flagged


def main() -> None:
    """Print a table of both ways to train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    begun = time.perf_counter()
    log = read(options.data / "hdfs.log.gz")
    with (options.data / "labels.csv").open() as file:
        labels = {row["block_id"]: row["anomalous"] == "1" for row in csv.DictReader(file)}
    anomalous = {name: labels[name] for name in log.blocks if name in labels}
    print(
        f"{len(log.template):,} lines, {len(log.names)} templates, identifiers in {len(log.choice.by_template)}, "
        f"{len(log.blocks):,} values, {len(anomalous):,} of them blocks; read in {time.perf_counter() - begun:.1f} s"
    )
    print(f"{'trained on':<12}{'F1':>18}{'precision':>11}{'recall':>8}{'s/split':>9}")
    for only_normal in (True, False):
        begun = time.perf_counter()
        results = [half_split(log, anomalous, seed, only_normal=only_normal) for seed in range(options.splits)]
        f1, precision, recall = (np.array([r[i] for r in results]) for i in range(3))
        seconds = (time.perf_counter() - begun) / options.splits
        print(
            f"{'normal' if only_normal else 'unlabelled':<12}{f1.mean():>10.3f} ± {f1.std():.3f}"
            f"{precision.mean():>11.3f}{recall.mean():>8.3f}{seconds:>9.1f}"
        )
        if options.verbose:
            for result in results:
                print(f"  {result[0]:.3f} {result[1]:.3f} {result[2]:.3f}  {result[3]}")


if __name__ == "__main__":
    main()
