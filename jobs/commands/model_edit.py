"""``weirwatch model edit``: change a model by operations, with a word on what became different."""

from __future__ import annotations

import argparse
from typing import Any

from jobs.commands.model_try import add_trial, compared
from jobs.commands.options import command, whole_number, writable
from jobs.commands.store_options import Reference, add_store, find_store, referred
from jobs.stores.base import ModelStore
from models.document import ModelDocument, save_model
from models.document_diff import diff
from models.document_diff_text import diff_text
from models.document_text import pretty, printable
from models.editing.examples import moved_examples
from models.editing.operations import MAYBE, NAMED, ONE, OPERATIONS, SEVERAL, Operation, Step, apply_steps
from models.editing.operations_file import read_operations
from models.editing.trial_text import comparison_text
from models.errors import UserError

_KINDS: dict[str, dict[str, Any]] = {ONE: {}, SEVERAL: {"nargs": "+"}, MAYBE: {"nargs": "?"}}


def add_to(actions: Any) -> None:
    """Declare the command among those of ``weirwatch model``."""
    edit = command(
        actions,
        "edit",
        _edit,
        "change templates of a model, and say what became different",
        description="Change templates of a model by one operation, or by several in a file. The model is checked as a "
        "whole, its version counts up by one, and what became different is told.",
        epilog="weirwatch model edit MODEL OPERATION --help explains an operation.",
    )
    edit.add_argument("model", metavar="MODEL", help="model file, or with --store the ID of a model there")
    edit.add_argument("--operations", metavar="FILE", help="YAML or JSON file with a list of operations")
    _add_options(edit)
    operations = edit.add_subparsers(title="operations", dest="operation", metavar="OPERATION")
    for operation in OPERATIONS.values():
        # What is not given here must not hide what stands before the operation.
        parser = command(operations, operation.name, _edit, operation.summary, argument_default=argparse.SUPPRESS)
        for parameter in operation.parameters:
            name = parameter.name.upper()
            if parameter.kind in _KINDS:
                parser.add_argument(
                    f"edit_{parameter.name}", metavar=name, help=parameter.help, **_KINDS[parameter.kind]
                )
            else:
                parser.add_argument(
                    f"--{parameter.name}",
                    dest=f"edit_{parameter.name}",
                    metavar=name,
                    required=parameter.kind == NAMED,
                    help=parameter.help,
                )
        _add_options(parser)


def _add_options(parser: Any) -> None:
    parser.add_argument("--out", metavar="FILE", help="file for the new model (default: in place of the old one)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, say only what would be different")
    parser.add_argument("--try", dest="tried", action="append", metavar="LOG", help="show which lines of a log change")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("--note", metavar="TEXT", help="a word on the change, for the history of the store")
    parser.add_argument(
        "--expect-version",
        type=whole_number(1, 999_999_999),
        metavar="N",
        help="push only if N is the newest version still (default: the version that is edited)",
    )
    add_trial(parser)
    add_store(parser)


def _edit(options: argparse.Namespace) -> int:
    steps = _steps(options)
    store = find_store(options)
    found = referred(options.model, store)
    if options.out is not None:
        writable(options.out, inputs=[*(options.tried or []), *filter(None, [options.operations])])
    after = apply_steps(found.document, steps)
    change = diff(found.document, after)
    trial = compared(found.document, after, options.tried, options) if options.tried else None
    moved = moved_examples(found.document, after)
    done = _write(options, found, store, after)
    if options.json:
        data = {"id": after.id, "version": after.version, "written": done, **change.to_json()}
        data["moved_examples"] = [{"template": m.template, "to": m.to, "example": m.example} for m in moved]
        if trial is not None:
            data["try"] = trial.to_json()
        print(pretty(data), end="")
        return 0
    print(diff_text(change, found.label, f"version {after.version}"))
    for entry in moved:
        print(f"note: {printable(entry.text())}")
    if trial is not None:
        print(comparison_text(trial))
    print(done if done is not None else "nothing written (--dry-run)")
    return 0


def _steps(options: argparse.Namespace) -> list[Step]:
    """What shall be done.

    Raises:
        UserError: nothing is named, or both an operation and a file.
    """
    if options.operation is not None and options.operations is not None:
        raise UserError("an operation and --operations exclude each other; put the operation into the file")
    if options.operations is not None:
        return read_operations(options.operations)
    if options.operation is None:
        raise UserError(f"no operation is named; there are {', '.join(OPERATIONS)}, or --operations FILE")
    operation: Operation = OPERATIONS[options.operation]
    given = {p.name: getattr(options, f"edit_{p.name}", None) for p in operation.parameters}
    return [Step(operation, {key: value for key, value in given.items() if value is not None})]


def _write(options: argparse.Namespace, found: Reference, store: ModelStore | None, after: ModelDocument) -> str | None:
    """Write or push the new document; what was done, or None."""
    if options.dry_run:
        return None
    if options.out is not None:
        save_model(after, options.out)
        return f"{options.out}: version {after.version} written"
    if found.model is None or store is None:
        save_model(after, options.model)
        return f"{options.model}: version {after.version} written"
    expected = found.document.version if options.expect_version is None else options.expect_version
    pushed = store.push(after, expected, options.note or "")
    after.version = pushed.entry.version
    return f"model {found.model}: version {pushed.entry.version} made"
