"""Recognizes automations that use nothing of their page but ``page.request``. The host asks: no parser is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def only_sends_requests(code: str) -> bool:
    """Return True for an automation that uses of its page ``page.request`` and ``page.url`` alone.

    >>> only_sends_requests("async def run(page, parameters, task): return await (await page.request.get('/a')).json()")
    True
    >>> only_sends_requests("async def run(page, parameters, task): await page.goto('/a')")
    False
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if any(
        "playwright" in ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
    ):
        return False
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    run = functions.get("run")
    names = [] if run is None else [each.arg for each in (*run.args.posonlyargs, *run.args.args)]
    return run is not None and names[:1] == ["page"] and _Uses(functions).are_requests(run, "page", frozenset())


class _Uses:
    """The uses of a page in functions that pass it on by a name of their own."""

    def __init__(self, functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
        self._functions = functions

    def are_requests(self, function: ast.AST, name: str, seen: frozenset[tuple[str, str]]) -> bool:
        allowed: set[ast.AST] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and _is_request(node):
                allowed.add(_root(node))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._functions:
                allowed |= self._passed_on(node, name, seen)
        uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
        return all(node in allowed for node in uses)

    def _passed_on(self, call: ast.Call, name: str, seen: frozenset[tuple[str, str]]) -> set[ast.AST]:
        """Return the arguments by which the page goes to a function that only sends requests with it."""
        assert isinstance(call.func, ast.Name)  # as its caller has seen
        function = self._functions[call.func.id]
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        given = [*zip(names, call.args, strict=False), *[(each.arg or "", each.value) for each in call.keywords]]
        found: set[ast.AST] = set()
        for parameter, value in given:
            if isinstance(value, ast.Name) and value.id == name:
                key = (function.name, parameter)
                if key in seen or self.are_requests(function, parameter, seen | {key}):
                    found.add(value)
        return found


def _is_request(node: ast.Attribute) -> bool:
    path = ast.unparse(node).split(".")
    return path[1:2] in (["request"], ["url"]) or path[1:3] == ["context", "request"]


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node
