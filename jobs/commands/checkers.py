"""``weirwatch checkers``: the plug-ins that are installed; and the option of ``weirwatch scan`` that names some."""

from __future__ import annotations

import argparse
import json
from typing import Any

from jobs.commands.options import command
from jobs.commands.tables import table
from models.checkers.loading import Offer, offers
from models.checkers.spec import ID, CheckerSpec, default_id


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "checkers",
        run,
        "list the checkers that installed packages offer",
        description="List the checkers (plug-ins that look for violations) that installed packages offer to this "
        "Python. A configuration names them under checkers, weirwatch scan with --checker.",
    )
    parser.add_argument("--json", action="store_true", help="print for scripts")


def run(options: argparse.Namespace) -> int:
    """Print the list; exit code 1 where one of them cannot be used."""
    found = offers()
    if options.json:
        print(json.dumps([_record(offer) for offer in found], indent=2, ensure_ascii=False))
    elif not found:
        print("no checkers are installed; docs/plugins.md says how to write one")
    else:
        rows = [[o.name, ", ".join(o.kinds) or "-", o.package, o.error or o.summary] for o in found]
        print(table(["name", "looks at", "package", "what it does"], rows))
    return int(any(offer.error for offer in found))


def _record(offer: Offer) -> dict[str, Any]:
    return {
        "name": offer.name,
        "class": offer.target,
        "package": offer.package,
        "kinds": list(offer.kinds),
        "summary": offer.summary,
        "error": offer.error or None,
    }


def add_checkers(parser: argparse.ArgumentParser) -> None:
    """The option that names checkers."""
    parser.add_argument(
        "--checker",
        action="append",
        default=[],
        type=checker,
        dest="checkers",
        metavar="[ID=]NAME[:JSON]",
        help="a plug-in that looks for violations besides the model: a name from weirwatch checkers, or "
        "package.module:Class; its settings follow as JSON, as in 'limit:{\"most\": 100}'; may be given several times",
    )


def checker(text: str) -> CheckerSpec:
    """An argparse type: a checker, with an id and settings if need be."""
    head, brace, rest = text.partition(":{")
    identifier, equals, use = head.rpartition("=")
    if equals and not ID.fullmatch(identifier):
        raise argparse.ArgumentTypeError(f"{identifier!r} is no id: letters, digits, '.', '_' and '-', 100 at most")
    try:
        settings = json.loads("{" + rest) if brace else {}
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"the settings in {text!r} are no JSON: {error}") from None
    if not use:
        raise argparse.ArgumentTypeError(f"{text!r} names no checker; write a name from weirwatch checkers")
    return CheckerSpec.from_json({"use": use, "id": identifier or default_id(use), "settings": settings})
