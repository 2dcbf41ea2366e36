"""An anomaly of a transaction as a document.

The time of an anomaly does not depend on when it was found: it is the event time of the transaction's last event, or
for a missing end the time at which the transaction should have ended, its begin plus the longest normal duration.
"""

from __future__ import annotations

import posixpath

from models.anomalies import Document, anomaly_id, build, evidence_line, iso_ms
from models.automata.compiled import Automaton, CompiledAutomata
from models.automata.judge import Finding, Violation
from models.automata.reasons import explain
from models.automata.severity import score
from models.automata.transaction import EVENT, IDENTIFIER, POSITION, SOURCE, TEXT, Line, Transaction
from models.origins import Origin


def document(
    model: CompiledAutomata,
    automaton: Automaton,
    transaction: Transaction,
    finding: Finding,
    max_evidence: int,
    topic: bool = False,
) -> Document:
    """The anomaly document of one finding, as the transaction stands now.

    Args:
        model: the automata in force.
        automaton: the transaction's.
        transaction: its record, with one event at least.
        finding: what is wrong with it.
        max_evidence: how many lines are shown at most.
        topic: lines come from topics, not files, see :mod:`models.origins`.
    """
    first, last = transaction.lines[0], transaction.lines[-1]
    identifier = first[IDENTIFIER].decode("utf-8", "replace")
    words = explain(automaton, transaction, identifier, finding)
    at = last[EVENT]
    if finding.type == "missing_end" and automaton.max_ms is not None:
        at = first[EVENT] + automaton.max_ms
    offending = frozenset(v for x in finding.violations for v in (x.state, x.other) if v is not None)
    evidence = transaction.evidence(max_evidence, offending, model.state_of_slot)
    return build(
        finding.type,
        # The first event tells it from other transactions of this identifier; evidence and end are no part of the id.
        # Nor is the model's version: a replay may judge under another one, and must not double a finding.
        identity=anomaly_id(
            model.id,
            automaton.id,
            identifier,
            first[EVENT],
            first[POSITION],
            first[SOURCE] if topic else posixpath.basename(first[SOURCE]),
            finding.type,
        ),
        timestamp_ms=at,
        score=score(finding),
        model_id=model.id,
        model_version=model.version,
        source=Origin.parse(first[SOURCE]).source if topic else first[SOURCE],
        transaction={**transaction_of(automaton, transaction), **_linked(model, transaction)},
        evidence=[_line(line, topic) for line in evidence],
        actual=words.actual,
        typical=words.typical,
        violations=[_violation(automaton, violation) for violation in finding.violations],
        reason=words.reason,
    )


def transaction_of(automaton: Automaton, transaction: Transaction) -> Document:
    """A transaction as documents name it, as it stands now."""
    first, last = transaction.lines[0], transaction.lines[-1]
    return {
        "id": first[IDENTIFIER].decode("utf-8", "replace"),
        "automaton": automaton.id,
        "begin": iso_ms(first[EVENT]),
        "end": iso_ms(last[EVENT]),
        "states": _states(automaton, transaction),
    }


def _states(automaton: Automaton, transaction: Transaction) -> list[str]:
    first, left_out, last = transaction.shown_path()
    names = [automaton.states[at].id for at in first]
    if left_out:
        names.append(f"… {left_out:,} more …")
        names.extend(automaton.states[at].id for at in last)
    return names


def _linked(model: CompiledAutomata, transaction: Transaction) -> Document:
    linked = model.links.of(transaction.lines)
    return {"linked": linked} if linked else {}


def _line(line: Line, topic: bool) -> Document:
    return evidence_line(line[SOURCE], line[POSITION], line[EVENT], line[TEXT].decode("utf-8", "replace"), topic=topic)


def _violation(automaton: Automaton, violation: Violation) -> Document:
    return {
        "state": None if violation.state is None else automaton.states[violation.state].id,
        "other": None if violation.other is None else automaton.states[violation.other].id,
        "actual": violation.actual,
        "min": violation.low,
        "max": violation.high,
        "unit": violation.unit,
    }
