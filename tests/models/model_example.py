"""A small valid model for tests."""

from __future__ import annotations


def document():
    """A small valid model in JSON."""
    return {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "hdfs",
        "version": 3,
        "learned": {"files": ["hdfs.log"], "lines": 10, "from": "2008-11-09T20:35:31.000Z", "to": None},
        "timestamp": {
            "formats": ["yyMMdd HHmmss"],
            "timezone": "UTC",
            "year": 2008,
            "skip_words": 0,
            "literal": "",
        },
        "patterns": {"BLOCK": "blk_-?[0-9]+"},
        "id_pattern": "blk_-?[0-9]+",
        "templates": [
            {"id": "t-1", "grok": "begin %{BLOCK:block} é", "count": 3, "example": "begin blk_1 é"},
            {"id": "t-2", "grok": r"end \[%{NOTSPACE:block}\] %{INT:n:int}", "count": 3, "example": "\u0004 \udc80"},
        ],
        "automata": [
            {
                "id": "a-1",
                "name": "begin",
                "support": 9,
                "states": [
                    {
                        "id": "begin",
                        "template": "t-1",
                        "field": "block",
                        "min": 1,
                        "max": 3,
                        "begin": True,
                        "end": False,
                        "support": 9,
                    },
                    {
                        "id": "end",
                        "template": "t-2",
                        "field": "block",
                        "min": 0,
                        "max": None,
                        "begin": False,
                        "end": True,
                        "support": 8,
                    },
                ],
                "order": [{"before": "begin", "after": "end", "support": 8}],
                "requires": [{"if": "end", "then": "begin", "support": 8}],
                "equal": [{"states": ["begin", "end"], "support": 7}],
                "duration": {"min_ms": 12, "max_ms": 100, "support": 8},
                "settle_ms": 20,
                "expires_ms": 200,
            }
        ],
    }
