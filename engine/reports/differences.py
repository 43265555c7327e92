"""A unified diff by files, those that a person reads first."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FILE = re.compile(r"^diff --git .*$", re.MULTILINE)
_NAME = re.compile(r"^(?:\+\+\+ b/|--- a/)(.+)$", re.MULTILINE)
_FIRST = ("automation.py", "NOTES.md", "bundle.json")
_BY_ENGINE = "contract.json"
_LONGEST = 60_000  # characters of a file's part


@dataclass(frozen=True)
class FileDifference:
    """The difference between two versions of a file.

    Args:
        name: Its name.
        text: The unified diff, shortened.
        by_engine: The engine alone writes it.
    """

    name: str
    text: str
    by_engine: bool


def split_diff(diff: str) -> list[FileDifference]:
    r"""Return the parts of a unified diff: the automation first, what the engine alone writes last.

    >>> [part.name for part in split_diff("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n")]
    ['x']
    """
    starts = [match.start() for match in _FILE.finditer(diff)]
    parts = [diff[begin:end] for begin, end in zip(starts, [*starts[1:], len(diff)], strict=True)]
    found = [_part(part) for part in parts]
    return sorted(found, key=lambda each: (each.by_engine, _FIRST.index(each.name) if each.name in _FIRST else 9))


def _part(text: str) -> FileDifference:
    named = _NAME.findall(text)
    name = named[-1] if named else text.partition("\n")[0].rpartition(" b/")[2]
    lines = text.split("\n")
    hunks = next((n for n, line in enumerate(lines) if line.startswith("@@")), 0)
    return FileDifference(name, "\n".join(lines[hunks:])[:_LONGEST], name == _BY_ENGINE)
