"""What every page has: the head, the style and the script, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from models.errors import UserError
from models.report.text import escape


def document(title: str, body: str, definitions: str) -> str:
    """A complete page as HTML that needs nothing else.

    Args:
        title: of the page, as text.
        body: what it shows, as HTML.
        definitions: what drawings refer to, as SVG.
    """
    style, script = _asset("report.css"), _asset("report.js")
    # Nothing may be loaded and no other script may run, even if a line of a log found a way into the markup.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>"
        f'<svg class="sr" aria-hidden="true"><defs>{definitions}</defs></svg>'
        f"{body}\n<script>{script}</script></body></html>\n"
    )


def write_page(path: str | Path, page: str) -> None:
    """Write a page; its folder is made when missing.

    Raises:
        UserError: it cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write the report {target}: {error.strerror or error}") from error


def _asset(name: str) -> str:
    return files("models.report").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
