"""The stream of log lines: transactions that arrive and interleave, and background lines between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from operator import itemgetter
from random import Random

from models.errors import UserError
from models.sample.background import BACKGROUND, DAY, FOREIGN, FOREIGN_WITH_ID, NIGHT
from models.sample.fields import Render, Renderer, Value, identifier_maker
from models.sample.injection import INJECTABLE, Course, inject
from models.sample.shop import WORKFLOWS
from models.sample.truth import Injected
from models.sample.workflows import Workflow

HOUR_MS = 3_600_000
_MILLIS = tuple(f",{ms:03d} " for ms in range(1000))
_SECONDS = tuple(f":{s:02d}" for s in range(60))
_BATCH = 500
"""Transactions drawn before finished lines are put in order and handed on."""
_LONGEST_MS = max(workflow.max_ms for workflow in WORKFLOWS)
_REUSE_SHARE = 0.1
_REUSE_PAUSE = 30
"""An identifier rests for this many times its workflow's longest normal duration before it is used again."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How dense the traffic is.

    Attributes:
        per_hour: transactions per hour, averaged over the day.
        background: background lines per transaction.
        quiet: time without new transactions at the end, in multiples of the longest normal duration of any workflow,
            counted from the last line of the last transaction.
        too_long_factor: range of the duration of ``too_long`` transactions, in multiples of the longest normal one.
        reuse_identifiers: some identifiers come back after a long pause.
    """

    per_hour: float = 360.0
    background: float = 4.0
    quiet: float = 10.0
    too_long_factor: tuple[float, float] = (2.5, 3.5)
    reuse_identifiers: bool = False

    def __post_init__(self) -> None:
        """Check the ranges; raises :class:`UserError`."""
        if self.per_hour <= 0 or self.background <= 0:
            raise UserError(
                f"rates must be above 0, not {self.per_hour} per hour and {self.background} background lines"
            )
        if self.quiet < 0:
            raise UserError(f"the quiet time at the end must not be negative, not {self.quiet}")
        if not 1 < self.too_long_factor[0] <= self.too_long_factor[1]:
            raise UserError(f"the factor of too long transactions must rise from above 1, not {self.too_long_factor}")


@dataclass(slots=True)
class _Mark:
    """An anomaly on its way to its line."""

    type: str
    transaction: str | None
    workflow: str | None
    note: str


_Line = tuple[int, str, _Mark | None]
"""Time in epoch ms, text after the timestamp, its mark."""


class _Maker:
    """Makes the lines of one workflow's transactions."""

    def __init__(self, workflow: Workflow, rng: Random, renderer: Renderer, rates: Rates) -> None:
        self.workflow = workflow
        self._rng = rng
        self._rates = rates
        self._fresh: Value = identifier_maker(workflow.name, rng)
        self._carried = [renderer.value(name) for name in workflow.carried]
        self._render: dict[str, Render] = {s.name: renderer.render(s.text, workflow.carried) for s in workflow.states}
        self._gap = {s.name: s.gap for s in workflow.states}
        # (free again at, identifier), oldest first; bounded, so that an endless stream needs no more memory.
        self._used: deque[tuple[int, str]] = deque(maxlen=1000)

    def course(self) -> Course:
        """A normal course."""
        return Course(self.workflow.draw_states(self._rng), self.workflow.draw_duration(self._rng))

    def lines(self, course: Course, start_ms: int, kind: str | None) -> tuple[str, list[_Line]]:
        """The identifier and the lines of a transaction of that course, which has the anomaly ``kind``."""
        uniform, gap, render = self._rng.random, self._gap, self._render
        states = course.states
        passed = list(accumulate([gap[state] * (0.4 + 1.2 * uniform()) for state in states[1:]], initial=0.0))
        scale = course.duration_ms / passed[-1]
        identifier = self._identifier(start_ms, start_ms + course.duration_ms)
        context = [identifier, *[value() for value in self._carried]]
        lines: list[_Line] = [
            (start_ms + int(at * scale + 0.5), render[state](context), None)
            for at, state in zip(passed, states, strict=True)
        ]
        if kind is not None:
            ms, text, _ = lines[course.shows_at]
            lines[course.shows_at] = ms, text, _Mark(kind, identifier, self.workflow.name, course.note)
        return identifier, lines

    def _identifier(self, start_ms: int, end_ms: int) -> str:
        if not self._rates.reuse_identifiers:
            return self._fresh()
        used = self._used
        if used and used[0][0] < start_ms and self._rng.random() < _REUSE_SHARE:
            identifier = used.popleft()[1]
        else:
            identifier = self._fresh()
        used.append((end_ms + _REUSE_PAUSE * self.workflow.max_ms, identifier))
        return identifier


class Traffic:
    """One or more logs, one after the other, each drawn once from front to back by :meth:`batches`.

    Attributes:
        now_ms: time reached, epoch ms.
        lines: physical lines handed on since the file began.
        continued: those among them that continue the line before.
        transactions: transactions since the file began.
        anomalies: injected anomalies whose line has been handed on, by line number.


    Args:
        rng: the only source of chance.
        start_ms: time of the beginning, epoch ms.
        rates: how dense the traffic is.
    """

    def __init__(self, rng: Random, start_ms: int, rates: Rates) -> None:
        self._rng = rng
        self._rates = rates
        renderer = Renderer(rng)
        self._makers = [_Maker(workflow, rng, renderer, rates) for workflow in WORKFLOWS]
        hours = [[w.share * (NIGHT if w.by_night else DAY)[hour] for w in WORKFLOWS] for hour in range(24)]
        self._chances = [list(accumulate(shares)) for shares in hours]
        self._background = [renderer.render(text) for _, text in BACKGROUND]
        self._background_chances = list(accumulate(share for share, _ in BACKGROUND))
        self._foreign = [renderer.render(text) for text in FOREIGN]
        self._foreign_with_id = [renderer.render(text) for text in FOREIGN_WITH_ID]
        self._foreign_made = 0
        self._prefix = (-1, "")
        self.now_ms = start_ms
        self.begin_file()

    def begin_file(self) -> None:
        """Count lines, transactions and anomalies from here on; time and identifiers go on."""
        self.lines = 0
        self.continued = 0
        self.transactions = 0
        self.anomalies: list[Injected] = []

    def batches(
        self, transactions: int | None, anomaly_of: Callable[[int], tuple[str, int] | None]
    ) -> Iterator[list[str]]:
        """The log, a batch of events at a time; an event ends without a line break and may hold continuation lines.

        Args:
            transactions: how many; None for an endless log.
            anomaly_of: for the index of a transaction: None for a normal one, or the type of its anomaly and a whole
                number that spreads anomalies over workflows (and unmatched lines over their kinds).
        """
        pending: list[_Line] = []
        last_ms = background_ms = self.now_ms
        background_rate = self._rates.per_hour * self._rates.background / HOUR_MS
        # Background traffic goes on for a while before the first transaction.
        self.now_ms += HOUR_MS // 60
        index = 0
        while transactions is None or index < transactions:
            chances = self._chances[self.now_ms // HOUR_MS % 24]
            self.now_ms += 1 + int(self._rng.expovariate(self._rates.per_hour * chances[-1] / HOUR_MS))
            background_ms = self._add_background(pending, background_ms, self.now_ms, background_rate * chances[-1])
            lines = self._transaction(chances, anomaly_of(index))
            pending += lines
            last_ms = max(last_ms, lines[-1][0])
            index += 1
            if index % _BATCH == 0:
                yield self._finish(pending, self.now_ms)
        end_ms = last_ms + int(self._rates.quiet * _LONGEST_MS)
        while self.now_ms < end_ms:
            chances = self._chances[self.now_ms // HOUR_MS % 24]
            self.now_ms = min(end_ms, self.now_ms + HOUR_MS)
            background_ms = self._add_background(pending, background_ms, self.now_ms, background_rate * chances[-1])
            yield self._finish(pending, self.now_ms)
        # The very last line, whatever the background rate, so that time is seen to pass until the end.
        self._add_background_line(pending, end_ms)
        yield self._finish(pending, end_ms + 1)

    def _transaction(self, chances: list[float], anomaly: tuple[str, int] | None) -> list[_Line]:
        self.transactions += 1
        if anomaly is None:
            maker = self._pick(chances)
            return maker.lines(maker.course(), self.now_ms, None)[1]
        kind, spread = anomaly
        if kind not in INJECTABLE:
            return self._with_foreign_line(self._pick(chances), spread)
        maker = self._makers[spread % len(self._makers)]
        course = maker.course()
        inject(kind, course, maker.workflow, self._rng, self._rates.too_long_factor)
        return maker.lines(course, self.now_ms, kind)[1]

    def _pick(self, chances: list[float]) -> _Maker:
        drawn = self._rng.random() * chances[-1]
        return next(maker for maker, chance in zip(self._makers, chances, strict=True) if drawn < chance)

    def _with_foreign_line(self, maker: _Maker, spread: int) -> list[_Line]:
        """A normal transaction, and within its time a line of an unknown kind that names it or not."""
        identifier, lines = maker.lines(maker.course(), self.now_ms, None)
        place = 1 + int(self._rng.random() * (len(lines) - 1))
        ms = lines[place][0]
        if spread % 2:
            text = self._foreign_with_id[spread // 2 % len(self._foreign_with_id)]([identifier])
            mark = _Mark("unmatched_log", identifier, maker.workflow.name, "a line of an unknown kind in a transaction")
        else:
            text = self._foreign[spread // 2 % len(self._foreign)]([])
            mark = _Mark("unmatched_log", None, None, "a line of an unknown kind")
        lines.insert(place, (ms, text, mark))
        return lines

    def _add_background(self, pending: list[_Line], at_ms: int, until_ms: int, rate: float) -> int:
        """Add background lines from ``at_ms`` to before ``until_ms``; returns the time of the next one."""
        while at_ms < until_ms:
            self._add_background_line(pending, at_ms)
            at_ms += 1 + int(self._rng.expovariate(rate))
        return at_ms

    def _add_background_line(self, pending: list[_Line], at_ms: int) -> None:
        drawn = self._rng.random() * self._background_chances[-1]
        kinds = zip(self._background, self._background_chances, strict=True)
        render = next(render for render, chance in kinds if drawn < chance)
        pending.append((at_ms, render(()), None))

    def _finish(self, pending: list[_Line], until_ms: int) -> list[str]:
        """Take the lines before ``until_ms`` from ``pending``, in order, with their timestamps."""
        # A stable sort: lines of one transaction at the same time stay in their order.
        pending.sort(key=itemgetter(0))
        ready = len(pending)
        while ready and pending[ready - 1][0] >= until_ms:
            ready -= 1
        events = []
        minute_before, prefix = self._prefix
        for ms, text, mark in pending[:ready]:
            minute, rest = divmod(ms, 60_000)
            if minute != minute_before:
                minute_before, prefix = minute, f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%d %H:%M}"
            self.lines += 1
            if mark is not None:
                self.anomalies.append(Injected(mark.type, mark.transaction, self.lines, mark.workflow, mark.note))
            more = text.count("\n")
            self.lines += more
            self.continued += more
            events.append(f"{prefix}{_SECONDS[rest // 1000]}{_MILLIS[rest % 1000]}{text}")
        self._prefix = minute_before, prefix
        del pending[:ready]
        return events
