"""The installed distribution: its version, and that its packages are the ones that Python finds."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # every import of the engine begins with this module: it stays away from what takes long
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PACKAGES = ("engine", "sandbox")


def installed_version() -> str:
    """Return the version under which ``webtasks-engine`` is installed, or ``unknown`` in a bare checkout."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("webtasks-engine")
    except PackageNotFoundError:
        return "unknown"


def modules_in_the_way(directories: Iterable[Path]) -> list[Path]:
    """Return the files in these directories that Python would import in the place of our packages from there."""
    from pathlib import Path

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
    ours = os.path.join(os.path.dirname(os.path.dirname(__file__)), name, "__init__.py")
    loaded = sys.modules.get(name)
    spec = loaded.__spec__ if loaded is not None else PathFinder.find_spec(name)
    found = getattr(loaded, "__file__", None) or (spec.origin if spec is not None else None)
    if found is None or not os.path.isfile(ours) or os.path.realpath(found) == os.path.realpath(ours):
        return
    raise ImportError(
        f"{found} is in the way: webtasks-engine has a package of its own named {name!r}, in {os.path.dirname(ours)};"
        " rename that file or directory, or keep its directory off the path (start Python with -P, see sys.path)",
        name=name,
        path=str(found),
    )
