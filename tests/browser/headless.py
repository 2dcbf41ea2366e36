"""A headless Chromium for tests: offline, with a fresh profile, and with the console's messages at hand."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_HOW = (
    "These tests drive a real browser. Install it with `apt-get install -y chromium chromium-driver` (Debian, Ubuntu) "
    "and the test extra with `pip install .[test]`, or run `make test`, which does both."
)
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)


class Browser:
    """What the tests ask of a page; widths are in CSS pixels."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, page: Path, width: int = 1280, dark: bool = False, javascript: bool = True) -> None:
        """Load a file; messages of earlier pages are forgotten."""
        # Smooth scrolling would move elements away from under a click.
        features = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        media = [{"name": name, "value": value} for name, value in features.items()]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not javascript})
        self._driver.get_log("browser")
        self._driver.get(page.resolve().as_uri())

    def ask(self, script: str, *arguments: Any) -> Any:
        """Value of an expression of JavaScript."""
        return self._driver.execute_script(f"return {script}", *arguments)

    def click(self, selector: str) -> None:
        self._driver.find_element("css selector", selector).click()

    def type(self, selector: str, text: str) -> None:
        """Real key strokes into an element."""
        self._driver.find_element("css selector", selector).send_keys(text)

    def press(self, key: str) -> None:
        """One key, to whatever has the focus."""
        self._driver.switch_to.active_element.send_keys(key)

    def messages(self) -> list[str]:
        """What the console said since the page was opened."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def screenshot(self) -> bytes:
        """The visible part as PNG."""
        return base64.b64decode(self._driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with ``profile`` as its folder, and end it. A missing browser fails the test and says the mend."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.fail(f"{'chromedriver' if chromium else 'chromium'} is not installed. {_HOW}", pytrace=False)
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        pytest.fail(f"selenium is not installed. {_HOW}", pytrace=False)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*_OPTIONS.split(), f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
