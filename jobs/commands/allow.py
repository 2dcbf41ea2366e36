"""``weirwatch allow``: mark an anomaly and its like as normal, in a running job or in a model."""

from __future__ import annotations

import argparse
import datetime
import getpass
import re
from typing import Any

from jobs.anomaly_lookup import look_up
from jobs.commands.control_options import add_channel, open_channel, show_reply
from jobs.commands.options import command
from jobs.commands.store_options import add_store, find_store, referred
from jobs.stores.base import ModelStore, checked_id
from jobs.stores.credentials import find_credentials
from models.allow_change import changed_entries
from models.control import ALLOW, DISALLOW
from models.document import ModelDocument, save_model
from models.document_content import AllowEntry
from models.document_text import pretty, printable
from models.errors import UserError

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z")


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "allow",
        run,
        "mark an anomaly and its like as normal",
        description="Mark an anomaly and its like as normal: they are not told any more. Of an unmatched line, lines "
        "alike but for numbers; of a rule or a new value, the same value; of a transaction, the same type with the "
        "same automaton and states. With a control channel a running job is told, which follows at once and keeps it "
        "over restarts; without, the model that --model names is changed.",
    )
    parser.add_argument("anomaly", nargs="?", metavar="ANOMALY_ID", help="id of the anomaly")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="FILE.jsonl|URL",
        help="where the anomaly is: a file of weirwatch scan, or Elasticsearch as http(s)://host:port[/index-prefix]",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why it is normal")
    parser.add_argument("--by", metavar="NAME", help="who says so (default: the user)")
    parser.add_argument(
        "--until", metavar="TIME", help="from this time of the log on tell it again, as 2026-01-31T12:00:00Z"
    )
    parser.add_argument("--source", metavar="GLOB", help="only of sources with such names")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show what the model allows")
    what.add_argument("--remove", metavar="ENTRY", help="take an entry back, by its id (n-…)")
    parser.add_argument(
        "--model",
        metavar="MODEL.json|ID",
        help="model to change or show, a file or in the store; for --remove in a running job, the id of its model",
    )
    add_channel(parser)
    add_store(parser)


def run(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    if options.list:
        return _list(options)
    said = _said(options)
    if options.directory is not None or options.bootstrap is not None or options.topic is not None:
        return _tell(options, said)
    if options.model is None:
        raise UserError(
            "say what is to change: a running job (--bootstrap HOST:PORT --topic TOPIC --replies TOPIC, or --directory "
            "FOLDER), or a model (--model MODEL.json)"
        )
    store = find_store(options)
    found = referred(options.model, store)
    after, entry = changed_entries(found.document, said)
    done = f"{entry} is there already" if after is None else _write(options, found.model, store, found.document, after)
    if options.json:
        print(pretty({"entry": entry, "version": (after or found.document).version}), end="")
    else:
        print(printable(f"{'taken back' if options.remove else 'allowed'}: {entry}; {done}"))
    return 0


def _said(options: argparse.Namespace) -> dict[str, Any]:
    """What is to be allowed or taken back, as :func:`models.allow_change.changed_entries` takes it."""
    if options.remove is not None:
        given = [name for name in ("anomaly", "origin", "reason", "until", "source") if getattr(options, name)]
        if given:
            raise UserError(
                "--remove takes an entry back by its id alone; leave out the anomaly and what is said of it"
            )
        if options.model is None:
            raise UserError("say of which model: --model ID, or --model MODEL.json")
        return {"entry": options.remove}
    if options.anomaly is None:
        raise UserError("name the id of an anomaly, or --list, or --remove ENTRY")
    if options.origin is None:
        raise UserError(
            "say where the anomaly is: --from anomalies.jsonl, or --from http(s)://host:port[/index-prefix]"
        )
    if not options.reason:
        raise UserError('say why that is normal, for who reads it later: --reason "…"')
    if options.until is not None and not _TIME.fullmatch(options.until):
        raise UserError(f"--until {options.until!r} is no time; write it in UTC as 2026-01-31T12:00:00Z")
    credentials = find_credentials(options.api_key_file, options.username, options.password_file, options.ca_file)
    said = {
        "anomaly": look_up(options.anomaly, options.origin, credentials),
        "reason": options.reason,
        "by": options.by if options.by is not None else _user(),
        "at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return said | {key: getattr(options, key) for key in ("until", "source") if getattr(options, key) is not None}


def _tell(options: argparse.Namespace, said: dict[str, Any]) -> int:
    message = {"action": DISALLOW if "entry" in said else ALLOW, **said}
    if options.model is not None:
        message["reference"] = {"id": checked_id(options.model)}
    reply = open_channel(options).tell(message, options.timeout)
    done = ""
    if reply and reply["model"]:
        what = "taken back" if "entry" in said else "allowed"
        model = reply["model"]
        done = f"{what}: {reply['entry']}; model {model['id']} version {model['version']} is in force"
    return show_reply(options, reply, done)


def _write(
    options: argparse.Namespace,
    model: str | None,
    store: ModelStore | None,
    before: ModelDocument,
    after: ModelDocument,
) -> str:
    """Write or push the changed model; what was done."""
    if model is None or store is None:
        save_model(after, options.model)
        return f"{options.model}: version {after.version} written"
    pushed = store.push(after, before.version, "taken back" if options.remove else f"allowed: {options.reason}")
    after.version = pushed.entry.version
    return f"model {model}: version {after.version} made"


def _list(options: argparse.Namespace) -> int:
    if options.model is None:
        raise UserError("say of which model: --model MODEL.json, or --model ID with --store")
    model = referred(options.model, find_store(options)).document
    if options.json:
        print(pretty([entry.to_json() for entry in model.allow]), end="")
    elif not model.allow:
        print(f"model {model.id} version {model.version} allows nothing")
    else:
        print(printable("\n".join(_row(entry) for entry in model.allow)))
    return 0


def _row(entry: AllowEntry) -> str:
    said = entry.to_json()
    about = [
        f"{key} {said[key]}"
        for key in ("template", "automaton", "rule", "series", "source", "text_pattern")
        if key in said
    ]
    about += [f"states {', '.join(entry.states)}"] if entry.states else []
    about += [f"{name} = {value}" for name, value in entry.fields.items()]
    about += [f"until {entry.until}"] if entry.until else []
    who = " ".join(part for part in (entry.by, entry.at or "") if part)
    return f"{entry.id}  {entry.type}: {'; '.join(about) or 'all'}\n    {entry.reason}{f' ({who})' if who else ''}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
