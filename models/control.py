"""Control messages: what a running job is told, what it makes of that, and what it replies.

A message becomes a :class:`ControlMessage`; one that is accepted becomes an *event*, plain JSON data that all
operators follow, ``{"kind": "model", "op", "epoch", "id", "version", "sources", "document"}``,
``{"kind": "heartbeat", "source", "timestamp_ms"}``, or ``{"kind": "end_of_log" | "pause" | "resume", "source"}``.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from models.errors import UserError
from models.schema_check import check

MAX_BYTES = 8 << 20
"""A message that is larger is rejected unread."""
SHOWN_CHARACTERS = 200
"""How much of a rejected message its reply shows."""
MAX_GLOBS = 1000
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999: no heartbeat can be outside of them."""

ACCEPTED, REJECTED = "accepted", "rejected"
ADD, UPDATE, DELETE, HEARTBEAT = "add", "update", "delete", "heartbeat"
ALLOW, DISALLOW = "allow", "disallow"

ALREADY_IN_FORCE, NOT_IN_FORCE = "is in force already", "is not in force"
"""How a reply tells who adds, and who updates or deletes, that he ought to do the other."""

_ABOUT_MODELS = ("id", "action", "model", "reference", "sources")
_KEYS = {
    ADD: _ABOUT_MODELS,
    UPDATE: _ABOUT_MODELS,
    DELETE: ("id", "action", "reference"),
    ALLOW: ("id", "action", "reference", "anomaly", "match", "source", "reason", "by", "at", "until"),
    DISALLOW: ("id", "action", "reference", "entry"),
    HEARTBEAT: ("id", "action", "source", "timestamp"),
    "end_of_log": ("id", "action", "source"),
    "pause": ("id", "action", "source"),
    "resume": ("id", "action", "source"),
}
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9:]{2,8})?")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MOST_PROBLEMS, _MOST_KEYS, _LONGEST_KEY = 5, 20, 100
_LONGEST_REASON = 2000


class ControlError(UserError):
    """A control message cannot be accepted.

    ``message_id`` and ``action`` are what could be read of it, for the reply.
    """

    def __init__(self, reason: str, message_id: str | None = None, action: str | None = None) -> None:
        super().__init__(reason)
        self.message_id = message_id
        self.action = action


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """A control message that is right in itself.

    Attributes:
        id: what the sender calls it, or None.
        action: one of ``add``, ``update``, ``delete``, ``allow``, ``disallow``, ``heartbeat``, ``end_of_log``,
            ``pause``, ``resume``.
        model: the model document in the message, not checked yet; None where ``reference`` names it.
        reference: id and version (None: the newest) of a model.
        sources: globs that the message gives; None: it says nothing of them.
        source: name of the source; "" for actions on models.
        timestamp_ms: a heartbeat's time, epoch ms.
        allow: what a message of ``allow`` or ``disallow`` says besides: its keys but ``id``, ``action`` and
            ``reference``.
    """

    id: str | None
    action: str
    model: dict[str, Any] | None = None
    reference: tuple[str, int | None] | None = None
    sources: tuple[str, ...] | None = None
    source: str = ""
    timestamp_ms: int = 0
    allow: dict[str, Any] = field(default_factory=dict)

    @property
    def is_about_models(self) -> bool:
        """Whether it changes the models in force."""
        return self.action in (ADD, UPDATE, DELETE, ALLOW, DISALLOW)

    def source_event(self) -> dict[str, Any]:
        """The event of a message about a source."""
        if self.action == HEARTBEAT:
            return {"kind": HEARTBEAT, "source": self.source, "timestamp_ms": self.timestamp_ms}
        return {"kind": self.action, "source": self.source}


def parse_control(data: bytes | None) -> ControlMessage:
    """Read a control message.

    Raises:
        ControlError: whatever is wrong with it, however malformed it is.
    """
    document = _decode(data)
    if not isinstance(document, dict):
        raise ControlError(f"is no JSON object but {_kind(document)}; " + 'write {"action": …}')
    message_id, action = document.get("id"), document.get("action")
    message_id = message_id if isinstance(message_id, str) and _is_text(message_id) else None
    message_id = message_id[:SHOWN_CHARACTERS] if message_id else message_id
    action = action if isinstance(action, str) and _is_text(action) else None
    try:
        return _message(document)
    except ControlError as error:
        raise ControlError(str(error), message_id, action[:SHOWN_CHARACTERS] if action else action) from None


def control_reply(
    message_id: str | None,
    action: str | None,
    place: tuple[str, int, int],
    *,
    reason: str | None = None,
    data: bytes | None = None,
    model: tuple[str, int] | None = None,
    epoch: int | None = None,
    entry: str | None = None,
) -> dict[str, Any]:
    """The reply to a message, as its JSON Schema describes it.

    Args:
        message_id: what the sender calls it, as far as known.
        action: of the message, as far as known.
        place: topic, partition and offset of the message; both numbers −1 where it came from a file.
        reason: why it is rejected; None: it is accepted.
        data: the message, if it is rejected.
        model: id and version of the model that was put in force or taken out.
        epoch: number of the change of models.
        entry: id of the entry that was added to the allowed findings, or taken out.
    """
    topic, partition, offset = place
    in_topic = partition >= 0 and offset >= 0
    if reason is not None and len(reason) > _LONGEST_REASON:
        reason = reason[:_LONGEST_REASON] + "…"
    text = None if reason is None else (data or b"")[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")
    return {
        "id": message_id,
        "action": action,
        "outcome": ACCEPTED if reason is None else REJECTED,
        "reason": None if reason is None else reason.encode("utf-8", "replace").decode(),
        "model": {"id": model[0], "version": model[1]} if model else None,
        "epoch": epoch,
        **({"entry": entry} if action in (ALLOW, DISALLOW) else {}),
        "topic": topic if in_topic else None,
        "partition": partition if in_topic else None,
        "offset": offset if in_topic else None,
        "text": None if text is None else text[:SHOWN_CHARACTERS],
    }


def parse_timestamp(value: str | float) -> int:
    """A heartbeat's time as epoch ms, from ISO 8601 (UTC, unless it names an offset) or a number of ms.

    Raises:
        ControlError: it is none, or not within the years 1 to 9999.
    """
    if isinstance(value, str):
        if not _ISO.fullmatch(value):
            raise ControlError(
                f'$.timestamp: {_shown(value)} is no time; write ISO 8601, as "2026-01-31T12:00:00Z", or ms since 1970'
            )
        try:
            moment = datetime.datetime.fromisoformat(value.upper().replace(",", "."))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
            found = (moment - _EPOCH) // datetime.timedelta(milliseconds=1)
        except (ValueError, OverflowError) as error:
            raise ControlError(f"$.timestamp: {_shown(value)} is no time: {error}") from None
    elif isinstance(value, float) and not value.is_integer():
        raise ControlError("$.timestamp: is no whole number of ms since 1970")
    else:
        found = int(value)
    if not EARLIEST_MS <= found <= LATEST_MS:
        raise ControlError(
            "$.timestamp: is not within the years 1 to 9999; a number counts ms (not µs or ns) since 1970"
        )
    return found


def _decode(data: bytes | None) -> Any:
    if data is None or not data.strip():
        raise ControlError("the message is empty; write a JSON object")
    if len(data) > MAX_BYTES:
        raise ControlError(
            f"the message has {len(data):,} bytes, more than {MAX_BYTES:,}; keep the model in a store and name it by "
            '"reference"'
        )
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except UnicodeDecodeError as error:
        raise ControlError(f"is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise ControlError(f"is no JSON: line {error.lineno}, column {error.colno}: {what}") from None
    except RecursionError:
        raise ControlError("is nested too deeply") from None
    except ValueError:
        raise ControlError("holds a number of thousands of digits") from None


def _no_constant(constant: str) -> NoReturn:
    raise ControlError(f"{constant} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ControlError(f"the key {_shown(key)} stands twice in one object; remove one of them")
            seen.add(key)
    return found


def _message(document: dict[str, Any]) -> ControlMessage:
    action = document.get("action")
    _check_sizes(document)
    if isinstance(action, str) and action in _KEYS:
        _check_keys(document, action)
    problems = check("control", document)
    if problems:
        raise ControlError("; ".join(map(str, problems[:_MOST_PROBLEMS])))
    assert isinstance(action, str)  # as the schema says
    texts = [document.get(key, "") for key in ("id", "source", "reason", "by", "at", "until", "entry")]
    texts += document.get("sources", ())
    if not all(map(_is_text, texts)):
        raise ControlError("holds half of a surrogate pair, or a control character, in a name; write the name rightly")
    reference = document.get("reference")
    if reference is not None and not _MODEL_ID.fullmatch(reference["id"]):  # the schema's $ lets a line break pass
        raise ControlError(f"$.reference.id: {_shown(reference['id'])} is no name of a model")
    version = reference.get("version") if reference else None
    sources = document.get("sources")
    return ControlMessage(
        id=document.get("id"),
        action=action,
        model=document.get("model"),
        reference=(reference["id"], None if version is None else int(version)) if reference else None,
        sources=None if sources is None else tuple(dict.fromkeys(sources)),
        source=document.get("source", ""),
        timestamp_ms=parse_timestamp(document["timestamp"]) if action == HEARTBEAT else 0,
        allow={k: document[k] for k in _KEYS[action][3:] if k in document} if action in (ALLOW, DISALLOW) else {},
    )


def _check_sizes(document: dict[str, Any]) -> None:
    """Turn away what would only take long to find everything wrong with."""
    reference, sources = document.get("reference"), document.get("sources")
    for part, where in ((document, "the message"), (reference, "$.reference")):
        if isinstance(part, dict) and (len(part) > _MOST_KEYS or max(map(len, part), default=0) > _LONGEST_KEY):
            raise ControlError(f"{where} has more keys than there are, or very long ones; known keys are in the manual")
    if isinstance(sources, list) and len(sources) > MAX_GLOBS:
        raise ControlError(f"$.sources: has {len(sources):,} globs, more than {MAX_GLOBS:,}; write wider ones")


def _check_keys(document: dict[str, Any], action: str) -> None:
    """What an action must and must not have, in plainer words than its schema could."""
    known = _KEYS[action]
    foreign = [key for key in document if key not in known and any(key in keys for keys in _KEYS.values())]
    if foreign:
        raise ControlError(f"$.{foreign[0]}: does not go with {action}; its keys are {', '.join(known)}")
    if action in (ADD, UPDATE) and ("model" in document) == ("reference" in document):
        count = "both" if "model" in document else "neither"
        raise ControlError(f'{action} has {count} of "model", the document, and "reference", {{"id": …}}: give one')
    if action == DELETE:
        reference = document.get("reference")
        if reference is None:
            raise ControlError('delete does not say which model; add "reference": {"id": …}')
        if isinstance(reference, dict) and "version" in reference:
            raise ControlError("$.reference.version: does not go with delete: one version of a model is in force")
    if action in (ALLOW, DISALLOW):
        _check_allow_keys(document, action)
    if "source" in known and "source" not in document and action != ALLOW:
        raise ControlError(f'{action} does not say of which source; add the key "source"')
    if action == HEARTBEAT and "timestamp" not in document:
        raise ControlError('heartbeat has no time; add the key "timestamp"')


def _check_allow_keys(document: dict[str, Any], action: str) -> None:
    reference = document.get("reference")
    if action == DISALLOW and "entry" not in document:
        raise ControlError('disallow does not say which entry; add the key "entry", its id')
    if action == ALLOW:
        if ("anomaly" in document) == ("match" in document):
            count = "both" if "match" in document else "neither"
            raise ControlError(f'allow has {count} of "anomaly", a document, and "match", {{"type": …}}: give one')
        if "reason" not in document:
            raise ControlError('allow does not say why; add the key "reason"')
    if reference is None and "anomaly" not in document:
        raise ControlError(f'{action} does not say of which model; add "reference": {{"id": …}}')
    if isinstance(reference, dict) and "version" in reference:
        raise ControlError(f"$.reference.version: does not go with {action}: one version of a model is in force")


def _is_text(text: str) -> bool:
    return not re.search("[\x00-\x1f\x7f\ud800-\udfff]", text)


def _kind(value: object) -> str:
    return {str: "a text", list: "a list", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else text[:57] + "…")
