"""Code that does nothing with its page but send requests, made to run without a browser as it is."""

from __future__ import annotations

import ast
import re

from sandbox.kinds import automation_kind

_RENAMED = "run_by_requests"
_OF_PAGE = frozenset({"request", "url"})
_OF_TASK = frozenset({"ask", "log", "progress", "read", "resource", "start_url", "totp"})
_DEFINED = re.compile(r"async\s+def\s+run\b")


def adapted(code: str) -> str | None:
    """Return the code with a `run` that takes ``web``; None where it does more with its page than to send requests.

    >>> print(adapted("async def run(page, parameters, task):\\n    return await page.request.get('/a')"))
    async def run_by_requests(page, parameters, task):
        return await page.request.get('/a')
    <BLANKLINE>
    <BLANKLINE>
    from sandbox.toolkit import RequestPage
    <BLANKLINE>
    <BLANKLINE>
    async def run(web, parameters, task):
        return await run_by_requests(RequestPage(web), parameters, task)
    <BLANKLINE>
    """
    if automation_kind(code) == "web" or ("page.request" not in code and "context.request" not in code):
        return None
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == "run"]
    if len(found) != 1 or not _only_requests(tree):
        return None
    lines = code.splitlines(keepends=True)
    first = found[0].lineno - 1
    lines[first], renamed = _DEFINED.subn(f"async def {_RENAMED}", lines[first], count=1)
    if not renamed:
        return None
    return (
        f"{''.join(lines).rstrip()}\n\n\nfrom sandbox.toolkit import RequestPage\n\n\n"
        f"async def run(web, parameters, task):\n    return await {_RENAMED}(RequestPage(web), parameters, task)\n"
    )


def _only_requests(tree: ast.Module) -> bool:
    """Return True where every use of the page is its request or its address, and of the task what needs no page."""
    used = {id(node): node for node in ast.walk(tree) if isinstance(node, ast.Name)}
    helpers = {
        node.name: [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(each.name.startswith("playwright") for each in names):
                return False
            case ast.ImportFrom(module=str(module)) if module.startswith("playwright"):
                return False
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="page") as name, attr="context"), attr="request"):
                used.pop(id(name), None)
            case ast.Attribute(value=ast.Name(id="page") as name, attr=attribute) if attribute in _OF_PAGE:
                used.pop(id(name), None)
            case ast.Attribute(value=ast.Name(id="task") as name, attr=attribute) if attribute in _OF_TASK:
                used.pop(id(name), None)
            case ast.Call(func=ast.Name(id=called), args=given) if called in helpers:
                for argument, parameter in zip(given, helpers[called], strict=False):
                    if isinstance(argument, ast.Name) and argument.id == parameter:
                        used.pop(id(argument), None)
    return not any(name.id in ("page", "run", "task") for name in used.values())
