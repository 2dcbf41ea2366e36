"""Checkers where transactions close."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from models.anomalies import Document
from models.automata.compiled import Automaton, CompiledAutomata
from models.automata.documents import transaction_of
from models.automata.judge import Finding
from models.automata.transaction import EVENT, IDENTIFIER, POSITION, SLOT, SOURCE, TEXT, Transaction
from models.checkers.documents import place_of, violation_document
from models.checkers.events import ClosedTransaction, EvidenceLine, PassedLine
from models.checkers.facts import ModelFacts
from models.checkers.interface import TransactionChecker, Violation
from models.checkers.running import Running, RunningCheckers
from models.document import ModelDocument
from models.origins import Origin


class TransactionChecks:
    """The checkers that look at transactions of one model.

    Args:
        model: the model in force.
        checkers: those of the subtask.
    """

    def __init__(self, model: ModelDocument, checkers: RunningCheckers) -> None:
        self._checkers = checkers
        self._viewers = checkers.transaction_viewers(ModelFacts.of(model))

    def __bool__(self) -> bool:
        return bool(self._viewers)

    def look(
        self,
        model: CompiledAutomata,
        automaton: Automaton,
        transaction: Transaction,
        findings: Sequence[Finding],
        max_evidence: int,
    ) -> list[Document]:
        """Let all checkers look at a transaction that has just closed.

        Args:
            model: the automata in force.
            automaton: the transaction's.
            transaction: its record, with one event at least.
            findings: what is wrong with it by its automaton.
            max_evidence: how many lines an anomaly shows at most.
        """
        found: list[Document] = []
        closed: ClosedTransaction | None = None
        first = transaction.lines[0]
        for running, automata in self._viewers:
            checker = running.checker
            source = Origin.parse(first[SOURCE]).source if self._checkers.topic else first[SOURCE]
            if automaton.id not in automata or not running.spec.watches(source):
                continue
            assert isinstance(checker, TransactionChecker)
            closed = closed or _closed(model, automaton, transaction, findings, source)
            tell = partial(self._document, running, model, automaton, transaction, max_evidence)
            documents, failure = running.guard.call(partial(checker.check_transaction, closed), tell)
            found += documents
            if failure:
                line = _evidence(transaction, 1, model)[0]
                self._checkers.tell(running, failure, line, "transaction", automaton.id, closed.id)
        return found

    def _document(
        self,
        running: Running,
        model: CompiledAutomata,
        automaton: Automaton,
        transaction: Transaction,
        max_evidence: int,
        violation: Violation,
        number: int,
    ) -> Document:
        first, last = transaction.lines[0], transaction.lines[-1]
        about = transaction_of(automaton, transaction)
        place = place_of(first[SOURCE], first[POSITION], self._checkers.topic)
        return violation_document(
            violation,
            number,
            spec=running.spec,
            model=(model.id, model.version),
            identity=("transaction", automaton.id, about["id"], first[EVENT], *place),
            time_ms=last[EVENT],
            evidence=_evidence(transaction, max_evidence, model),
            topic=self._checkers.topic,
            transaction=about,
        )


def _closed(
    model: CompiledAutomata, automaton: Automaton, transaction: Transaction, findings: Sequence[Finding], source: str
) -> ClosedTransaction:
    names = [state.id for state in automaton.states]
    first, last = transaction.lines[0], transaction.lines[-1]
    head, left_out, tail = transaction.shown_path()
    lines = []
    for line in transaction.lines:
        at = model.state_of_slot[line[SLOT]]
        text = line[TEXT].partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
        lines.append(PassedLine(names[at] if at >= 0 else "", line[EVENT], text))
    return ClosedTransaction(
        model=model.id,
        automaton=automaton.id,
        id=first[IDENTIFIER].decode("utf-8", "replace"),
        source=source,
        begin_ms=first[EVENT],
        end_ms=last[EVENT],
        duration_ms=transaction.duration_ms,
        counts={names[at]: count for at, count in transaction.counts.items()},
        path=tuple(names[at] for at in (*head, *tail)),
        left_out=left_out,
        ended=transaction.ended or not automaton.ends,
        lines=tuple(lines),
        findings=tuple(finding.type for finding in findings),
    )


def _evidence(transaction: Transaction, limit: int, model: CompiledAutomata) -> list[EvidenceLine]:
    return [
        {
            "origin": line[SOURCE],
            "position": line[POSITION],
            "time_ms": line[EVENT],
            "text": line[TEXT].decode("utf-8", "replace"),
        }
        for line in transaction.evidence(limit, frozenset(), model.state_of_slot)
    ]
