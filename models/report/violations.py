"""Say in words what a transaction violated, what it passed, and which lines of the evidence are to blame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from models.report.duration_bar import normal_duration
from models.report.text import duration, escape, label, number, times

_MOST_STEPS = 40
_MOST_LINES = 30
_PLACEHOLDER = re.compile(r"%\{[^}]*\}")
_ESCAPED = re.compile(r"\\(\W)")


def sentence(violation: Mapping[str, Any], automaton: Mapping[str, Any]) -> str:
    """One violation as a plain sentence."""
    state, other, unit = violation.get("state"), violation.get("other"), violation.get("unit")
    actual, low, high = violation.get("actual"), violation.get("min"), violation.get("max")
    name = f"“{label(str(state))}”" if state else "The transaction"
    mate = f"“{label(str(other))}”" if other else ""
    if unit == "ms":
        way = f"From {name} to {mate} it took" if mate else "Took"
        took = f"{way} {duration(float(actual or 0))}"
        normal = normal_duration(low, high)
        return f"{took}; normal is {normal}." if normal else f"{took}."
    if unit == "transition":
        return f"{name} was followed by {mate}, which normally never follows it at once."
    if unit == "order":
        return _order_sentence(str(state), str(other) if other else "", automaton)
    count = int(actual or 0)
    if mate and high == 0:
        return f"{name} occurred although {mate} did; normally never both."
    if mate and count == 0:
        return f"{name} is missing, though {mate} occurred."
    if count == 0:
        return f"{name} is missing; normal is {times(low, high)}."
    if mate and low is None and high is None:
        return f"{name} occurred {number(count)}×, not as often as {mate}."
    if high == 0:
        return f"{name} occurred {number(count)}×; normally it never does."
    tail = f", as often as {mate}" if mate else ""
    return f"{name} occurred {number(count)}×; normal is {times(low, high)}{tail}."


def _order_sentence(state: str, other: str, automaton: Mapping[str, Any]) -> str:
    states = {str(item["id"]): item for item in automaton["states"]}
    relations = {(str(item["before"]), str(item["after"])) for item in automaton.get("order") or []}
    one, two = f"“{label(state)}”", f"“{label(other)}”"
    if not other:
        return f"{one} came at the wrong place."
    if (other, state) in relations:
        return f"{two} should come before {one}."
    if (state, other) in relations:
        return f"{one} should come before {two}."
    for name, this, that in ((state, one, two), (other, two, one)):
        if states.get(name, {}).get("begin"):
            return f"{this} should come first, but {that} came before it."
        if states.get(name, {}).get("end"):
            return f"{this} should come last, but {that} came after it."
    return f"{one} and {two} came in the wrong order."


def steps(states: Sequence[str], bad: Mapping[str, object]) -> str:
    """What the transaction passed, as a list in HTML; repeats are counted, violated states marked."""
    runs = [(name, sum(1 for _ in run)) for name, run in groupby(states)]
    parts = ['<ol class="steps">']
    for name, count in runs[:_MOST_STEPS]:
        times_text = f" <b>×{count:,}</b>" if count > 1 else ""
        style = ' class="hit"' if name in bad else ""
        parts.append(f'<li{style} title="{escape(name)}">{escape(label(name))}{times_text}</li>')
    if len(runs) > _MOST_STEPS:
        parts.append(f'<li class="more">and {len(runs) - _MOST_STEPS:,} more</li>')
    parts.append("</ol>")
    return "".join(parts)


def constants(grok: str) -> list[str]:
    """The constant texts of a Grok template, unescaped, in order."""
    return [text for part in _PLACEHOLDER.split(grok) if (text := _ESCAPED.sub(r"\1", part)).strip()]


def blamed_lines(
    texts: Sequence[str], bad: Mapping[str, object], automaton: Mapping[str, Any], groks: Mapping[str, str]
) -> set[int]:
    """Indices of the texts that are events of a violated state.

    A line belongs to the state whose template has the longest constant text found in it, in order.
    """
    parts = {str(state["id"]): constants(groks.get(str(state["template"]), "")) for state in automaton["states"]}
    ranked = sorted((item for item in parts.items() if item[1]), key=lambda item: -sum(map(len, item[1])))
    if not any(name in bad for name, _ in ranked):
        return set()
    result = set()
    for index, text in enumerate(texts[:_MOST_LINES]):
        owner = next((name for name, words in ranked if _holds(text, words)), None)
        if owner in bad:
            result.add(index)
    return result


def _holds(text: str, words: Sequence[str]) -> bool:
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return True
