r"""The library of named Grok patterns, under the names that Logstash and Elasticsearch users know.

The patterns are written for whole-content matching, where every field stands between constants: no look-around at
their edges, no nested open-ended repeats. Most are *fold-invariant*: whether they match depends on the classes of the
characters only, never on how many digits there are or which. So ``IPV4`` is four runs of digits joined by dots. What
a *fold* is: a word (a run of ASCII letters, digits and all characters from U+0080 on) that holds a digit is told
apart only as all digits, ``0x`` and hexadecimal digits, hexadecimal digits, or by its leading letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TIMESTAMP_MARK = "\x04"
"""The character that stands for the line's own timestamp when that is not at the line's start."""

WORD_CHARACTERS = r"A-Za-z0-9\x80-\U0010FFFF"
"""The inside of a regex class: the characters that words consist of."""

_W = WORD_CHARACTERS
_N = "[0-9]+"
_H = "[0-9A-Fa-f]+"
_Y = rf"[{_W}]*?[G-Zg-z\x80-\U0010FFFF][{_W}]*"
# A word that starts with a digit, holds a letter that is no hexadecimal digit, and is no 0x number: 09T20, 31Z.
_X = rf"(?:(?:[1-9]|0[0-9A-Fa-f]){_Y}|0[G-WYZg-wyz\x80-\U0010FFFF][{_W}]*|0[xX](?:{_Y})?)"
NUMBER_WITH_LETTERS = _X
"""A word that starts with a digit and holds more than hexadecimal digits, as folding tells them."""

_HOST = rf"[{_W}_-]+(?:\.[{_W}_-]+)*"
_CLASS = rf"[{_W}$_]+(?:\.[{_W}$_]+)*"

_PLAIN: dict[str, str] = {
    # numbers
    "INT": f"[+-]?{_N}",
    "NONNEGINT": _N,
    "BASE10NUM": rf"[+-]?(?:{_N}(?:\.{_N})?|\.{_N})",
    "NUMBER": "%{BASE10NUM}",
    "HEX": f"(?:0[xX])?{_H}",
    "BASE16NUM": f"[+-]?(?:0[xX])?{_H}",
    "BASE16FLOAT": rf"[+-]?(?:0[xX])?(?:{_H}(?:\.{_H})?|\.{_H})",
    # words and text
    "WORD": f"[{_W}_]+",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": ".*?",
    "GREEDYDATA": ".*",
    "QUOTEDSTRING": r'(?:"(?:\\.|[^\\"])*"|' + r"'(?:\\.|[^\\'])*'|`(?:\\.|[^\\`])*`)",
    "QS": "%{QUOTEDSTRING}",
    "USERNAME": f"[{_W}._-]+",
    "USER": "%{USERNAME}",
    "EMAILLOCALPART": rf"[{_W}!#$%&'*+/=?^_`{{|}}~.-]+",
    "EMAILADDRESS": "%{EMAILLOCALPART}@%{HOSTNAME}",
    "UUID": f"{_H}-{_H}-{_H}-{_H}-{_H}",
    "URN": rf"[Uu][Rr][Nn]:[{_W}-]+:\S+",
    "LOGLEVEL": (
        "(?i:trace|debug|verbose|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|severe|fatal|alert"
        "|emerg(?:ency)?|panic|fine(?:st|r)?|config)"
    ),
    # networks
    "MAC": f"(?:{_H}(?::{_H}){{5}}|{_H}(?:-{_H}){{5}}|%{{CISCOMAC}})",
    "COMMONMAC": f"{_H}(?::{_H}){{5}}",
    "WINDOWSMAC": f"{_H}(?:-{_H}){{5}}",
    "CISCOMAC": rf"{_H}\.{_H}\.{_H}",
    "IPV4": rf"{_N}\.{_N}\.{_N}\.{_N}",
    "IPV6": rf"(?:[0-9A-Fa-f]*:){{2,7}}(?:{_N}\.{_N}\.{_N}\.{_N}|[0-9A-Fa-f]*)(?:%[{_W}_]+)?",
    "IP": "(?:%{IPV6}|%{IPV4})",
    "HOSTNAME": rf"{_HOST}\.?",
    "HOST": "%{HOSTNAME}",
    "IPORHOST": "(?:%{IP}|%{HOSTNAME})",
    "HOSTPORT": f"%{{IPORHOST}}:{_N}",
    # paths and addresses
    "UNIXPATH": rf"/[{_W}_%!$@:.,+~=#*&/-]*",
    "WINPATH": r'(?:[A-Za-z]:|\\)\\[^\s"*<>|?]*',
    "PATH": "(?:%{UNIXPATH}|%{WINPATH})",
    "TTY": rf"/dev/[{_W}/_-]+",
    "URIPROTO": rf"[{_W}]+(?:[+.-][{_W}]+)*",
    "URIHOST": f"%{{IPORHOST}}(?::{_N})?",
    "URIPATH": rf"/[{_W}_$.+!*'(){{}},~:;=@#%&|/-]*",
    "URIQUERY": rf"[{_W}_$.+!*'|(){{}},~@#%&/=:;?\[\]<>-]*",
    "URIPARAM": r"\?%{URIQUERY}",
    "URIPATHPARAM": "%{URIPATH}(?:%{URIPARAM})?",
    "URI": rf"%{{URIPROTO}}://(?:[{_W}._~%-]+(?::[^\s@/]*)?@)?(?:%{{URIHOST}}|\[%{{IPV6}}\](?::{_N})?)?(?:%{{URIPATHPARAM}})?",
    # dates and times
    "MONTH": (
        "(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?"
        "|[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)"
    ),
    "DAY": (
        "(?:[Mm]on(?:day)?|[Tt]ue(?:sday)?|[Ww]ed(?:nesday)?|[Tt]hu(?:rsday)?|[Ff]ri(?:day)?|[Ss]at(?:urday)?"
        "|[Ss]un(?:day)?)"
    ),
    "MONTHNUM": _N,
    "MONTHDAY": _N,
    "YEAR": _N,
    "HOUR": _N,
    "MINUTE": _N,
    "SECOND": f"{_N}(?:[:.,]{_N})?",
    "TIME": f"{_N}:{_N}(?::{_N}(?:[.,]{_N})?)?",
    "DATE_US": f"{_N}[/-]{_N}[/-]{_N}",
    "DATE_EU": f"{_N}[./-]{_N}[./-]{_N}",
    "DATE": f"{_N}[./-]{_N}[./-]{_N}",
    "DATESTAMP": "%{DATE}[- ]%{TIME}",
    "TZ": "[A-Z]+",
    "ISO8601_TIMEZONE": f"(?:Z|[+-]{_N}(?::{_N})?)",
    "TIMESTAMP_ISO8601": (
        f"{_N}[/-]{_N}[/-](?:{_N} +{_N}|{_X}):{_N}(?::(?:{_N}(?:[.,](?:{_N}|{_X}))?|{_X}))?(?: ?[+-]{_N}(?::{_N})?)?"
    ),
    "SYSLOGTIMESTAMP": f"%{{MONTH}} +{_N} %{{TIME}}",
    "HTTPDATE": f"{_N}/%{{MONTH}}/{_N}:%{{TIME}} [+-]{_N}",
    "TIMESTAMP": r"\x04",
    # programs
    "PROG": r"[^\s\[\]]+",
    "SYSLOGPROG": rf"%{{PROG}}(?:\[{_N}\])?",
    "SYSLOGHOST": "%{IPORHOST}",
    "JAVACLASS": _CLASS,
    "JAVAFILE": rf"[{_W}$_.-]+(?: [{_W}$_.-]+)*",
    "JAVAMETHOD": rf"(?:<(?:cl)?init>|[{_W}$_<>-]+)",
}

# Patterns whose match does depend on single digits, or that hold named fields of their own.
_EXACT: dict[str, str] = {
    "POSINT": "[1-9][0-9]*",
    "HTTPDUSER": "(?:%{EMAILADDRESS}|%{USER})",
    "JAVASTACKTRACEPART": r"%{SPACE}at %{JAVACLASS:class}\.%{JAVAMETHOD:method}\(%{JAVAFILE:file}(?::%{INT:line})?\)",
    "SYSLOGFACILITY": r"<%{NONNEGINT:facility}\.%{NONNEGINT:priority}>",
    "COMMONAPACHELOG": (
        r"%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[(?:%{HTTPDATE:timestamp}|%{TIMESTAMP})\] "
        r'"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" '
        r"(?:-|%{NUMBER:response}) (?:-|%{NUMBER:bytes})"
    ),
    "COMBINEDAPACHELOG": "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}",
}

LIBRARY: Mapping[str, str] = MappingProxyType(_PLAIN | _EXACT)
"""All standard patterns by name; values may refer to others as ``%{NAME}``."""

FOLD_INVARIANT: frozenset[str] = frozenset(_PLAIN)
"""Standard patterns that match or fail alike on all lines of one fold when they stand between non-word characters."""

OPEN: frozenset[str] = frozenset(
    {"WORD", "NOTSPACE", "DATA", "GREEDYDATA", "USERNAME", "USER", "HOSTNAME", "HOST", "JAVACLASS", "PROG"}
)
"""Fold-invariant patterns that take whatever a word goes on with, so that a constant head may stand before them."""

BREADTH: Mapping[str, int] = MappingProxyType(
    {
        "GREEDYDATA": 4,
        "DATA": 4,
        "NOTSPACE": 3,
        "PROG": 3,
        "WORD": 2,
        "USERNAME": 2,
        "USER": 2,
        "HOSTNAME": 2,
        "HOST": 2,
    }
)
"""How much a pattern takes, 1 where nothing is said: of two templates alike, the narrower one is tried first."""
