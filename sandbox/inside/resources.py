"""The data files of an automation, as they come from the host."""

from __future__ import annotations

from pathlib import Path


def write_resources(directory: Path, files: dict[str, bytearray]) -> None:
    """Write files below a directory, where the automation reads them, and forget them."""
    for name, data in files.items():
        path = (directory / name).resolve()
        if path.is_relative_to(directory.resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    files.clear()
