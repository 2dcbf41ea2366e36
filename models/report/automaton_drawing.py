"""Draw an automaton as SVG once, and over copies of it what one transaction did and violated.

The plain drawing is defined once in the page (``<g id>``) and each anomaly shows it with ``<use>``, its own marks
under and over it: two hundred anomalies of an automaton of forty states stay small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from models.report.automaton_layout import BOX_WIDTH, GAP_X, GAP_Y, Layout, lay_out
from models.report.automaton_ways import ways_of
from models.report.digest import Anomaly
from models.report.duration_bar import normal_duration
from models.report.text import compact, duration, escape, label, plural, shorten, times

MOST_STATES = 80
_LINE_CHARS = 22
_MOST_ARCS = 6
_PORT = 0.8 * BOX_WIDTH  # red arrows leave and reach boxes beside the arrows of the order, which use the middle
_DOT = 24

MARKERS = "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 .5 8 4 0 7.5z"/></marker>'
    for name in ("tip", "badtip")
)
"""Arrow heads; belong once in the page's ``<defs>``."""


@dataclass(slots=True)
class Marks:
    """What one anomaly marks in the drawing of its automaton.

    Attributes:
        seen: how often each state occurred in the transaction.
        bad: the states violated, with the actual number of occurrences where that is what is wrong.
        absent: the states of ``bad`` that are missing.
        arcs: pairs of states that came in the wrong order.
        jumps: pairs of states with what was wrong on the way from the first to the second.
    """

    seen: Counter[str] = field(default_factory=Counter)
    bad: dict[str, int | None] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    arcs: list[tuple[str, str]] = field(default_factory=list)
    jumps: dict[tuple[str, str], str] = field(default_factory=dict)


def marks_of(anomaly: Anomaly, automaton: Mapping[str, Any]) -> Marks:
    """Find what ``anomaly`` marks in ``automaton``; violations of states that it does not have are left out."""
    states = {str(state["id"]): state for state in automaton["states"]}
    marks = Marks(Counter((anomaly.get("transaction") or {}).get("states") or []))
    for violation in anomaly.get("violations") or []:
        state, other, unit = violation.get("state"), violation.get("other"), violation.get("unit")
        if state not in states:
            continue
        if unit == "occurrences":
            marks.bad[state] = int(violation.get("actual") or 0)
            if violation.get("max") == 0 and other in states:
                marks.bad.setdefault(other, None)
        elif unit in ("transition", "ms"):
            marks.bad.setdefault(state, None)
            if other in states:
                marks.bad.setdefault(other, None)
            if other in states and other != state:
                taken = f"took {duration(float(violation.get('actual') or 0))}"
                hint = "which normally never follows at once" if unit == "transition" else taken
                marks.jumps[state, other] = f"{label(state)} → {label(other)}, {hint}"
        elif unit == "order":
            marks.bad.setdefault(state, None)
            if other in states and other != state:
                marks.bad.setdefault(other, None)
                marks.arcs.append((state, other))
    end = {"missing_begin": "begin", "missing_end": "end"}.get(str(anomaly.get("type")))
    if end:
        marks.bad |= {name: 0 for name, state in states.items() if state.get(end) and not marks.seen[name]}
    marks.absent = {name for name, count in marks.bad.items() if count == 0}
    return marks


class Drawing:
    """The drawing of one automaton: its definition, and copies of it with or without marks."""

    def __init__(self, automaton: Mapping[str, Any], element: str) -> None:
        """Lay out ``automaton``; ``element`` is the id of its definition in the page."""
        states = sorted(automaton["states"], key=lambda state: -int(state.get("support") or 0))
        drawn = {str(state["id"]) for state in states[:MOST_STATES]}
        self.states = [state for state in automaton["states"] if str(state["id"]) in drawn]
        self.left_out = len(automaton["states"]) - len(self.states)
        self.element = element
        self.name = str(automaton.get("name") or automaton.get("id"))
        self._labels = {str(state["id"]): _wrap(label(str(state["id"]))) for state in self.states}
        self._lines = max((len(lines) for lines in self._labels.values()), default=1)
        self._ways = ways_of(automaton, drawn)
        order = sorted(automaton.get("order") or [], key=lambda relation: -int(relation.get("support") or 0))
        relations = list(self._ways) or [(str(relation["before"]), str(relation["after"])) for relation in order]
        self.layout: Layout = lay_out(self.states, relations, 30 + 17 * self._lines, ways=bool(self._ways))

    def definition(self) -> str:
        """The plain drawing as one SVG group, to stand once in the page."""
        parts = [f'<g id="{self.element}">']
        for edge in self.layout.edges:
            path = f"M{edge.points[0][0]:.0f} {edge.points[0][1]:.0f}"
            for (x, y), (to_x, to_y) in pairwise(edge.points):
                middle = (y + to_y) / 2
                straight = abs(x - to_x) < 0.5
                path += (
                    f"V{to_y:.0f}"
                    if straight
                    else f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"
                )
            parts.append(self._way((edge.before, edge.after), "edge", path))
        drawn = {(edge.before, edge.after) for edge in self.layout.edges}
        parts += [self._way(pair, "edge back", self._back(*pair)) for pair in self._ways if pair not in drawn]
        parts += [self._box(state) for state in self.states]
        parts.append("</g>")
        return "".join(parts)

    def _way(self, pair: tuple[str, str], style: str, path: str) -> str:
        """An arrow; of a transition, what is known of it shows when pointed at."""
        arrow = f'<path class="{style}" d="{path}" marker-end="url(#tip)"/>'
        transition = self._ways.get(pair)
        if transition is None:
            return arrow
        hint = f"{label(pair[0])} → {label(pair[1])}: {plural(int(transition.get('support') or 0), 'transaction')}"
        normal = normal_duration(transition.get("min_ms"), transition.get("max_ms"))
        return f"<g><title>{escape(f'{hint}, {normal}' if normal else hint)}</title>{arrow}</g>"

    def _back(self, start: str, goal: str) -> str:
        """The way of an arrow against the run of the drawing, or from a state to itself, at the right of the boxes."""
        (x, y), (to_x, to_y) = self.layout.boxes[start], self.layout.boxes[goal]
        tall, bulge = self.layout.box_height, GAP_X - 4
        low, high = y + 0.35 * tall, to_y + 0.65 * tall
        if start == goal:
            low, high = high, low
        x, to_x = x + BOX_WIDTH, to_x + BOX_WIDTH
        return f"M{x:.0f} {low:.0f}C{x + bulge:.0f} {low:.0f} {to_x + bulge:.0f} {high:.0f} {to_x:.0f} {high:.0f}"

    def _box(self, state: Mapping[str, Any]) -> str:
        name = str(state["id"])
        x, y = self.layout.boxes[name]
        tall = self.layout.box_height
        low, high = int(state.get("min") or 0), state.get("max")
        bounds = (
            "normally never" if high == 0 else f"normal {f'≥ {compact(low)}×' if high is None else times(low, high)}"
        )
        learnt = plural(int(state.get("support") or 0), "transaction")
        hint = f"{shorten(name, 120)} (template {state.get('template')}, learnt from {learnt})"
        parts = [f"<g><title>{escape(hint)}</title>", f'<rect class="box" {self._frame(name)}/>']
        for position, line in enumerate(self._labels[name]):
            parts.append(f'<text class="name" x="{x + 11:.0f}" y="{y + 19 + 17 * position:.0f}">{escape(line)}</text>')
        parts.append(f'<text class="bound" x="{x + 11:.0f}" y="{y + tall - 9:.0f}">{bounds}</text>')
        if state.get("begin"):
            dot = x + _DOT
            parts.append(f'<circle class="dot" cx="{dot:.0f}" cy="{y - 12:.0f}" r="4"/>')
            parts.append(f'<path class="edge" d="M{dot:.0f} {y - 9:.0f}v9"/>')
        if state.get("end"):
            dot, foot = x + _DOT, y + tall
            parts.append(f'<path class="edge" d="M{dot:.0f} {foot:.0f}v7"/>')
            parts.append(f'<circle class="ring" cx="{dot:.0f}" cy="{foot + 12:.0f}" r="5"/>')
            parts.append(f'<circle class="dot" cx="{dot:.0f}" cy="{foot + 12:.0f}" r="2.5"/>')
        parts.append("</g>")
        return "".join(parts)

    def _frame(self, name: str) -> str:
        x, y = self.layout.boxes[name]
        return f'x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{self.layout.box_height:.0f}" rx="7"'

    def copy(self, marks: Marks | None = None) -> str:
        """The drawing as a whole SVG; with ``marks``, the transaction's path tinted and what it violated in red."""
        marks = marks or Marks()
        over = [self._arc(pair, at, marks) for at, pair in enumerate(marks.arcs[:_MOST_ARCS])]
        over += [self._jump(pair, at, hint) for at, (pair, hint) in enumerate([*marks.jumps.items()][:_MOST_ARCS])]
        lanes = 10 + 9 * len(over) if over else 0
        wide, tall = self.layout.width + lanes, self.layout.height
        under = []
        for name in self.layout.boxes:
            if name in marks.bad:
                under.append(f'<rect class="badfill" {self._frame(name)}/>')
                over.append(self._bad(name, marks))
            elif marks.seen[name]:
                under.append(f'<rect class="seen" {self._frame(name)}/>')
                over.append(self._count(name, marks.seen[name], "count"))
        described = f"Automaton {self.name}" + (f"; violated: {', '.join(map(label, marks.bad))}" if marks.bad else "")
        return (
            f'<div class="scroll" tabindex="0" role="group" aria-label="Drawing of the automaton">'
            f'<svg class="automaton" width="{wide:.0f}" height="{tall:.0f}" viewBox="0 0 {wide:.0f} {tall:.0f}" '
            f'role="img" aria-label="{escape(shorten(described, 300))}">'
            f'{"".join(under)}<use href="#{self.element}"/>{"".join(over)}</svg></div>'
        )

    def _count(self, name: str, count: int, style: str) -> str:
        x, y = self.layout.boxes[name]
        place = f'x="{x + BOX_WIDTH - 11:.0f}" y="{y + self.layout.box_height - 9:.0f}"'
        return f'<text class="{style}" {place} text-anchor="end">seen {compact(count)}×</text>'

    def _bad(self, name: str, marks: Marks) -> str:
        x, y = self.layout.boxes[name]
        count = marks.bad[name]
        style = "bad absent" if name in marks.absent else "bad"
        text = self._count(name, marks.seen[name] if count is None else count, "badcount")
        corner = f'cx="{x + BOX_WIDTH - 3:.0f}" cy="{y + 3:.0f}" r="8"'
        return (
            f'<g class="violated" data-state="{escape(name)}"><rect class="{style}" {self._frame(name)}/>{text}'
            f'<circle class="badge" {corner}/><text class="bang" x="{x + BOX_WIDTH - 3:.0f}" y="{y + 7:.0f}" '
            f'text-anchor="middle">!</text></g>'
        )

    def _arc(self, pair: tuple[str, str], lane: int, marks: Marks) -> str:
        """A red arrow from the state that came too early to the one that should have come before it."""
        if not all(name in self.layout.boxes for name in pair):
            return ""
        # The normal order runs downwards, so what went wrong runs upwards; level states as they came.
        first = {name: position for position, name in reversed(list(enumerate(marks.seen)))}
        source, target = sorted(pair, key=lambda name: (-self.layout.layers[name], first.get(name, 0)))
        (x, y), (to_x, to_y) = self.layout.boxes[source], self.layout.boxes[target]
        shift = (lane % 3 - 1) * 6
        x, to_x = x + _PORT + shift, to_x + _PORT + shift
        rise = y - GAP_Y / 2 + shift
        levels = self.layout.layers[source] - self.layout.layers[target]
        foot = to_y + self.layout.box_height
        if levels == 0:
            path = f"M{x:.0f} {y:.0f}V{rise:.0f}H{to_x:.0f}V{to_y:.0f}"
        elif levels == 1:
            path = f"M{x:.0f} {y:.0f}V{rise:.0f}H{to_x:.0f}V{foot:.0f}"
        else:
            aside = self.layout.width + 4 + 9 * lane
            path = f"M{x:.0f} {y:.0f}V{rise:.0f}H{aside:.0f}V{foot + GAP_Y / 2 + shift:.0f}H{to_x:.0f}V{foot:.0f}"
        hint = f"{label(source)} came before {label(target)}"
        return (
            f'<g class="wrong" data-from="{escape(source)}" data-to="{escape(target)}"><title>{escape(hint)}</title>'
            f'<path class="badedge" d="{path}" marker-end="url(#badtip)"/></g>'
        )

    def _jump(self, pair: tuple[str, str], lane: int, hint: str) -> str:
        """A red arrow from a state to the one that followed it."""
        if not all(name in self.layout.boxes for name in pair):
            return ""
        (x, y), (to_x, to_y) = (self.layout.boxes[name] for name in pair)
        shift = (lane % 3 - 1) * 6
        x, to_x = x + _PORT + shift, to_x + _PORT + shift
        down = self.layout.layers[pair[0]] < self.layout.layers[pair[1]]
        leave, reach = (y + self.layout.box_height, to_y) if down else (y, to_y + self.layout.box_height)
        if self.layout.layers[pair[0]] == self.layout.layers[pair[1]]:
            reach = to_y
        away = GAP_Y / 2 + shift
        first = leave + away if down else leave - away
        last = reach - away if reach == to_y else reach + away
        aside = self.layout.width + 4 + 9 * lane
        path = f"M{x:.0f} {leave:.0f}V{first:.0f}"
        if abs(self.layout.layers[pair[0]] - self.layout.layers[pair[1]]) > 1:
            path += f"H{aside:.0f}V{last:.0f}"
        path += f"H{to_x:.0f}V{reach:.0f}"
        return (
            f'<g class="wrong" data-from="{escape(pair[0])}" data-to="{escape(pair[1])}"><title>{escape(hint)}</title>'
            f'<path class="badedge" d="{path}" marker-end="url(#badtip)"/></g>'
        )


def _wrap(text: str) -> list[str]:
    """``text`` in one or two lines that fit in a box; wide characters count double."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}".strip()
        if line and _columns(joined) > _LINE_CHARS:
            lines.append(line)
            line = word
        else:
            line = joined
    lines.append(line)
    if len(lines) > 2:
        lines = [lines[0], f"{lines[1]} …"]
    return [_fit(line) for line in lines]


def _columns(text: str) -> int:
    return sum(2 if ord(character) >= 0x1100 else 1 for character in text)


def _fit(text: str) -> str:
    if _columns(text) <= _LINE_CHARS:
        return text
    while _columns(text) >= _LINE_CHARS:
        text = text[:-1]
    return text.rstrip(" …") + "…"
