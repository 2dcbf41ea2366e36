"""The fields that identify transactions, as they were chosen, and the visits that lines make through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.batches import Int32


@dataclass(frozen=True, slots=True)
class Identifier:
    """A slot that names a template's transactions.

    Attributes:
        field: name of the field.
        kind: number of the kind of identifier; visits of different kinds never share a transaction.
        linked: share of the lines that lie near another line of the same identifier, 0 to 1.
    """

    field: str
    kind: int
    linked: float


@dataclass(frozen=True, slots=True)
class IdentifierChoice:
    """The identifiers of each template that has some.

    Attributes:
        by_template: template index → its first identifier, the one that explains its lines best.
        pattern: the given pattern, if one was.
        further: template index → its other identifiers, each of another kind; such a template has a first one.
    """

    by_template: Mapping[int, Identifier] = field(default_factory=dict)
    pattern: str | None = None
    further: Mapping[int, tuple[Identifier, ...]] = field(default_factory=dict)

    def field_of(self, template: int) -> str | None:
        """The field that holds the first identifier, None if the template has none."""
        found = self.by_template.get(template)
        return None if found is None else found.field

    def identifiers_of(self, template: int) -> tuple[Identifier, ...]:
        """All identifiers of a template, the first one first; empty if it has none."""
        found = self.by_template.get(template)
        return () if found is None else (found, *self.further.get(template, ()))

    def fields_of(self, template: int) -> tuple[str, ...]:
        """The fields that hold identifiers, that of the first one first; empty if the template has none."""
        return tuple(identifier.field for identifier in self.identifiers_of(template))

    def kinds(self, templates: int) -> Int32:
        """int32[templates]: the kind of each template's first identifier, -1 for none."""
        kinds = np.full(templates, -1, dtype=np.int32)
        for template, identifier in self.by_template.items():
            kinds[template] = identifier.kind
        return kinds

    def visits(self, templates: int) -> Visits:
        """The visits that lines of some templates can make."""
        return Visits(self, templates)


class Visits:
    """The visits that lines can make, numbered: each is a template through one of its identifiers.

    The visit of template ``i`` through its first identifier has the number ``i``, and so have events of a template
    without identifier; those through further identifiers come after all templates. Mining takes them for templates.

    Args:
        choice: the identifiers.
        templates: how many templates there are.

    Attributes:
        template: the template of each visit.
        field: the field that holds its identifier, None where a template has none.
        kinds: int32[visits], the kind of identifier, -1 for none.
    """

    def __init__(self, choice: IdentifierChoice, templates: int) -> None:
        more = [(at, identifier) for at, found in sorted(choice.further.items()) for identifier in found]
        self.template = [*range(templates), *(at for at, _ in more)]
        self.field = [*map(choice.field_of, range(templates)), *(identifier.field for _, identifier in more)]
        self.kinds: Int32 = np.r_[choice.kinds(templates), [identifier.kind for _, identifier in more]].astype(np.int32)
        places: dict[int, list[int]] = {template: [template] for template in range(templates)}
        for visit, (template, _) in enumerate(more, templates):
            places[template].append(visit)
        width = max(map(len, places.values()), default=1)
        # One more for lines that fit no template, whose number is -1.
        self._numbers = np.full((width, templates + 1), -1, np.int32)
        for template, numbers in places.items():
            self._numbers[: len(numbers), template] = numbers

    def __len__(self) -> int:
        return len(self.template)

    def of(self, template: Int32, held: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Int32, Int32]:
        """The visits of some events, at least one for each.

        Args:
            template: int32[n], index of each event's template, -1 for none.
            held: bool[k, n], whether the event holds the template's k-th identifier.

        Returns:
            Which event each visit is of, ascending; which identifier it is through (the first has number 0); its
            number, -1 for events of no template.
        """
        numbers = self._numbers[: len(held)][:, template]
        made = held[: len(numbers)] & (numbers >= 0)
        made[0] = True
        event, place = np.nonzero(made.T)
        return event, place.astype(np.int32), numbers[place, event]
