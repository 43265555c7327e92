"""The two kinds of automations: with a page of a browser, and without a browser."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Literal

AutomationKind = Literal["page", "web"]
"""``page``: ``async def run(page, parameters, task)``; ``web``: ``async def run(web, parameters, task)``."""


@lru_cache(maxsize=256)
def automation_kind(code: str) -> AutomationKind:
    """Return the kind of an automation, which the name of the first parameter of its ``run`` tells.

    Code that does not parse, or has no ``run``, is taken for one with a page.

    >>> automation_kind("async def run(web, parameters, task): return 1"), automation_kind("run = 1")
    ('web', 'page')
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "page"
    for node in reversed(tree.body):  # of two, the last is called
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "run":
            first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
            return "web" if first is not None and first.arg == "web" else "page"
    return "page"
