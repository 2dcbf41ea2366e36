"""How the structured lines of a source are read: the model's ``structure`` section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import UserError

JSON, LOGFMT = "json", "logfmt"
FORMATS = (JSON, LOGFMT)


class StructureError(UserError):
    """The section is not valid; ``path`` is the key that is wrong, below ``structure``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"structure{path} {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class StructureSettings:
    """Which keys of a structured line say what. Keys of objects in objects are joined by dots: ``http.status``.

    Attributes:
        format: ``json``: a line is one JSON object; ``logfmt``: ``key=value`` pairs and nothing else.
        timestamp: the key that holds the time; "" where none does.
        level: the key that holds how grave it is; "" where none does.
        message: the key that holds what people read; "" where none does.
        keys: the other keys that are looked at, in the order in which a content has them; all there are, sorted, if
            None.
        optional: those among them which a line of any kind may lack: a content has them all the same, without a value.

    Raises:
        StructureError: something in it is not valid.
    """

    format: str
    timestamp: str = ""
    level: str = ""
    message: str = ""
    keys: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise StructureError(".format", f"is {self.format!r}; write one of {', '.join(FORMATS)}")
        roles: dict[str, str] = {}
        for name in ("timestamp", "level", "message"):
            key = getattr(self, name)
            if key and key in roles:
                raise StructureError(f".{name}", f"is {key!r}, which is the {roles[key]} already; write another key")
            roles[key] = name
        for name in ("keys", "optional"):
            seen = set()
            for i, key in enumerate(getattr(self, name) or ()):
                at = f".{name}[{i}]"
                if key in seen:
                    raise StructureError(at, f"is {key!r} a second time; name each key once")
                if key and key in roles:
                    raise StructureError(at, f"is {key!r}, which is the {roles[key]} already; take it out")
                seen.add(key)
        if self.keys is not None:
            for i, key in enumerate(self.optional):
                if key not in self.keys:
                    raise StructureError(f".optional[{i}]", f"is {key!r}, which is not in keys; add it there")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StructureSettings:
        """Read the ``structure`` section of a model document, which the schema has accepted."""
        keys = document.get("keys")
        return cls(
            format=document["format"],
            timestamp=document.get("timestamp") or "",
            level=document.get("level") or "",
            message=document.get("message") or "",
            keys=None if keys is None else tuple(keys),
            optional=tuple(document.get("optional", ())),
        )

    def to_document(self) -> dict[str, Any]:
        """The section; undoes :meth:`from_document`. What is not said is left out."""
        document: dict[str, Any] = {"format": self.format}
        document |= {name: getattr(self, name) for name in ("timestamp", "level", "message") if getattr(self, name)}
        if self.keys is not None:
            document["keys"] = list(self.keys)
        if self.optional:
            document["optional"] = list(self.optional)
        return document

    def describe(self) -> str:
        """One line for humans: ``json, message at msg, timestamp at ts, level at level, 12 other keys``."""
        said = [self.format]
        said += [
            f"{name} at {getattr(self, name)}" for name in ("message", "timestamp", "level") if getattr(self, name)
        ]
        if self.keys is not None:
            said.append(f"{len(self.keys)} other {'key' if len(self.keys) == 1 else 'keys'}")
        return ", ".join(said)
