"""The example package of the documentation, installed and run on the mini cluster as a user would."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.runs import read_run

BEGIN = "2024-03-01T10"
CHECKERS = ['payment-limit:{"limit": 1000}', 'failed-logins:{"most": 2, "within_s": 30}', "payment-retries"]


def at(second: int, ms: int = 0) -> str:
    return f"{BEGIN}:{second // 60:02}:{second % 60:02}.{ms:03}Z"


def logs() -> dict[str, list[str]]:
    """Two logs; a user's failures are in both, so that only their times bring them together."""
    app, gate = [], []
    for n in range(300):
        app.append(f"{at(3 * n)} payment of {10 + n}.50 EUR for order {n} accepted")
        gate.append(f"{at(3 * n, 500)} login succeeded for user user-{n % 7} from 10.0.0.{n % 9}")
    app.append(f"{at(200, 100)} payment of 1000.00 EUR for order 900 accepted")
    app.append(f"{at(300, 100)} payment of 1000.01 EUR for order 901 accepted")
    for n, (log, second) in enumerate([(app, 100), (gate, 110), (app, 120)]):
        log.append(f"{at(second, n)} login failed for user eve from 10.9.0.1")
    # As many, but too far from each other; and as many with a login between them.
    for log, second in ((app, 130), (gate, 150), (app, 170)):
        log.append(f"{at(second, 7)} login failed for user bob from 10.9.0.2")
    steps = ((gate, "failed", 131), (app, "succeeded", 132), (gate, "failed", 133), (app, "failed", 134))
    for log, what, second in steps:
        log.append(f"{at(second, 9)} login {what} for user ann from 10.9.0.3")
    for order, times in ((950, (0, 100, 200)), (951, (0, 600, 900))):
        app += [f"{at(400, ms)} payment of 5.00 EUR for order {order} declined" for ms in times]
    app.append(f"{at(400, 300)} payment of 5.00 EUR for order 950 accepted")
    app.append(f"{at(402)} payment of 5.00 EUR for order 951 accepted")
    return {"app.log": sorted(app), "gate.log": sorted(gate)}


EXPECTED = {
    ("payment-limit", None, None, "Order 901 paid 1,000.01, which is more than 1,000.00."),
    ("failed-logins", "too_many", "eve", "User eve failed to log in 3 times within 30 s."),
    ("failed-logins", "locked_out", "eve", "User eve did not get in for 600 s after too many failed logins."),
    ("payment-retries", None, None, "Order 950 had 3 declined payments in 300 ms."),
}


@pytest.fixture(scope="module")
def installed(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the example package was installed, without a network."""
    source, target = tmp_path_factory.mktemp("source") / "example", tmp_path_factory.mktemp("installed")
    shutil.copytree(repo_root / "docs/plugins/example", source)
    if importlib.util.find_spec("wheel") or int(importlib.metadata.version("setuptools").partition(".")[0]) > 70:
        command = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
        command += ["--disable-pip-version-check", "--target", str(target), str(source)]
    else:  # pip needs a wheel, and these setuptools build none by themselves; the same files come without one
        command = ["-W", "ignore", "-c", "import setuptools; setuptools.setup()", "-q"]
        command += ["install_lib", "--install-dir", str(target), "install_egg_info", "--install-dir", str(target)]
    subprocess.run([sys.executable, *command], cwd=source, check=True, capture_output=True, text=True)
    return target


@pytest.fixture(scope="module")
def weirwatch(installed: Path, repo_root: Path):
    """Runs a command in a process that finds the package; nothing else tells it of it."""
    path = os.pathsep.join([str(repo_root), str(installed)])

    def run(*arguments: object, path: str = path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jobs.cli", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)

    return run


def test_the_package_is_listed_with_all_that_it_offers(weirwatch):
    done = weirwatch("checkers")
    assert done.returncode == 0, done.stderr
    rows = [text.split("  ") for text in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["name", "failed-logins", "payment-limit", "payment-retries"]
    assert "Tells payments of more than a limit." in done.stdout
    listed = json.loads(weirwatch("checkers", "--json").stdout)
    assert [(o["name"], o["kinds"], o["error"]) for o in listed] == [
        ("failed-logins", ["keyed"], None),
        ("payment-limit", ["lines"], None),
        ("payment-retries", ["transactions"], None),
    ]
    assert listed[0]["package"] == "weirwatch-shop-checkers 1.0.0"


def test_a_scan_finds_what_the_package_is_to_find_whatever_the_parallelism(weirwatch, repo_root, tmp_path):
    for name, lines in logs().items():
        (tmp_path / name).write_text("".join(f"{text}\n" for text in lines))
    options = [option for checker in CHECKERS for option in ("--checker", checker)]
    runs = []
    for parallelism, batch_size in ((1, 10_000), (2, 7)):
        folder = tmp_path / f"out-{parallelism}"
        folder.mkdir()
        done = weirwatch(
            *("scan", tmp_path / "app.log", tmp_path / "gate.log", "--quiet"),
            *("--model", repo_root / "docs/plugins/example/model.json"),
            *("--out", folder / "anomalies.jsonl", "--dead-letters", folder / "dead.jsonl"),
            *("--summary", folder / "summary.json", "--parallelism", parallelism, "--batch-size", batch_size),
            *options,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        runs.append(read_run(folder, "anomalies.jsonl", "dead.jsonl", "summary.json"))
    one, two = runs
    told = [(a["checker"]["id"], a["checker"]["violation"], a["checker"]["key"], a["reason"]) for a in one.anomalies]
    assert len(told) == len(EXPECTED)
    assert set(told) == EXPECTED
    assert one.summary["anomalies"] == {"custom": len(EXPECTED)}
    (locked,) = [a for a in one.anomalies if a["checker"]["violation"] == "too_many"]
    assert [Path(e["file"]).name for e in locked["evidence"]] == ["app.log", "gate.log", "app.log"]
    assert one.text == two.text


def test_without_the_package_the_mend_is_told(weirwatch, repo_root, tmp_path):
    (tmp_path / "app.log").write_text(f"{at(0)} payment of 1.00 EUR for order 1 accepted\n")
    shutil.copy(repo_root / "docs/plugins/example/model.json", tmp_path)
    config = tmp_path / "detect.yaml"
    config.write_text(
        "sources: [{path: app.log}]\nmodel: model.json\noutput: {directory: out}\ncheckers:\n"
        "  - {use: payment-limit, settings: {limit: 5}}\n"
        "  - use: payment-limits\n"
        "  - use: failed-logins\n    settings:\n      within_s: 60\n      patience_s: 5\n"
    )
    done = weirwatch("config", "check", config)
    assert done.returncode == 2
    assert [text.partition("detect.yaml, ")[2] for text in done.stderr.splitlines()] == [
        "line 6: checkers[1].use: no checker 'payment-limits' is installed; did you mean 'payment-limit'? "
        "Installed are failed-logins, payment-limit, payment-retries. A class is written package.module:Class",
        "line 10: checkers[2].settings.patience_s: is less than within_s (60); raise it",
    ]
    done = weirwatch("config", "check", config, path=str(repo_root))
    assert "no checker 'payment-limit' is installed, nor any other; install its package" in done.stderr


def test_a_checker_that_fails_leaves_the_rest_of_the_scan_as_it_is(weirwatch, installed, repo_root, tmp_path):
    (installed / "failing_plugin.py").write_text(
        "from models.checkers import KeyedChecker, LineChecker\n"
        "class Failing(LineChecker):\n"
        "    fields = ('amount',)\n"
        "    def check_line(self, event):\n"
        "        raise KeyError('amuont')\n"
        "class Keyed(KeyedChecker):\n"
        "    key = 'user'\n"
        "    def on_event(self, event, memory):\n"
        "        memory.state = {1, 2}\n"
    )
    for name, lines in logs().items():
        (tmp_path / name).write_text("".join(f"{text}\n" for text in lines))
    (tmp_path / "out").mkdir()
    done = weirwatch(
        *("scan", tmp_path / "app.log", tmp_path / "gate.log", "--quiet", "--checker", CHECKERS[0]),
        *("--model", repo_root / "docs/plugins/example/model.json", "--out", tmp_path / "out/anomalies.jsonl"),
        *("--dead-letters", tmp_path / "out/dead.jsonl", "--summary", tmp_path / "out/summary.json"),
        *("--checker", "failing_plugin:Failing", "--checker", "sets=failing_plugin:Keyed"),
    )
    assert done.returncode == 0, done.stderr
    assert "note: checkers failed 20 times. One of the failures: checker " in done.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert (summary["anomalies"], summary["checker_failures"], summary["dead_letters"]) == ({"custom": 1}, 20, 0)
    letters = [json.loads(text) for text in (tmp_path / "out/dead.jsonl").read_text().splitlines()]
    for checker, told in (("Failing", "KeyError: 'amuont'"), ("sets", "TypeError: Object of type set is not JSON")):
        own = [letter["reason"] for letter in letters if letter["checker"] == checker]
        assert len(own) == 10
        assert all(told in reason for reason in own)
        assert sum("it is switched off here until the next start" in reason for reason in own) == 1


@pytest.mark.cluster
def test_a_cluster_gets_the_package_along_with_the_job(real_cluster, installed, weirwatch, repo_root, tmp_path):
    for name, lines in logs().items():
        (tmp_path / name).write_text("".join(f"{text}\n" for text in lines))
    shutil.copy(repo_root / "docs/plugins/example/model.json", tmp_path)
    checkers = [
        {"use": "payment-limit", "settings": {"limit": 1000}},
        {"use": "failed-logins", "settings": {"most": 2, "within_s": 30}},
        {"use": "weirwatch_shop_checkers.retries:PaymentRetries", "id": "payment-retries"},
    ]
    config = {
        "sources": [{"path": name} for name in logs()],
        "model": "model.json",
        "output": {"directory": "out"},
        "parallelism": 2,
        "checkers": checkers,
    }
    (tmp_path / "detect.yaml").write_text(json.dumps(config))
    job = ["-py", repo_root / "jobs/detect.py", "--config", tmp_path / "detect.yaml"]
    done = subprocess.run(
        [real_cluster.flink, "run", "--pyFiles", installed, *job],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = read_run(tmp_path / "out", "anomalies.jsonl", "dead_letters.jsonl", "summary.json")
    told = [(a["checker"]["id"], a["checker"]["violation"], a["checker"]["key"], a["reason"]) for a in run.anomalies]
    assert len(told) == len(EXPECTED)
    assert set(told) == EXPECTED
