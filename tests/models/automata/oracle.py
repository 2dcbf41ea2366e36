"""The slow, obvious engine: it has all events at once and walks each identifier's events from first to last."""

from __future__ import annotations

from typing import Any

from models.automata.compiled import Automaton, CompiledAutomata
from models.automata.documents import document
from models.automata.judge import Finding, Violation, judge
from models.automata.transaction import Keeping, Transaction
from tests.models.automata.workload import Event


def all_anomalies(model: CompiledAutomata, events: list[Event]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for at, automaton in enumerate(model.automata):
        names = [s.id for s in automaton.states]
        for identifier in sorted({e.identifier for e in events}):
            own = []
            for e in sorted(events):
                template = model.template_ids[e.template]
                if e.identifier == identifier and template[2:] in names:
                    own.append((e, names.index(template[2:])))
            found += _walk(model, automaton, at, own)
    return found


def _walk(
    model: CompiledAutomata, automaton: Automaton, at: int, rest: list[tuple[Event, int]]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def tell(some: list[tuple[Event, int]], finding: Finding, late: bool = False) -> None:
        record = Transaction(0, Keeping(10))
        for e, s in some:
            text = b"%s:%d" % (e.source.encode(), e.position)
            record.record((e.order, model.slots.index((at, s)), e.identifier, e.event, e.position, e.source, text), s)
        record.end_missed = late
        found.append(document(model, automaton, record, finding, 10))

    def begins_anew(own: list[tuple[Event, int]], s: int) -> bool:
        passed = sum(1 for _, other in own if other == s)
        return s in automaton.begins and not 0 < passed < automaton.states[s].low

    def ended(own: list[tuple[Event, int]]) -> bool:
        return any(s in automaton.ends for _, s in own)

    def duration(own: list[tuple[Event, int]]) -> int:
        return max(0, own[-1][0].event - own[0][0].event)

    def too_long(own: list[tuple[Event, int]], high: int) -> Finding:
        support = automaton.duration_support
        return Finding("too_long", (Violation(None, None, duration(own), automaton.min_ms, high, "ms", support),))

    while rest:
        first = rest[0][0].order
        own = [rest[0]]
        for e, s in rest[1:]:
            limit = first + automaton.expires_ms
            if ended(own):
                limit = min(limit, own[-1][0].order + automaton.settle_ms)
            if e.order > limit or (ended(own) and begins_anew(own, s)):
                break
            own.append((e, s))
        rest = rest[len(own) :]
        for size in range(1, len(own) + 1):
            certain = ended(own[:size]) or not automaton.ends
            if automaton.max_ms is not None and certain and duration(own[:size]) > automaton.max_ms:
                tell(own[:size], too_long(own[:size], automaton.max_ms))
                break
        record = Transaction(0, Keeping(10))
        for e, s in own:
            record.record((e.order, 0, e.identifier, e.event, e.position, e.source, b""), s)
        record.ended = ended(own)
        for finding in judge(automaton, record):
            if finding.type != "too_long":
                tell(own, finding)
        if ended(own) or not automaton.ends:
            continue
        late = False
        while rest and rest[0][0].order <= first + 2 * automaton.expires_ms and not begins_anew(own, rest[0][1]):
            own.append(rest.pop(0))
            high = automaton.max_ms if automaton.max_ms is not None else automaton.expires_ms
            if not late and ended(own):
                late = True
                if duration(own) > high:
                    tell(own, too_long(own, high), late=True)
    return found
