"""The lines of a generated sample as other programs write them: as JSON objects, or as logfmt.

The same events at the same times. A trace that continues a line becomes a value of its event, so that lines have other
numbers; the truth is renumbered.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random

from models.sample.generator import Sample
from models.sample.truth import LogTruth, Truth

FORMS = ("json", "logfmt")
_LINE = re.compile(r"(\S+) (\S+),(\d{3}) (\w+) +\[([^\]]*)\] (\S+) - (.*)", re.DOTALL)
_PAIR = re.compile(r" ?\b([a-z_]+)=([^\s,;\"]+)")
_BARE = re.compile(r'[^\s"=]+\Z')


def restructure(sample: Sample, form: str) -> Sample:
    """The sample with lines of the form ``json`` or ``logfmt``.

    Keys come in any order, one in four lines names a trace, JSON comes with blanks and without, and words like
    ``key=value`` in messages become keys of their own.
    """
    rng = Random(f"weirwatch {form} {sample.truth.seed}")
    training, training_truth = _log(sample.training, sample.truth.training, form, rng)
    watched, watched_truth = _log(sample.watched, sample.truth.watched, form, rng)
    return Sample(training, watched, Truth(sample.truth.seed, training_truth, watched_truth))


def _log(data: bytes, truth: LogTruth, form: str, rng: Random) -> tuple[bytes, LogTruth]:
    events: list[str] = []
    number: dict[int, int] = {}
    for line, text in enumerate(data.decode().splitlines(), 1):
        if _LINE.match(text) or not events:
            events.append(text)
        else:
            events[-1] += "\n" + text
        number[line] = len(events)
    write = _json if form == "json" else _logfmt
    text = "".join(f"{write(_pairs(event, rng), rng)}\n" for event in events)
    anomalies = tuple(replace(anomaly, line=number[anomaly.line]) for anomaly in truth.anomalies)
    return text.encode(), LogTruth(len(events), 0, truth.transactions, anomalies)


def _pairs(event: str, rng: Random) -> list[tuple[str, object]]:
    found = _LINE.match(event)
    if found is None:
        return [("msg", event)]
    date, clock, milli, level, thread, logger, said = found.groups()
    message, _, stack = said.partition("\n")
    pairs: list[tuple[str, object]] = [
        ("time", f"{date}T{clock}.{milli}Z"),
        ("level", level.lower()),
        ("thread", thread),
        ("logger", logger),
    ]
    own = [(key, int(value) if value.isdecimal() else value) for key, value in _PAIR.findall(message)]
    if len({key for key, _ in own}) == len(own):
        message = _PAIR.sub("", message).strip()
        pairs += own
    pairs.append(("msg", message))
    if stack:
        pairs.append(("stack", stack))
    if rng.random() < 0.25:
        pairs.append(("trace_id", f"{rng.getrandbits(64):016x}"))
    rng.shuffle(pairs)
    return pairs


def _json(pairs: list[tuple[str, object]], rng: Random) -> str:
    separators = (", ", ": ") if rng.random() < 0.5 else (",", ":")
    return json.dumps(dict(pairs), separators=separators)


def _logfmt(pairs: list[tuple[str, object]], _rng: Random) -> str:
    texts = ((key, str(value).replace("\n", "\\n")) for key, value in pairs)
    return " ".join(f"{key}={value}" if _BARE.match(value) else f'{key}="{_quoted(value)}"' for key, value in texts)


def _quoted(value: str) -> str:
    return value.replace('"', '\\"')
