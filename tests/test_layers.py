"""Imports go one way: jobs → operators → models; models know nothing of Flink."""

import ast
from pathlib import Path

import pytest

FORBIDDEN = {
    "models": {"apache_beam", "benchmarks", "jobs", "operators", "pemja", "py4j", "pyflink", "tests"},
    "operators": {"benchmarks", "jobs", "tests"},
    "jobs": {"benchmarks", "tests"},
}


def imported(text: str) -> set[str]:
    """Top-level names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"}:
                names.add(str(node.args[0].value).partition(".")[0])
    return names


def modules(layer: str, root: Path) -> list[Path]:
    return sorted((root / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_imports_no_layer_above_it(layer, repo_root):
    found = modules(layer, repo_root)
    assert found
    wrong = {str(file): names for file in found if (names := imported(file.read_text()) & FORBIDDEN[layer])}
    assert not wrong


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_no_import_is_relative_to_a_package_above(layer, repo_root):
    for file in modules(layer, repo_root):
        for node in ast.walk(ast.parse(file.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level > 0), f"{file}:{node.lineno}"


def test_models_read_no_clock(repo_root):
    clocks = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    for file in modules("models", repo_root):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                assert f"{owner}.{node.attr}" not in clocks, f"{file}:{node.lineno}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import pyflink.table as t", {"pyflink"}),
        ("def f():\n    from jobs.config import x", {"jobs"}),
        ("if TYPE_CHECKING:\n    import operators.parse", {"operators"}),
        ("import importlib\nimportlib.import_module('pyflink.common')", {"importlib", "pyflink"}),
        ("x = 'import pyflink'", set()),
    ],
)
def test_every_way_to_import_is_seen(text, expected):
    assert imported(text) == expected
