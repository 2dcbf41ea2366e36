"""What the second pass over the logs brings: visits of transactions and counts of values, of lines parsed once."""

from __future__ import annotations

from models.learning.tallies import FieldTallies, TallyReading
from models.learning.visits import VisitReading, VisitSummary
from models.source_reader import Events


class SecondPass:
    """Fills both summaries of the second pass.

    Attributes:
        visits: of transactions.
        tallies: of the values of fields.

    Args:
        reading: how visits are read.
        tallies: what is counted besides.
    """

    def __init__(self, reading: VisitReading, tallies: TallyReading) -> None:
        self.visits = VisitSummary(reading.most)
        self.tallies = FieldTallies(tallies)
        self._parser = reading.parser(tallies.fields())

    def add(self, source: str, events: Events) -> None:
        """Add events of a source."""
        if not len(events):
            return
        parsed = self._parser.parse(events)
        self.visits.add(source, events, self._parser, parsed)
        self.tallies.add(events, parsed, self._parser.wanted)
