"""A pattern that takes everything that several patterns and texts take: for a field where templates differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from models.grok import compile_grok
from models.mining.fields import pattern_of

NO_BLANK = frozenset(
    [
        "INT", "NONNEGINT", "POSINT", "BASE10NUM", "NUMBER", "HEX", "BASE16NUM", "BASE16FLOAT", "WORD", "NOTSPACE",
        "USERNAME", "USER", "EMAILLOCALPART", "EMAILADDRESS", "UUID", "URN", "LOGLEVEL", "MAC", "COMMONMAC",
        "WINDOWSMAC", "CISCOMAC", "IPV4", "IPV6", "IP", "HOSTNAME", "HOST", "IPORHOST", "HOSTPORT", "UNIXPATH",
        "WINPATH", "PATH", "TTY", "URIPROTO", "URIHOST", "URIPATH", "URIPARAM", "URIPATHPARAM", "URI", "MONTH", "DAY",
        "MONTHNUM", "MONTHDAY", "YEAR", "HOUR", "MINUTE", "SECOND", "TIME", "DATE", "DATE_US", "DATE_EU", "TZ",
        "ISO8601_TIMEZONE", "PROG", "SYSLOGPROG", "SYSLOGHOST", "JAVACLASS",
    ]
)  # fmt: skip
"""Standard patterns that take at least one character, and no blank."""

WIDER: Mapping[str, frozenset[str]] = {
    "INT": frozenset({"NONNEGINT", "POSINT"}),
    "NUMBER": frozenset({"INT", "NONNEGINT", "POSINT", "BASE10NUM"}),
    "IP": frozenset({"IPV4", "IPV6"}),
    "IPORHOST": frozenset({"IP", "IPV4", "IPV6", "HOSTNAME", "HOST", "NONNEGINT", "POSINT"}),
    "PATH": frozenset({"UNIXPATH", "WINPATH"}),
    "NOTSPACE": NO_BLANK,
}
"""For some standard patterns those that they take all texts of, from narrow to wide."""


def covering(
    patterns: Collection[str],
    values: Iterable[str],
    custom: Mapping[str, str],
    *,
    enclosed: bool = False,
    last: bool = False,
) -> str:
    """The narrowest pattern known to take all that stood at a place.

    Args:
        patterns: names of the patterns that stood there.
        values: the constants that stood there; "" where nothing did.
        custom: the model's own patterns; of these only themselves are known.
        enclosed: a mark follows, at which the field has to stop.
        last: the field ends the template.
    """
    texts = frozenset(values)
    if not patterns:
        return pattern_of(texts, enclosed=enclosed, last=last)
    candidates = [*sorted(patterns), *WIDER]
    for name in candidates:
        if all(_takes(name, other, custom) for other in patterns) and _fit(name, texts, custom):
            return name
    return "GREEDYDATA" if last else "DATA"


def _takes(name: str, other: str, custom: Mapping[str, str]) -> bool:
    """Whether one pattern is known to take all texts of another."""
    if name == other:
        return True
    return other in WIDER.get(name, ()) and name not in custom and other not in custom


def _fit(name: str, texts: Iterable[str], custom: Mapping[str, str]) -> bool:
    match = compile_grok(f"%{{{name}}}", custom).regex.fullmatch
    return all(match(text) for text in texts)
