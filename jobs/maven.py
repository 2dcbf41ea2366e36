"""Jars by their Maven coordinates, which stand in a ``pom.xml``: fetched once, found at once from then on.

Maven keeps the jars in its own local repository. Where they are is noted in a small file, so that Maven, which takes
seconds to say it, is asked again only when the ``pom.xml`` has changed or a jar is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from models.errors import UserError

_SECONDS = 900.0
_GOAL = "dependency:build-classpath"


class MavenError(UserError):
    """Jars cannot be had: Maven is missing, or did not find or get them."""


def jars(pom: Path, profile: str | None = None) -> list[Path]:
    """The jars that a ``pom.xml`` asks for at run time, with all that they need, in the order of the class path.

    Args:
        pom: the file with the coordinates.
        profile: the profile of it that holds the wanted ones; only what stands outside of profiles when None.

    Raises:
        MavenError: Maven is missing, or did not find or get a jar.
    """
    note = _note(pom, profile)
    found = _noted(note)
    if not found:
        found = _ask(pom, profile)
        # Where nothing can be noted, Maven is asked every time.
        with contextlib.suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            fresh = note.with_suffix(f".{os.getpid()}")
            fresh.write_text("\n".join(map(str, found)))
            fresh.replace(note)
    return found


def _note(pom: Path, profile: str | None) -> Path:
    """The file that says where these jars are; another one as soon as the ``pom.xml`` changes."""
    digest = hashlib.sha256(pom.read_bytes() + b"\0" + (profile or "").encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "weirwatch" / "jars" / f"{profile or pom.parent.name}-{digest}.txt"


def _noted(note: Path) -> list[Path]:
    """The jars of a note, or none if there is no such note or a jar is gone."""
    try:
        found = [Path(line) for line in note.read_text().splitlines()]
    except OSError:
        return []
    return found if all(jar.is_file() for jar in found) else []


def _ask(pom: Path, profile: str | None) -> list[Path]:
    if shutil.which("mvn") is None:
        raise MavenError(
            f"Maven fetches the jars of {pom}, and there is no mvn; install it (Debian: apt-get install maven)"
        )
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "jars"
        command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "--file", str(pom)]
        command += ["--activate-profiles", profile] if profile else []
        command += [
            _GOAL,
            "-DincludeScope=runtime",
            f"-Dmdep.outputFile={answer}",
            f"-Dmdep.pathSeparator={os.pathsep}",
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise MavenError(
                f"Maven did not get the jars of {pom} within {_SECONDS:g} s; is there a network?"
            ) from error
        said = "\n".join(done.stdout.strip().splitlines()[:12])
        if done.returncode != 0:
            raise MavenError(f"Maven did not get the jars of {pom}:\n{said}")
        found = [Path(jar) for jar in answer.read_text().strip().split(os.pathsep) if jar]
    if not found:
        raise MavenError(
            f"{pom} asks for no jar{f' in profile {profile}' if profile else ''}; see its <dependencies>\n{said}"
        )
    return found
