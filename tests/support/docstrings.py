"""The examples in docstrings, module by module."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import engine
import sandbox

_IN_JAIL = {"sandbox.inside.main"}  # starts speaking to its host when it is imported as a program
_IN_JAILS = ("sandbox.isolation.probe", "sandbox.sandbox")
_IN_PROCESSES = ("engine.bundles.git_repository",)


def modules(kind: str) -> list[str]:
    """Return the modules whose examples are run by the tests of a kind: ``unit``, ``process`` or ``jail``."""
    special = {"process": _IN_PROCESSES, "jail": _IN_JAILS}
    return list(special[kind]) if kind in special else [name for name in all_modules() if _has_examples(name)]


def all_modules() -> list[str]:
    """Return all modules of ours that any process may import."""
    names = []
    for package in (engine, sandbox):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [package.__name__, *(m.name for m in found if not m.name.endswith("__main__"))]
    return [name for name in names if name not in {*_IN_JAIL, *_IN_JAILS, *_IN_PROCESSES}]


def _has_examples(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None and ">>>" in Path(spec.origin).read_text(encoding="utf-8")


def failures(name: str) -> int:
    """Run a module's examples and return the number of those that failed."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    # Each docstring that is run makes the debugger look at all files known to it: those without examples are left out.
    for examples in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name):
        if examples.examples:
            runner.run(examples)
    return runner.failures
