"""The ``weirwatch`` command.

Exit codes: 0 done; 1 the job failed; 2 something given is wrong (option, file, model, configuration); 130 interrupted;
143 terminated.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from jobs.commands import (
    allow,
    check,
    checkers,
    demo,
    evaluate,
    explain,
    learn,
    model,
    parse,
    replay,
    report,
    run,
    sample,
    scan,
    series,
    source,
)
from jobs.embedded import JobError
from models.errors import UserError

_COMMANDS = (
    learn,
    scan,
    run,
    parse,
    report,
    model,
    explain,
    allow,
    source,
    check,
    checkers,
    replay,
    series,
    evaluate,
    sample,
    demo,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _on_termination)
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except JobError as error:
        return _fail(str(error), 1)
    except UserError as error:
        return _fail(str(error), 2)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing to tell
            return 0
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 2)
    except KeyboardInterrupt as interrupt:
        return _fail("interrupted", 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT))


def _on_termination(number: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C, so that what lies in temporary folders is removed."""
    raise KeyboardInterrupt(number)


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="weirwatch",
        description="Learns what normal logs look like, and reports what departs from it.",
        epilog="Start with: weirwatch learn app.log --out model.json; weirwatch scan app.log --model model.json "
        "--out anomalies.jsonl --report report.html",
    )
    parser.add_argument("--version", action="version", version=f"weirwatch {importlib.metadata.version('weirwatch')}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
