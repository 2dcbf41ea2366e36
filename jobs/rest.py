"""Requests to Flink's REST API."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

_SECONDS = 5
# Flink is reached as it is, whatever proxy the environment names for the rest of the world.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get_json(url: str) -> Any:
    """What is answered to ``GET url``, decoded.

    Raises:
        OSError: nothing answers, or not with success.
        ValueError: the answer is no JSON.
    """
    with _DIRECT.open(url, timeout=_SECONDS) as answer:
        return json.loads(answer.read())
