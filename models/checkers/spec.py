"""Which checkers a job runs, as the configuration says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

MAX_FAILURES = 10
"""As many failures in a row switch a checker off, unless the configuration says otherwise."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What ids of checkers look like; they stand in keys of state, where a slash ends them."""


@dataclass(frozen=True, slots=True)
class CheckerSpec:
    """A checker of the configuration.

    Attributes:
        use: the short name under which a package offers it, or ``package.module:Class``.
        id: what anomalies, metrics and state call it; unique among the checkers of a job.
        settings: its settings, JSON text.
        sources: globs of the names of the sources that it looks at; none: all.
        max_failures: as many failures in a row switch it off.
    """

    use: str
    id: str
    settings: str = "{}"
    sources: tuple[str, ...] = field(default_factory=tuple)
    max_failures: int = MAX_FAILURES

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckerSpec:
        """An entry of the list ``checkers``, which fits the schema of the configuration."""
        use = data["use"]
        return cls(
            use,
            data.get("id") or default_id(use),
            json.dumps(data.get("settings", {}), ensure_ascii=False, sort_keys=True, default=str),
            tuple(data.get("sources", ())),
            int(data.get("max_failures", MAX_FAILURES)),
        )

    def watches(self, source: str) -> bool:
        """Whether it looks at a source of this name."""
        return not self.sources or any(fnmatchcase(source, glob) for glob in self.sources)


def default_id(use: str) -> str:
    """What a checker is called that has no id: its short name, or the name of its class."""
    return re.split(r"[:.]", use)[-1]


def repeated_ids(specs: Sequence[CheckerSpec]) -> list[tuple[int, int]]:
    """Places of checkers whose id an earlier one has, and of that one."""
    first: dict[str, int] = {}
    return [(at, before) for at, spec in enumerate(specs) if (before := first.setdefault(spec.id, at)) != at]
