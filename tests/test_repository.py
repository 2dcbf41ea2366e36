"""What holds for every file of the repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".html", ".js", ".css", ".cfg", ".sh", ""}
# Put together here, so that this file does not hold them itself.
MACHINE_PATHS = re.compile(r"(?<!\w)/(?:" + "root|work|tmp/probe|home/[a-z]+|Users/[a-z]+" + r")/[\w.-]")
REGISTRIES = re.compile(
    "|".join(
        ("pypi" + r"\.org", "pythonhosted" + r"\.org", r"registry\.npm" + r"js", "maven" + r"\.org", "index" + "-url")
    )
)
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + " KEY|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}")
LONGEST_FILE = 400


@pytest.fixture(scope="module")
def files(repo_root) -> list[Path]:
    """The files that belong to the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    found = [repo_root / name for name in listed if name and (repo_root / name).is_file()]
    assert repo_root / "pyproject.toml" in found
    return found


@pytest.fixture(scope="module")
def texts(files) -> dict[Path, str]:
    """The repository's own texts."""
    return {path: path.read_text(encoding="utf-8") for path in files if path.suffix in TEXTS and path.name != "LICENSE"}


def lines_with(pattern: re.Pattern[str], texts: dict[Path, str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_path_of_one_machine(texts):
    assert not lines_with(MACHINE_PATHS, texts)


def test_no_file_names_a_package_registry(texts):
    assert not lines_with(REGISTRIES, texts)


def test_no_file_holds_a_secret(texts):
    assert not lines_with(SECRETS, texts)


def test_every_source_file_is_a_small_room(texts):
    long = {
        str(path): count
        for path, text in texts.items()
        if path.suffix in {".py", ".js", ".css", ".html"} and (count := len(text.splitlines())) > LONGEST_FILE
    }
    assert not long


def test_no_file_is_large(files):
    assert not [str(path) for path in files if path.stat().st_size > 1_000_000]


def test_nothing_is_left_to_do_in_the_code(texts):
    marks = re.compile(r"\b(" + "TO" + "DO|FIX" + r"ME|X{3})\b")
    assert not lines_with(marks, {path: text for path, text in texts.items() if path.suffix == ".py"})


def test_the_readme_speaks_of_the_commands_that_there_are(repo_root):
    readme = (repo_root / "README.md").read_text()
    makefile = (repo_root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):.*##", makefile, flags=re.MULTILINE))
    mentioned = set(re.findall(r"\bmake ([a-z][a-z-]*)", readme))
    assert mentioned <= targets
    assert {"install", "demo", "test", "bench", "cluster-up", "cluster-down", "help"} <= mentioned
    for command in ("weirwatch learn", "weirwatch scan", "weirwatch parse"):
        assert command in readme


def test_links_in_the_documents_lead_somewhere(texts):
    for path, text in texts.items():
        if path.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_make_help_lists_every_target_with_its_meaning(repo_root):
    shown = subprocess.run(["make", "help"], cwd=repo_root, capture_output=True, text=True, check=True).stdout
    for target in (
        "install",
        "demo",
        "test",
        "lint",
        "format",
        "types",
        "bench",
        "cluster-up",
        "cluster-down",
        "clean",
    ):
        assert re.search(rf"^  make {target} +\S.+$", shown, flags=re.MULTILINE), target


def test_the_changelog_speaks_of_this_version(repo_root):
    version = tomllib.loads((repo_root / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(
        rf"^## \[({re.escape(version)}|Unreleased)\]", (repo_root / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def test_what_the_program_reads_at_run_time_is_installed_with_it(repo_root):
    """Contract: every data file of the packages matches a pattern of the package data."""
    settings = tomllib.loads((repo_root / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]
    for package in ("conf", "models", "operators", "jobs"):
        for path in (repo_root / package).rglob("*"):
            relative = path.relative_to(repo_root / package)
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                assert any(relative.match(pattern) for pattern in patterns.get(package, [])), f"{package}/{relative}"


def test_the_continuous_check_can_be_started(repo_root):
    script = repo_root / ".ci/run"
    assert script.stat().st_mode & 0o111
    for target in ("lint", "types", "format-check", "test"):
        assert f"make {target}" in script.read_text()
