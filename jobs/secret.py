"""Secrets by the name of the environment variable that holds them.

A job's graph, its configuration and its log are for many to read, so a secret's value is in none of them: only its name
is, and the process that needs the value looks it up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import UserError

_FORM = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

MEND = "write it as ${NAME}, with the environment variable that holds it: what stands here is for many to read"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret; it knows its variable, never its value.

    Attributes:
        name: the environment variable.
    """

    name: str

    @classmethod
    def parse(cls, text: str) -> Secret:
        """The secret that is written as ``${NAME}``.

        Raises:
            ValueError: the text is of another form; it is not in the message, as it may be a secret itself.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise ValueError(MEND)
        return cls(found[1])

    def is_set(self, environment: Mapping[str, str] | None = None) -> bool:
        """Whether the environment (the process's own when None) has a value for it."""
        return bool((os.environ if environment is None else environment).get(self.name))

    def resolve(self, environment: Mapping[str, str] | None = None) -> str:
        """The value; for the worker that needs it, at the moment when it needs it.

        Args:
            environment: the process's own when None.

        Raises:
            UserError: the variable is not set, or empty.
        """
        if not self.is_set(environment):
            raise UserError(f"the environment variable {self.name} is not set; set it wherever the job runs")
        return (os.environ if environment is None else environment)[self.name]
