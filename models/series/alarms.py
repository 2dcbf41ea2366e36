"""From evidence to alarms: habituation, and a quiet time after each alarm.

Every alarm lifts the threshold for the next, and the lift decays: a series that is unusual all the time has to become
more so (habituation; the term is R. F. Thompson's and W. A. Spencer's, 1966). After an alarm there is a quiet time, in
which what goes on of the same anomaly is not reported again; it grows with the age of the series, as what is normal is
then known better, and a row that is new among thousands means less haste.
"""

from __future__ import annotations

from math import exp

from models.series.settings import Settings

ALARM_SCORE = 0.5
"""Scores from here on are alarms."""


class Alarms:
    """Decides row by row.

    Args:
        settings: threshold, habituation and quiet time.
        habituation: how many alarms are remembered, as of ``last``.
        last: row of the last alarm; None for none yet.
    """

    __slots__ = ("_settings", "habituation", "last")

    def __init__(self, settings: Settings, habituation: float = 0.0, last: int | None = None) -> None:
        self._settings = settings
        self.habituation = habituation
        self.last = last

    def score(self, row: int, evidence: float) -> float:
        """The anomaly score of a row, from 0 to 1; from ``ALARM_SCORE`` on it is an alarm, which is remembered.

        Args:
            row: its number, from 0; they rise.
            evidence: from 0 on.
        """
        if evidence >= self._settings.threshold:
            remembered = self._remembered(row)
            over = evidence - self._settings.threshold - self._settings.habituation * remembered
            if over >= 0.0 and not self._is_quiet(row):
                self.habituation, self.last = remembered + 1.0, row
                return 1.0 - 0.5 * 2.0**-over
        # Evidence is 32 at most, with all channels at their highest: this stays below the score of an alarm.
        return ALARM_SCORE * (1.0 - 2.0**-evidence)

    def _remembered(self, row: int) -> float:
        if self.last is None:
            return 0.0
        return self.habituation * exp((self.last - row) / self._settings.habituation_rows)

    def _is_quiet(self, row: int) -> bool:
        if self.last is None:
            return False
        own = self._settings
        return row - self.last < min(max(own.quiet_share * row, own.quiet_least_rows), own.quiet_most_rows)
