"""Lay an automaton out in layers, from begin to end: where its states stand and how the order's arrows run.

The layered method of Sugiyama, Tagawa and Toda (1981), in its simplest form: order relations without cycles, their
transitive reduction, layers by longest path with a limit of states a layer, barycentre sweeps against crossings, and
places by least squares under the order of the layer (isotonic regression).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

BOX_WIDTH = 200
GAP_X = 22
GAP_Y = 34
MARGIN = 26
MOST_COLUMNS = 4
_WAYPOINT = 10
_SWEEPS = 8

Point = tuple[float, float]
Relation = tuple[str, str]
Item = str | tuple[str, str, int]
"""What stands in a layer: a state, or the waypoint (before, after, layer) of an arrow that passes it."""
Neighbours = Mapping[Item, list[Item]]


@dataclass(slots=True, frozen=True)
class Edge:
    """An arrow of the order: from the foot of ``before`` through the gaps between boxes to the head of ``after``."""

    before: str
    after: str
    points: tuple[Point, ...]


@dataclass(slots=True)
class Layout:
    """Places of an automaton's states.

    Attributes:
        width: of the drawing.
        height: of the drawing.
        box_height: height of every state's box; all are :data:`BOX_WIDTH` wide.
        boxes: left upper corner of each state's box.
        layers: layer of each state, 0 on top.
        edges: the arrows.
    """

    width: float
    height: float
    box_height: float
    boxes: dict[str, Point] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def reduce_order(
    names: Sequence[str], relations: Sequence[Relation], ways: bool = False
) -> tuple[list[Relation], dict[str, int]]:
    """Drop the relations that close a cycle and those that follow from others.

    Args:
        names: the states.
        relations: (before, after), the most trusted first: of a cycle, the last named goes. Unknown states are ignored.
        ways: the relations are ways that are taken; none follows from others.

    Returns:
        The relations left, and for each state how many states come before it: a topological order.
    """
    index = {name: position for position, name in enumerate(names)}
    after = [0] * len(names)  # bit sets: all states that come after, however many steps away
    direct: list[Relation] = []
    for before, later in dict.fromkeys(relations):
        if before not in index or later not in index:
            continue
        u, v = index[before], index[later]
        if u == v or after[v] >> u & 1:
            continue
        direct.append((before, later))
        gain = after[v] | 1 << v
        for w, reached in enumerate(after):
            if w == u or reached >> u & 1:
                after[w] = reached | gain
    following: dict[str, int] = dict.fromkeys(names, 0)
    for before, later in direct:
        following[before] |= after[index[later]]
    kept = [(before, later) for before, later in direct if ways or not following[before] >> index[later] & 1]
    depth = {name: sum(reached >> position & 1 for reached in after) for name, position in index.items()}
    return kept, depth


def assign_layers(
    states: Sequence[Mapping[str, Any]], relations: Sequence[Relation], depth: Mapping[str, int]
) -> dict[str, int]:
    """Layer of each state: below all that come before it, begin states on top, end states at the bottom."""
    before: dict[str, list[str]] = {str(state["id"]): [] for state in states}
    after: dict[str, list[str]] = {name: [] for name in before}
    for first, second in relations:
        before[second].append(first)
        after[first].append(second)
    order = sorted(before, key=lambda name: depth[name])  # stable: ties stay in the order of the model
    begins = {str(state["id"]) for state in states if state.get("begin")}
    ends = {str(state["id"]) for state in states if state.get("end")}
    final: set[str] = set()
    for name in reversed(order):
        if name in ends and all(later in final for later in after[name]):
            final.add(name)
    layers: dict[str, int] = {}
    filled: dict[int, int] = {}

    def place(name: str, lowest: int) -> None:
        layer = max([lowest, *(layers[earlier] + 1 for earlier in before[name])])
        while filled.get(layer, 0) >= MOST_COLUMNS:
            layer += 1
        layers[name] = layer
        filled[layer] = filled.get(layer, 0) + 1

    for name in order:
        if name not in final:
            place(name, 0 if name in begins or not begins else 1)
    bottom = max(layers.values(), default=-1) + 1
    for name in order:
        if name in final:
            place(name, bottom)
    used = {layer: position for position, layer in enumerate(sorted(set(layers.values())))}
    return {name: used[layer] for name, layer in layers.items()}


def lay_out(
    states: Sequence[Mapping[str, Any]], relations: Sequence[Relation], box_height: float, ways: bool = False
) -> Layout:
    """Lay out ``states`` (at least one) with the order ``relations``, or the ``ways`` between them; deterministic."""
    names = [str(state["id"]) for state in states]
    kept, depth = reduce_order(names, relations, ways)
    layers = assign_layers(states, kept, depth)
    rows: list[list[Item]] = [[] for _ in range(max(layers.values()) + 1)]
    for name in sorted(names, key=lambda name: depth[name]):
        rows[layers[name]].append(name)
    chains: list[list[Item]] = []
    for first, second in kept:
        between = [(first, second, layer) for layer in range(layers[first] + 1, layers[second])]
        for point in between:
            rows[point[2]].append(point)
        chains.append([first, *between, second])
    up: dict[Item, list[Item]] = {item: [] for row in rows for item in row}
    down: dict[Item, list[Item]] = {item: [] for item in up}
    for chain in chains:
        for one, two in pairwise(chain):
            down[one].append(two)
            up[two].append(one)
    rows = _uncross(rows, up, down)
    centre = _places(rows, up, down)
    left = min(centre[name] for name in names) - BOX_WIDTH / 2
    left = min(left, *centre.values()) - MARGIN
    right = max(max(centre[name] for name in names) + BOX_WIDTH / 2, *centre.values()) + MARGIN
    layout = Layout(right - left, 2 * MARGIN + len(rows) * (box_height + GAP_Y) - GAP_Y, box_height, layers=layers)
    for name in names:
        top = MARGIN + layers[name] * (box_height + GAP_Y)
        layout.boxes[name] = (centre[name] - BOX_WIDTH / 2 - left, top)
    for chain in chains:
        layout.edges.append(_edge(chain, layout, {item: place - left for item, place in centre.items()}))
    return layout


def _edge(chain: Sequence[Item], layout: Layout, centre: Mapping[Item, float]) -> Edge:
    first, last = str(chain[0]), str(chain[-1])
    points: list[Point] = [(centre[first], layout.boxes[first][1] + layout.box_height)]
    for item in chain[1:-1]:
        top = MARGIN + int(item[2]) * (layout.box_height + GAP_Y)
        points += [(centre[item], top), (centre[item], top + layout.box_height)]
    points.append((centre[last], layout.boxes[last][1]))
    return Edge(first, last, tuple(points))


def _uncross(rows: list[list[Item]], up: Neighbours, down: Neighbours) -> list[list[Item]]:
    """Sort each row by the mean place of its neighbours above, then below, and so on; the best order seen wins."""
    best, fewest = [list(row) for row in rows], _crossings(rows, down)
    rows = [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        downward = sweep % 2 == 0
        for layer in range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1):
            near = up if downward else down
            place = {item: at for at, item in enumerate(rows[layer - 1 if downward else layer + 1])}
            now = {item: float(at) for at, item in enumerate(rows[layer])}
            mean = {i: sum(place[n] for n in near[i]) / len(near[i]) if near[i] else now[i] for i in rows[layer]}
            rows[layer].sort(key=mean.__getitem__)
        count = _crossings(rows, down)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def _crossings(rows: Sequence[Sequence[Item]], down: Neighbours) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        place = {item: at for at, item in enumerate(lower)}
        ends = [at for item in upper for at in sorted(place[below] for below in down[item])]
        total += sum(later < earlier for k, earlier in enumerate(ends) for later in ends[k + 1 :])
    return total


def _places(rows: Sequence[Sequence[Item]], up: Neighbours, down: Neighbours) -> dict[Item, float]:
    """Centre of each item: near its neighbours' mean, without overlap, in the order of the row."""

    def width(item: Item) -> float:
        return BOX_WIDTH if isinstance(item, str) else _WAYPOINT

    centre: dict[Item, float] = {}
    shifts: list[list[float]] = []  # distance of each item from the first of its row when packed tightly
    for row in rows:
        shift = [0.0]
        for one, two in pairwise(row):
            shift.append(shift[-1] + (width(one) + width(two)) / 2 + GAP_X)
        shifts.append(shift)
        centre |= {item: at - shift[-1] / 2 for item, at in zip(row, shift, strict=True)}
    for sweep in range(2 * _SWEEPS):
        backward = sweep % 2 == 1
        for layer in range(len(rows) - 1, -1, -1) if backward else range(len(rows)):
            row, shift = rows[layer], shifts[layer]
            near = {item: (down[item] if backward else up[item]) or up[item] or down[item] for item in row}
            want = [
                sum(centre[n] for n in near[item]) / len(near[item]) if near[item] else centre[item] for item in row
            ]
            fitted = isotonic([place - at for place, at in zip(want, shift, strict=True)])
            centre |= {item: place + at for item, place, at in zip(row, fitted, shift, strict=True)}
    return centre


def isotonic(values: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to ``values`` (least squares), by pooling adjacent violators."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, size = value, 1
        while pools and pools[-1][0] * size > total * pools[-1][1]:
            earlier, count = pools.pop()
            total, size = total + earlier, size + count
        pools.append((total, size))
    return [total / size for total, size in pools for _ in range(size)]
