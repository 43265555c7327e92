"""Files that an automation saves, under safe and unique names."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox import SandboxError
from sandbox.file_names import LONGEST_BYTES, cut
from sandbox.invisible import visible

_NUMBER_BYTES = len(" (10000)")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def create_file(directory: Path, name: str) -> Path:
    """Create an empty file of this name, made safe, or of a numbered one where that is taken.

    Raises:
        SandboxError: 10,000 files of this name exist already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    last = visible(name).replace("\\", "/").rsplit("/", 1)[-1]
    safe = cut(_UNSAFE.sub("_", last).strip(" ."), LONGEST_BYTES - _NUMBER_BYTES) or "file"
    stem, dot, suffix = safe.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem and len(suffix) <= 10 else (safe, "")
    for number in range(1, 10_000):
        target = directory / (f"{stem}{suffix}" if number == 1 else f"{stem} ({number}){suffix}")
        try:
            target.touch(exist_ok=False)  # files of one name may arrive at one time
        except FileExistsError:
            continue
        return target
    raise SandboxError(f"too many files are called {safe!r}")
