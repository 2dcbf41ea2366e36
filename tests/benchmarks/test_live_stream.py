"""The stream of the latency measurement."""

from __future__ import annotations

from typing import Any

from benchmarks.live.stream import PROBE_WORD, TICK_WORD, strew, with_ticks
from models.document import parse_model
from models.document_text import pretty
from models.parser import LineParser

LINES = [b"081109 2035%02d 7 INFO a.B: line %d\n" % (n, n) for n in range(10)]


def model() -> dict[str, Any]:
    return {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "m",
        "version": 1,
        "timestamp": {"formats": ["yyMMdd HHmmss"], "timezone": "UTC", "year": None, "skip_words": 0, "literal": ""},
        "templates": [{"id": "t-1", "grok": r"%{INT:n} INFO a\.B: line %{INT:number}"}],
        "automata": [],
    }


def test_probes_and_ticks_come_at_their_intervals_under_the_time_of_the_line_before():
    found = list(strew(LINES, 13, 5, 2))
    assert [line for line in found if b"bench" not in line] == LINES
    probes = [line for line in found if PROBE_WORD.encode() in line]
    ticks = [line for line in found if TICK_WORD.encode() in line]
    assert [line[:13] for line in probes] == [LINES[4][:13], LINES[9][:13]]
    assert [line[:13] for line in ticks] == [LINES[at][:13] for at in (1, 3, 5, 7, 9)]


def test_nothing_comes_between_a_line_and_those_that_continue_it():
    lines = [LINES[0], b"  at A.b\n", b"  at C.d\n", LINES[1]]
    found = list(strew(lines, 13, 2, 9))
    assert found[:3] == lines[:3]
    assert found[3].startswith(LINES[0][:13] + b" 1 INFO bench")
    assert found[4] == LINES[1]


def test_ticks_fit_the_model_with_ticks_only_and_probes_fit_neither():
    probe, tick = (line[14:].rstrip().decode() for line in list(strew(LINES[:1], 13, 1, 1))[1:])
    before, after = model(), with_ticks(model())
    assert before == model()
    fits = []
    for document in (before, after):
        templates = parse_model(pretty(document), "the model").templates
        parser = LineParser([t.grok for t in templates], [()] * len(templates), {})
        fits.append([parser.match(text)[1] is not None for text in (probe, tick)])
    assert fits == [[False, False], [False, True]]
