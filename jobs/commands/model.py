"""``weirwatch model``: keep versions of models in a store, look at them, compare and check them, put them in force."""

from __future__ import annotations

import argparse
from typing import Any

from jobs.commands import model_edit, model_live, model_try
from jobs.commands.model_text import heads_text, history_text, model_text
from jobs.commands.options import command, whole_number
from jobs.commands.store_options import add_store, find_store, needed_store, referred
from jobs.stores.base import Pushed, StoreError
from models.document import ModelDocument, load_model
from models.document_diff import diff
from models.document_diff_text import diff_text
from models.document_text import pretty
from models.errors import UserError

_MOST = 999_999_999
_REFERENCE = "file, or with --store the ID or ID@VERSION of a model there"


def add_to(commands: Any) -> None:
    """Declare the commands."""
    what = "keep versions of models, look at them, compare and check them, put them in force in a running job"
    group = commands.add_parser("model", help=what, description=f"{what[0].upper()}{what[1:]}.")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")

    push = command(actions, "push", _push, "keep a model file as the next version of its model")
    push.add_argument("file", metavar="MODEL.json", help="model; its id says which model it is a version of")
    _add_writing(push)

    models = command(actions, "list", _list, "list the models")
    models.add_argument("--deleted", action="store_true", help="list deleted models too")

    show = command(actions, "show", _show, "show a model; with --json, the document itself")
    show.add_argument("model", metavar="ID", help="model")
    show.add_argument("--version", type=_version, metavar="N", help="(default: the newest)")

    history = command(actions, "history", _history, "list the versions of a model")
    history.add_argument("model", metavar="ID", help="model")

    rollback = command(actions, "rollback", _rollback, "make a new version with the content of an old one")
    rollback.add_argument("model", metavar="ID", help="model; one that is deleted comes back")
    rollback.add_argument("version", type=_version, metavar="VERSION", help="version to bring back")
    _add_writing(rollback)

    delete = command(actions, "delete", _delete, "mark a model as deleted; its versions stay")
    delete.add_argument("model", metavar="ID", help="model")
    delete.add_argument("--purge", action="store_true", help="remove the model and all its versions for good")
    _add_expect(delete)

    validate = command(actions, "validate", _validate, "check models; say where one is wrong and how to mend it")
    validate.add_argument("models", nargs="*", metavar="MODEL", help=f"{_REFERENCE} (default: all models there)")

    compare = command(actions, "diff", _diff, "say what is different between two models")
    compare.add_argument("old", metavar="OLD", help=_REFERENCE)
    compare.add_argument(
        "new",
        nargs="?",
        metavar="NEW",
        help="the same; when there is only one, it is compared with the version before it",
    )

    model_edit.add_to(actions)
    model_try.add_to(actions)
    model_live.add_to(actions)

    for parser in (push, models, show, history, rollback, delete, validate, compare):
        add_store(parser)
    for parser in (push, models, show, history, rollback, compare):
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


_version = whole_number(1, _MOST)


def _add_expect(parser: Any) -> None:
    parser.add_argument(
        "--expect-version",
        type=whole_number(0, _MOST),
        metavar="N",
        help="do it only if N is the newest version still (0: if there is no such model)",
    )


def _add_writing(parser: Any) -> None:
    _add_expect(parser)
    parser.add_argument("--note", default="", metavar="TEXT", help="a word on the change, for the history")


def _push(options: argparse.Namespace) -> int:
    document = load_model(options.file)
    pushed = needed_store(options).push(document, options.expect_version, options.note)
    return _tell_pushed(options, document.id, pushed)


def _rollback(options: argparse.Namespace) -> int:
    store = needed_store(options)
    pushed = store.rollback(options.model, options.version, options.expect_version, options.note)
    return _tell_pushed(options, options.model, pushed)


def _tell_pushed(options: argparse.Namespace, model: str, pushed: Pushed) -> int:
    if options.json:
        _print_json({"id": model, "made": pushed.made, **pushed.entry.to_json()})
    elif pushed.made:
        print(f"model {model}: version {pushed.entry.version} made")
    else:
        print(f"model {model}: unchanged; version {pushed.entry.version} has this content already")
    return 0


def _list(options: argparse.Namespace) -> int:
    heads = [head for head in needed_store(options).heads() if options.deleted or not head.deleted]
    if options.json:
        _print_json([head.to_json() for head in heads])
    else:
        print(heads_text(heads) if heads else "no models")
    return 0


def _show(options: argparse.Namespace) -> int:
    store = needed_store(options)
    document = store.get(options.model, options.version)
    if options.json:
        _print_json(document.to_json())
        return 0
    head, entries = store.history(options.model)
    print(model_text(document, head, entries[document.version - 1]))
    return 0


def _history(options: argparse.Namespace) -> int:
    head, entries = needed_store(options).history(options.model)
    if options.json:
        _print_json({"id": head.model, "deleted": head.deleted, "versions": [entry.to_json() for entry in entries]})
    else:
        print(history_text(head, entries))
    return 0


def _delete(options: argparse.Namespace) -> int:
    head = needed_store(options).delete(options.model, options.expect_version, options.purge)
    count = f"{head.newest.version} {'version' if head.newest.version == 1 else 'versions'}"
    if options.purge:
        print(f"model {head.model}: removed with {count}")
    else:
        print(f"model {head.model}: deleted; its {count} can be brought back with weirwatch model rollback")
    return 0


def _validate(options: argparse.Namespace) -> int:
    store = find_store(options)
    names = options.models
    if not names:
        if store is None:
            raise StoreError("name a model file, or a store with --store")
        names = [head.model for head in store.heads() if not head.deleted]
    wrong = []
    for name in names:
        try:
            found = referred(name, store)
        except UserError as error:
            wrong.append(str(error))
            continue
        model = found.document
        print(
            f"{found.label}: right; model {model.id} version {model.version}, {len(model.templates)} templates, "
            f"{len(model.automata)} automata"
        )
    if wrong:
        raise UserError("\nerror: ".join(wrong))
    return 0


def _diff(options: argparse.Namespace) -> int:
    store = find_store(options)
    new = referred(options.new or options.old, store)
    old = referred(options.old, store) if options.new else None
    if old is None:
        if store is None or new.model is None:
            raise StoreError(f"{options.old}: name a second model to compare it with")
        before = new.document.version - 1
        if not before:
            raise StoreError(f"model {new.model}: version 1 has none before it; name a second model to compare it with")
        old = referred(f"{new.model}@{before}", store)
    found = diff(old.document, new.document)
    if options.json:
        _print_json({"old": _named(old.document), "new": _named(new.document), **found.to_json()})
    else:
        print(diff_text(found, old.label, new.label))
    return 0


def _named(document: ModelDocument) -> dict[str, Any]:
    return {"id": document.id, "version": document.version}


def _print_json(data: object) -> None:
    print(pretty(data), end="")
