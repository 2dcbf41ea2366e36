"""Which transitions of an automaton its drawing shows."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any


def ways_of(automaton: Mapping[str, Any], drawn: AbstractSet[str]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The transitions between the drawn states, the commonest first; none if they do not lead to all of these."""
    transitions = sorted(automaton.get("transitions") or [], key=lambda way: -int(way.get("support") or 0))
    pairs = {(str(way["from"]), str(way["to"])): way for way in transitions}
    ways = {pair: way for pair, way in pairs.items() if drawn >= set(pair)}
    reached = {goal for start, goal in ways if start != goal}
    states = {str(state["id"]): state for state in automaton["states"]}
    lost = any(not states[name].get("begin") and states[name].get("max") != 0 for name in drawn - reached)
    return {} if lost else ways
