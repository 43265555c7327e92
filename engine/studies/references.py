"""Objects named in a study by ``module:name``: checkers, models, mutations, layouts."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest


def resolve(reference: str, home: Path | None = None, *, field: str) -> Any:
    """Return the object that ``module:name`` stands for.

    Args:
        reference: A module that can be imported, or one beside the study's file, and a name in it.
        home: The directory of the study's file.
        field: The place in the study that names it, for the message.

    Raises:
        InvalidRequest: There is no such module or name.

    >>> resolve("math:gcd", field="checker")(12, 18)
    6
    """
    module, colon, name = reference.partition(":")
    if not (colon and module and name):
        raise InvalidRequest(f"{field} must be module:name, not {reference!r}", field=field)
    try:
        found: Any = _module(module, home)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InvalidRequest(
            f"{field}: {reference!r} cannot be loaded: {error}; name a module that can be imported, or one beside the"
            " study's file, and something in it",
            field=field,
        ) from error
    return found


def _module(name: str, home: Path | None) -> Any:
    file = home / f"{name}.py" if home is not None else None
    if file is None or not file.is_file():
        return importlib.import_module(name)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    found = importlib.util.spec_from_file_location(name, file)
    assert found is not None, "the file ends in .py"
    assert found.loader is not None, "the file ends in .py"
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # as an import does, so that what it defines can be pickled
    try:
        found.loader.exec_module(module)
    except BaseException:  # as an import does: what failed is not there
        del sys.modules[name]
        raise
    return module
