"""``weirwatch series run``: the job that scores series, on the embedded mini cluster."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from jobs.commands.options import command
from jobs.embedded import JobError, cause, check_java, watched, worth_telling
from jobs.progress import Progress
from jobs.score_config import check_score_config
from models.errors import UserError


def add_to(actions: Any) -> None:
    """Declare the command."""
    parser = command(
        actions,
        "run",
        run,
        "score many series in a Flink job; write incidents",
        description="Run the job that scores series on a Flink mini cluster in this process, and write incidents, dead "
        "letters and a summary, and scores if wanted. On a cluster: flink run -py jobs/score.py --config FILE.",
    )
    parser.add_argument("--config", required=True, metavar="FILE", help="the configuration, as conf/score.yaml")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Run the job, write what it found, print the summary."""
    config = check_score_config(options.config)
    check_java()
    from jobs.score import run as run_job  # starts the Java gateway on import of Flink: only when all is checked

    logging.getLogger().addFilter(worth_telling)
    progress = Progress(quiet=options.quiet)
    work = Path(tempfile.mkdtemp(prefix="weirwatch-"))
    try:
        with watched(work, progress, "scoring"):
            results = run_job(config, embedded=True, work=work)
    except (UserError, OSError):
        raise
    except Exception as error:
        details = Path.cwd() / "weirwatch-error.log"
        details.write_text(traceback.format_exc(), encoding="utf-8")
        raise JobError(f"the job failed: {cause(str(error))}; details: {details}") from error
    finally:
        progress.close()
        shutil.rmtree(work, ignore_errors=True)
    results.write(config.directory)
    print(results.summary_text())
    print(f"results in {config.directory}", file=sys.stderr)
    if results.summary["dead_letters"]:
        dead = results.summary["dead_letters"]
        print(f"note: {dead:,} lines or points were not judged; dead_letters.jsonl says why", file=sys.stderr)
    return 0
