"""Exploration steps, whose last expression is their result."""

from __future__ import annotations

import ast
import asyncio
import inspect
import types
from collections.abc import Mapping
from typing import Any

from sandbox.inside.clock import shifted_builtins

RESULT = "__step_result__"
"""The name that a step's last expression is put under."""


def namespace(page: Any, parameters: Any, task: Any, tape: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the names that exploration begins with.

    Args:
        tape: See `sandbox.inside.clock`.
    """
    return {
        "__name__": "__exploration__",
        "__builtins__": shifted_builtins(tape),
        "page": page,
        "parameters": parameters,
        "task": task,
        "asyncio": asyncio,
    }


def compile_step(name: str, code: str) -> types.CodeType:
    """Compile a step, which may await at its top level.

    >>> namespace = {}
    >>> exec(compile_step("step 1", "n = 2\\nn + 1"), namespace)
    >>> namespace[RESULT]
    3
    """
    tree = ast.parse(code, name)
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        tree.body[-1] = ast.copy_location(ast.Assign([ast.Name(RESULT, ast.Store())], last.value), last)
        ast.fix_missing_locations(tree)
    compiled: types.CodeType = compile(tree, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return compiled


async def run_step(name: str, code: str, namespace: dict[str, Any]) -> str:
    """Run a step, and return its last expression as text; empty for None."""
    namespace.pop(RESULT, None)
    result = eval(compile_step(name, code), namespace)  # noqa: S307  this is the jail's purpose
    if inspect.isawaitable(result):
        await result
    value = namespace.pop(RESULT, None)
    from playwright.async_api import Response

    if isinstance(value, Response):  # of `await page.goto(…)`: the answer has the URL anyway
        return f"HTTP {value.status}"
    return "" if value is None else repr(value)
