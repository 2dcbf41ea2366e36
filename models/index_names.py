"""Which index a document goes to: the same one whenever it is written, so that writing it again overwrites it."""

from __future__ import annotations

import re
from dataclasses import dataclass

ANOMALY = "anomaly"
DEAD_LETTER = "dead_letter"
KINDS = (ANOMALY, DEAD_LETTER)
"""What kinds of documents there are."""

DAILY = "daily"
ILM = "ilm"

UNDATED = "undated"
_PLURALS = {ANOMALY: "anomalies", DEAD_LETTER: "dead-letters"}
TIME_KEYS = {ANOMALY: "@timestamp", DEAD_LETTER: "timestamp"}
"""Where the time of a document of each kind stands in it."""

_DAY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T", re.ASCII)
_FIRST_YEAR = 1970
_YEARS_AHEAD = 10


def family(prefix: str, kind: str) -> str:
    """What the names of all indices of a kind begin with."""
    return f"{prefix}-{_PLURALS[kind]}"


@dataclass(frozen=True, slots=True)
class IndexNames:
    """Names of indices.

    By day of the document's own time, for the year of ``year``, the one before and the ten after it. Replays of older
    logs would make an index of each day of many years, more than a node takes: from 1970 on these go by year. Whatever
    is further away, or has no time, is ``undated``. So the number of indices is bounded, whatever the logs say.

    Attributes:
        prefix: what all names begin with.
        year: the year in which the job was started; a part of the job, so that it is the same after a failure.
        rollover: :data:`DAILY`, or :data:`ILM`: then all go to one alias, and Elasticsearch begins new indices.
    """

    prefix: str
    year: int
    rollover: str = DAILY

    def of(self, kind: str, time: str) -> str:
        """The index (or alias) for a document of one of :data:`KINDS`, with its time (ISO 8601, UTC) or ""."""
        if self.rollover == ILM:
            return family(self.prefix, kind)
        return f"{family(self.prefix, kind)}-{self._period(time)}"

    def _period(self, time: str) -> str:
        found = _DAY.match(time)
        if found is None:
            return UNDATED
        year = int(found[1])
        if not _FIRST_YEAR <= year <= self.year + _YEARS_AHEAD:
            return UNDATED
        return f"{found[1]}.{found[2]}.{found[3]}" if year >= self.year - 1 else found[1]
