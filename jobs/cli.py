"""The ``weirwatch`` command.

Exit codes: 0 done; 1 the job failed; 2 something given is wrong (option, file, model, configuration); 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Sequence

from jobs.commands import check, demo, learn, parse, report, sample, scan
from jobs.embedded import JobError
from models.errors import UserError

_COMMANDS = (learn, scan, parse, report, check, sample, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
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
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


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
