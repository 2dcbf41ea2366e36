"""When too much of a source cannot be read to be an accident.

A line here and there that cannot be read is told as a dead letter and the job goes on. When nearly nothing can be read,
something given is wrong: the format, the encoding, the model's timestamps. Then it is better to stop and say so than to
write a dead letter for each line of a large topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import UserError


class DeadLetterLimitError(UserError):
    """More of a source cannot be read than the configuration allows."""


@dataclass(slots=True, frozen=True)
class LimitSettings:
    """How much of a source may be unreadable.

    Attributes:
        max_ratio: the largest share of lines that may be dead letters; 1 for no limit.
        min_lines: the fewest lines of which a share is taken.
        max_consecutive: how many dead letters may come in a row; 0 for no limit.
    """

    max_ratio: float = 1.0
    min_lines: int = 100_000
    max_consecutive: int = 1_000_000


@dataclass(slots=True, frozen=True)
class Runs:
    """How many of successive lines could not be read in a row.

    Attributes:
        leading: how many before the first line that could be read.
        longest: how many at most.
        trailing: how many after the last line that could be read.
    """

    leading: int = 0
    longest: int = 0
    trailing: int = 0

    @classmethod
    def of(cls, dead: npt.NDArray[np.bool_]) -> Runs:
        """The runs of n lines; ``dead``: bool[n], which of them could not be read."""
        runs = np.diff(np.flatnonzero(~dead), prepend=-1, append=len(dead)) - 1
        return cls(int(runs[0]), int(runs.max()), int(runs[-1]))


class DeadLetterLimit:
    """Counts the dead letters of one source.

    The share is that of the last lines: ``min_lines`` of them at least, and less than twice as many beyond the batch at
    hand. So neither a bad stretch long ago nor the first few lines stop a job.

    Args:
        settings: how many there may be.
        record: what :meth:`to_record` gave, to go on from there; None to begin.

    Raises:
        ValueError: the record has a version that is not known.
    """

    VERSION = 1

    def __init__(self, settings: LimitSettings, record: Mapping[str, Any] | None = None) -> None:
        self._settings = settings
        self._run = 0
        self._stretch = self._before = (0, 0)
        """(lines, dead letters) of the stretch at hand, and of the one before it, which is ``min_lines`` long."""
        if record is not None:
            if record.get("version") != self.VERSION:
                raise ValueError(
                    f"state of dead letters has version {record.get('version')!r}; known is {self.VERSION}"
                )
            self._run = record["run"]
            self._stretch = tuple(record["stretch"])
            self._before = tuple(record["before"])

    def to_record(self) -> dict[str, Any]:
        """What is remembered, as plain JSON values."""
        return {
            "version": self.VERSION,
            "run": self._run,
            "stretch": list(self._stretch),
            "before": list(self._before),
        }

    def count(self, source: str, lines: int, dead: int, runs: Runs | None = None, reason: str = "") -> None:
        """Count the next lines of the source.

        Args:
            source: its name, for the message.
            lines: how many lines.
            dead: how many of them are dead letters.
            runs: how they come in a row; None: not known, only lines that are dead without exception then make a row.
            reason: of the last dead letter, for the message.

        Raises:
            DeadLetterLimitError: there are too many dead letters.
        """
        whole = dead == lines
        runs = runs or (Runs(dead, dead, dead) if whole else Runs())
        longest = max(runs.longest, self._run + runs.leading)
        self._run = self._run + dead if whole else runs.trailing
        most = self._settings.max_consecutive
        if 0 < most < longest:
            raise _error(
                source,
                f"{longest:,} lines in a row cannot be read, more than dead_letters.max_consecutive ({most:,}) allows",
                "dead_letters.max_consecutive (0 is no limit)",
                reason,
            )
        self._stretch = (self._stretch[0] + lines, self._stretch[1] + dead)
        told, lost = self._stretch[0] + self._before[0], self._stretch[1] + self._before[1]
        least, ratio = max(1, self._settings.min_lines), self._settings.max_ratio
        if ratio < 1 and told >= least and lost > ratio * told:
            raise _error(
                source,
                f"{lost:,} of the last {told:,} lines cannot be read ({lost / told:.1%}), more than "
                f"dead_letters.max_ratio ({ratio:.1%}) allows",
                "dead_letters.max_ratio (1 is no limit)",
                reason,
            )
        if self._stretch[0] >= least:
            self._before, self._stretch = self._stretch, (0, 0)


def _error(source: str, what: str, limit: str, reason: str) -> DeadLetterLimitError:
    last = f" The last one: {reason}." if reason else ""
    return DeadLetterLimitError(
        f"{source}: {what}.{last} The dead letters show the lines: if the log is right, mend input.format, "
        f"input.encoding or the model's timestamp formats; if it is not, raise {limit}."
    )
