"""Finds out how the lines of logs are read: timestamps, structure, which lines begin an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from models.errors import UserError
from models.line_reader import LineReader
from models.multiline import MultilineSettings
from models.structure.detection import canonical_lines, find_structure, structured
from models.structure.profile import KeyProfile
from models.structure.settings import StructureSettings
from models.timestamps import detect
from models.timestamps.candidates import Sample

RawLines = Callable[[str], Iterator[list[bytes]]]
"""Given what the stage is called, all lines of all logs, batch by batch."""


def find_line_reader(
    head: Sequence[bytes],
    raw: RawLines,
    times: tuple[str, str | None, int | None],
    wanted: str | None = None,
    multiline: MultilineSettings | None = None,
) -> LineReader:
    """What finds the events of some logs.

    Args:
        head: some lines of them.
        raw: gives all lines; read once where they are structured, for their keys.
        times: zone of timestamps that do not tell theirs, their format, and the year of the first line, if known.
        wanted: ``json`` or ``logfmt``: lines are that; ``none``: they are plain text; None: find out.
        multiline: which lines begin an event; None: those with a timestamp.

    Raises:
        UserError: no timestamps are found, or no line is what is wanted.
    """
    structure = None
    if wanted != "none":
        structure = find_structure(head, *times, wanted)
        if structure is None and wanted is not None:
            raise UserError(f"no line is {wanted}; correct --structure, or leave it out")
    if structure is None:
        return LineReader(detect(head, *times), multiline=multiline)
    settings = detect(canonical_lines(head, structure), *times)
    return LineReader(settings, _with_keys(raw, structure), multiline)


def _with_keys(raw: RawLines, structure: StructureSettings) -> StructureSettings:
    """The settings with the keys of all lines."""
    profile = KeyProfile(structure)
    for lines in raw("reading keys"):
        for pairs in structured(Sample(lines), structure):
            profile.add(pairs)
    return profile.finish()
