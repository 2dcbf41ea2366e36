"""A log of requests, its model, and how to read it in batches."""

from __future__ import annotations

import copy

from models.detection import LineDetector
from models.document import ModelDocument
from models.source_reader import ReadLimits, SourceState

TEMPLATES = [
    {"id": "t-req", "grok": "%{WORD:method} %{NOTSPACE:page} status=%{NOTSPACE:status}(?: by %{WORD:user})?"},
    {"id": "t-job", "grok": "job %{INT:number:int} %{WORD:word}"},
]

DOCUMENT = {
    "kind": "weirwatch.model",
    "format": 1,
    "id": "web",
    "version": 1,
    "timestamp": {"formats": ["yyyy-MM-dd HH:mm:ss"]},
    "templates": TEMPLATES,
    "automata": [
        {
            "id": "a-job",
            "states": [
                {
                    "id": "job",
                    "template": "t-job",
                    "field": "number",
                    "min": 1,
                    "max": None,
                    "begin": True,
                    "end": False,
                }
            ],
            "settle_ms": 10,
            "expires_ms": 10,
        }
    ],
}


def document(**sections):
    """The model's document with further sections."""
    return copy.deepcopy(DOCUMENT) | sections


def model(**sections):
    """The model with further sections."""
    return ModelDocument.from_json(document(**sections))


def rule(identifier="r", template="t-req", severity="medium", **keys):
    """A rule."""
    return {"id": identifier, "template": template, "severity": severity, **keys}


def stamped(contents):
    """Lines with times, a second apart."""
    return [f"2026-01-01 00:{n // 60:02}:{n % 60:02} {text}\n".encode() for n, text in enumerate(contents)]


def scan(watched, lines, cuts=(), source="a/web.log", restore=False):
    """All that is judged of single lines, unmatched ones left out, read in batches; and the counts added up."""
    detector = LineDetector(watched, ReadLimits(), 4)
    state, begin, found, allowed = SourceState(), 0, [], 0
    for end in [*sorted(cuts), len(lines)]:
        if restore:
            state = SourceState.from_record(state.to_record())
        outcome, _, state = detector.process(source, state, b"".join(lines[begin:end]), end == len(lines))
        found += outcome.judged
        allowed += outcome.counts["allowed"]
        begin = end
        if end == len(lines):
            break
    return found, allowed, state
