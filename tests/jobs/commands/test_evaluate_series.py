"""``weirwatch eval series``: a table for each preset."""

from __future__ import annotations

import re

from jobs.cli import main


def test_precision_and_recall_are_printed_for_a_preset(capsys):
    assert main(["eval", "series", "--seeds", "1", "--first-seed", "3", "--preset", "quiet", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert re.match(r"[0-9]+ series, [0-9,]+ slots; seeds 3 to 3\n\npreset quiet; ", text)
    assert re.search(r"^spike +5 +[01]\.[0-9]{3} +[0-9]+ +[01]\.[0-9]{3}$", text, re.MULTILINE)
    assert "false alarms a series and week" in text
    assert "sensitive" not in text
    assert re.search(r"^learnt 5 of 5, and 0 that are none$", text, re.MULTILINE)
    assert re.search(r"^correlation +2 +[01]\.[0-9]{3} +[0-9]+ +(?:[01]\.[0-9]{3}|–)$", text, re.MULTILINE)
    assert "false alarms a pair and day" in text
