"""``weirwatch model apply`` and ``withdraw``: change the models that a running job has in force."""

from __future__ import annotations

import argparse
import os
from typing import Any

from jobs.commands.control_options import add_channel, open_channel, show_reply
from jobs.commands.options import command
from jobs.commands.store_options import split_reference
from jobs.stores.base import checked_id
from models.control import ADD, DELETE, NOT_IN_FORCE, REJECTED, UPDATE
from models.document import load_model
from models.errors import UserError


def add_to(actions: Any) -> None:
    """Declare the commands among those of ``weirwatch model``."""
    apply = command(
        actions,
        "apply",
        _apply,
        "put a model in force in a running job",
        description="Put a model in force in a running job, without a restart: in place of the version that is in "
        "force, or beside other models. Transactions that are open are judged by the model they began with.",
    )
    apply.add_argument(
        "model", metavar="MODEL.json|ID[@VERSION]", help="file to send, or a model in the job's store (newest version)"
    )
    apply.add_argument(
        "--source",
        action="append",
        metavar="GLOB",
        help="names of sources that the model is for; may be repeated (default: as it is)",
    )
    apply.add_argument("--all-sources", action="store_true", help="it is for all sources without another model again")
    how = apply.add_mutually_exclusive_group()
    how.add_argument("--add", action="store_true", help="only if no version of it is in force")
    how.add_argument("--update", action="store_true", help="only if a version of it is in force")
    withdraw = command(actions, "withdraw", _withdraw, "take a model out of force in a running job")
    withdraw.add_argument("model", metavar="ID", help="model")
    for parser in (apply, withdraw):
        add_channel(parser)


def _apply(options: argparse.Namespace) -> int:
    message = _model(options.model)
    if options.all_sources and options.source:
        raise UserError("--source and --all-sources exclude each other")
    if options.all_sources:
        message["sources"] = []
    elif options.source:
        message["sources"] = options.source
    if options.replies is None and not (options.add or options.update):
        raise UserError(
            "without --replies nobody can see whether the model is in force already; add --add, --update or --replies"
        )
    channel = open_channel(options)
    reply = None
    if not options.add:
        reply = channel.tell({"action": UPDATE, **message}, options.timeout)
    if options.add or (not options.update and _is_new(reply)):
        reply = channel.tell({"action": ADD, **message}, options.timeout)
    done = ""
    if reply and reply["model"]:
        done = f"model {reply['model']['id']}: version {reply['model']['version']} is in force, change {reply['epoch']}"
    return show_reply(options, reply, done)


def _withdraw(options: argparse.Namespace) -> int:
    message = {"action": DELETE, "reference": {"id": checked_id(options.model)}}
    reply = open_channel(options).tell(message, options.timeout)
    return show_reply(options, reply, f"model {options.model}: is no longer in force")


def _is_new(reply: Any) -> bool:
    return bool(reply and reply["outcome"] == REJECTED and NOT_IN_FORCE in reply["reason"])


def _model(name: str) -> dict[str, Any]:
    """The part of a message that says which model."""
    if "/" in name or name.endswith(".json") or os.path.lexists(name):
        return {"model": load_model(name).to_json()}
    model, version = split_reference(name)
    return {"reference": {"id": checked_id(model)} | ({} if version is None else {"version": version})}
