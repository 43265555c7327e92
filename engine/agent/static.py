"""Static checks of a candidate: what its source alone gives away, each with a reason that the model can act on."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.redaction import Redactor

ALLOWED_IMPORTS = frozenset(sys.stdlib_module_names) | {"playwright", "sandbox"}
_SIGNATURE = ("page", "parameters", "task")
_SHORTEST_EVIDENCE = 3  # characters; shorter values stand in any code by chance
_LONGEST_POLL = 0.5  # seconds


def findings(code: str, parameters: Mapping[str, Any], secrets: Collection[str] = ()) -> list[str]:
    """Why the candidate cannot be accepted; empty when nothing speaks against it.

    Args:
        code: The automation's source.
        parameters: The parameters of the run that explored, whose values must not be baked in.
        secrets: Names of those that are secret: their values may stand nowhere, not even in a comment.

    >>> findings("def run(page): pass", {})
    ['line 1: define `async def run(page, parameters, task)`; this is not async']
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        return [f"it does not parse: {getattr(error, 'msg', error)} (line {line})"]
    found = [*_signature(tree), *_imports(tree), *_excepts(tree), *_sleeps(tree)]
    found += _baked(tree, {n: v for n, v in parameters.items() if n not in secrets})
    for name in sorted(secrets):
        if Redactor(parameters, {name}).text(code) != code:
            found.append(f'the value of the secret parameter {name!r} is in the code; use parameters["{name}"]')
    return found


def _signature(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "run":
            names = tuple(a.arg for a in node.args.args)
            if isinstance(node, ast.FunctionDef):
                yield f"line {node.lineno}: define `async def run(page, parameters, task)`; this is not async"
            elif names != _SIGNATURE:
                yield f"line {node.lineno}: run takes {names}; it must take (page, parameters, task)"
            return
    yield "there is no `async def run(page, parameters, task)` at the top level"


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        else:
            continue
        for name in names:
            top = name.split(".")[0]
            if top not in ALLOWED_IMPORTS or (top == "sandbox" and name not in ("sandbox", "sandbox.toolkit")):
                allowed = "only the standard library, playwright and sandbox.toolkit"
                yield f"line {node.lineno}: import of {name!r}; {allowed}"


def _excepts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or (
            isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        )
        if node.type is None:
            yield f"line {node.lineno}: bare except; name the exception"
        elif broad and all(isinstance(s, (ast.Pass, ast.Continue)) or _is_constant(s) for s in node.body):
            yield f"line {node.lineno}: an exception is swallowed; let it rise, or name the one that is expected"


def _is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Expr, ast.Return)) and isinstance(statement.value, (ast.Constant, type(None)))


def _sleeps(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        constant = node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, (int, float))
        seconds = node.args[0].value if constant and isinstance(node.args[0], ast.Constant) else 0
        if called.endswith("wait_for_timeout") or called == "time.sleep":
            remedy = "wait for what must appear (locator.wait_for, expect, wait_for_url)"
            yield f"line {node.lineno}: {called} is a fixed wait; {remedy}"
        elif called == "asyncio.sleep" and isinstance(seconds, (int, float)) and seconds > _LONGEST_POLL:
            yield f"line {node.lineno}: a fixed sleep of {seconds} s; wait for what must appear"


def _baked(tree: ast.Module, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Values in addresses, and values of parameters that the code never reads. What is left, the second run shows."""
    excused = _excused(tree)
    constants = [n for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    names = {n.value for n in constants if isinstance(n.value, str)}
    reads_all = any(isinstance(n, ast.Name) and n.id == "parameters" and id(n) not in excused for n in ast.walk(tree))
    for name, value in parameters.items():
        read = name in names or reads_all
        if not read:
            yield f'the parameter {name!r} is never read; use parameters["{name}"]'
        if isinstance(value, (bool, dict, list)) or value is None or len(str(value)) < _SHORTEST_EVIDENCE:
            continue
        in_url = re.compile(rf"[/?=&](?:[^\s]*[^\w\s-])?{re.escape(str(value))}(?![\w-])")
        for node in constants:
            if id(node) in excused:
                continue
            exact = not read and node.value == value
            if exact or (isinstance(node.value, str) and in_url.search(node.value)):
                yield (
                    f"line {node.lineno}: {node.value!r} has this run's value of the parameter {name!r} baked in;"
                    f' use parameters["{name}"]'
                )
                break


def _excused(tree: ast.Module) -> set[int]:
    """Nodes that are no evidence: docstrings, names of keys, what is compared; and ``parameters`` read by one name."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        elif isinstance(node, ast.Dict):
            found |= {id(key) for key in node.keys if key is not None}
        elif isinstance(node, ast.Compare):
            found |= {id(c) for c in (node.left, *node.comparators)}
        elif isinstance(node, ast.Subscript):
            found |= {id(node.slice), id(node.value)}
        elif isinstance(node, ast.Attribute) and node.attr == "get":
            found.add(id(node.value))
    return found
