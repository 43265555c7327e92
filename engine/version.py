"""The installed distribution: its version, and that its packages are the ones that Python finds."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("engine", "sandbox")


def installed_version() -> str:
    """Return the version under which ``webtasks-engine`` is installed, or ``unknown`` in a bare checkout."""
    try:
        return importlib.metadata.version("webtasks-engine")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def modules_in_the_way(directories: Iterable[Path]) -> list[Path]:
    """Return the files in these directories that Python would import in the place of our packages from there."""
    ours = Path(__file__).parents[1].resolve()
    found = (
        directory / file
        for directory in directories
        if directory.resolve() != ours
        for name in PACKAGES
        for file in (f"{name}/__init__.py", f"{name}.py")
    )
    return [file for file in found if file.is_file()]


def check_package(name: str) -> None:
    """Refuse another package or module in the place of one of ours, before an import from it fails as something else.

    Raises:
        ImportError: A module of that name that is not the one beside this package comes first; its file is named.
    """
    ours = Path(__file__).parents[1] / name / "__init__.py"
    loaded = sys.modules.get(name)
    spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
    found = getattr(loaded, "__file__", None) or (spec.origin if spec is not None else None)
    if found is None or not ours.is_file() or Path(found).resolve() == ours.resolve():
        return
    raise ImportError(
        f"{found} is in the way: webtasks-engine has a package of its own named {name!r}, in {ours.parent}; rename"
        " that file or directory, or keep its directory off the path (start Python with -P, see sys.path)",
        name=name,
        path=str(found),
    )
