"""The opening of a cassette, for an engine's options."""

from __future__ import annotations

import os
from pathlib import Path

from engine.cassettes.base import Cassette
from engine.cassettes.options import SUFFIX, CassetteOptions
from engine.cassettes.playing import PlayingCassette
from engine.cassettes.recording import RecordingCassette
from engine.errors import InvalidRequest


def open_cassette(
    record: str | Path | None, replay: str | Path | Cassette | None, options: CassetteOptions
) -> Cassette | None:
    """Open the cassette of an engine's options; one that is open already is taken as it is.

    Raises:
        InvalidRequest: Both are given, or there is no such cassette.
    """
    if record is not None and replay is not None:
        raise InvalidRequest(
            "record and replay exclude each other: a cassette is either made or played", field="replay"
        )
    if isinstance(replay, Cassette):
        return replay
    for field, given in (("record", record), ("replay", replay)):
        if given is not None and Path(given).suffix != SUFFIX:
            raise InvalidRequest(f"{field} takes the path of a cassette, {SUFFIX}, not {str(given)!r}", field=field)
    if record is not None:
        path = Path(record).expanduser().absolute()
        _check_writable(path)
        return RecordingCassette(path, options)
    if replay is not None:
        return PlayingCassette(Path(replay).expanduser().absolute(), options)
    return None


def _check_writable(path: Path) -> None:
    """Refuse a path at which nothing can be written, before a task has run for it."""
    folder = next(each for each in path.parents if each.exists())
    if path.is_dir() or not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InvalidRequest(
            f"the cassette {path} cannot be written: it is a directory, or its own is not writable", field="record"
        )
