"""The checkers of one subtask: made once, guarded one by one, told of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.anomalies import Document
from models.checkers.documents import failure_letter
from models.checkers.events import EvidenceLine
from models.checkers.facts import ModelFacts
from models.checkers.guard import Guard
from models.checkers.interface import KeyedChecker, LineChecker, TransactionChecker, ViolationChecker
from models.checkers.loading import make_checker, wanted_fields
from models.checkers.spec import CheckerSpec


@dataclass(slots=True)
class Running:
    """A checker at work.

    Attributes:
        spec: what the configuration says.
        checker: itself.
        guard: through which it is called.
    """

    spec: CheckerSpec
    checker: ViolationChecker
    guard: Guard


class RunningCheckers:
    """The checkers of one subtask.

    Args:
        specs: which ones.
        topic: lines come from topics, not files.

    Raises:
        CheckerError: one cannot be found or made.

    Attributes:
        all: the checkers, in the order of the configuration.
        topic: as given.
    """

    def __init__(self, specs: Sequence[CheckerSpec], topic: bool = False) -> None:
        self.all = [Running(spec, make_checker(spec), Guard(spec)) for spec in specs]
        self.topic = topic
        self._letters: list[Document] = []

    def get(self, checker: str) -> Running | None:
        """The checker of this id."""
        return next((running for running in self.all if running.spec.id == checker), None)

    def viewers(self, model: ModelFacts) -> list[tuple[Running, dict[str, tuple[str, ...]]]]:
        """The checkers that see lines of a model: each with the templates it wants, and their fields."""
        found = []
        for running in self.all:
            if isinstance(running.checker, LineChecker | KeyedChecker):
                try:
                    wanted = wanted_fields(running.checker, model)
                except Exception as error:  # noqa: BLE001  (whatever a plug-in makes of a model, the job goes on)
                    self.tell(running, running.guard.fail(error), None, model.id, model.version, "templates")
                    continue
                if wanted:
                    found.append((running, wanted))
        return found

    def transaction_viewers(self, model: ModelFacts) -> list[tuple[Running, frozenset[str]]]:
        """The checkers that see transactions of a model: each with the automata it wants."""
        found = []
        for running in self.all:
            if isinstance(running.checker, TransactionChecker):
                try:
                    wanted = frozenset(running.checker.automata(model))
                except Exception as error:  # noqa: BLE001
                    self.tell(running, running.guard.fail(error), None, model.id, model.version, "automata")
                    continue
                if wanted:
                    found.append((running, wanted))
        return found

    def tell(self, running: Running, reason: str, line: EvidenceLine | None, *more: str | int) -> None:
        """Put down the dead letter of a failure; see :func:`~models.checkers.documents.failure_letter`."""
        self._letters.append(failure_letter(running.spec, reason, line, self.topic, *more))

    def take_letters(self) -> list[Document]:
        """The dead letters since the last call."""
        letters, self._letters = self._letters, []
        return letters
