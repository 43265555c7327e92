"""The start of the command ``webtasks``: modules on PYTHONPATH with our packages' names are not taken for ours."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def main() -> None:
    """Run the command line."""
    use_own_packages()
    from engine.cli import main

    main()


def use_own_packages() -> None:
    """Import our packages from beside this file, whatever comes before it on the path.

    The path stays as it is: a directory with all that is installed must not come before the standard library, since
    backports in it have the names of its modules.
    """
    here = str(Path(__file__).parent)
    for name in ("sandbox", "engine"):
        loaded, spec = sys.modules.get(name), PathFinder.find_spec(name, [here])
        if spec is None or spec.loader is None or (loaded is not None and loaded.__file__ == spec.origin):
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
