"""A source's clock, one timestamp at a time."""

from __future__ import annotations


class SlowClock:
    """Suspects wait until three in a row agree, one is near the belief, or the source ends.

    The first ones of a source wait also until one is near the time that it came with, or the source falls silent.
    """

    def __init__(self, max_leap_ms):
        self.max_leap = max_leap_ms
        self.belief = None
        self.clock = None
        self.waiting = []
        self.verdicts = []
        """(event time, believed, direction, clock just after it) of all that is decided."""

    def tell(self, t, told=None):
        if self.belief is not None and abs(t - self.belief) <= self.max_leap:
            self.refuse()
            self.believe(t)
            self.belief = max(self.belief, t)
            return
        if self.waiting and abs(t - self.waiting[-1]) > self.max_leap:
            self.refuse()
        self.waiting.append(t)
        if len(self.waiting) == 3 or (self.belief is None and told is not None and abs(t - told) <= self.max_leap):
            self.confirm()

    def flush(self):
        if self.belief is None:
            self.confirm()

    def end(self):
        if self.belief is None:
            self.confirm()
        else:
            self.refuse()

    def confirm(self):
        if self.waiting:
            self.belief = max(self.waiting)
        for t in self.waiting:
            self.believe(t)
        self.waiting = []

    def believe(self, t):
        self.clock = t if self.clock is None else max(self.clock, t)
        self.verdicts.append((t, True, "", self.clock))

    def refuse(self):
        for t in self.waiting:
            way = "stray" if self.belief is None else "ahead" if t > self.belief else "behind"
            self.verdicts.append((t, False, way, self.clock))
        self.waiting = []
