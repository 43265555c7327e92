"""Calls of Playwright that are never awaited: they do nothing, and what follows sees the page as it was."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.task.text import shorten

_ACTS = frozenset({
    "accept", "add_cookies", "add_init_script", "add_locator_handler", "all", "all_inner_texts", "all_text_contents",
    "aria_snapshot", "blur", "bounding_box", "check", "clear", "click", "close", "content", "cookies", "count",
    "dblclick", "dismiss", "dispatch_event", "drag_and_drop", "drag_to", "element_handle", "element_handles",
    "eval_on_selector", "eval_on_selector_all", "evaluate", "evaluate_all", "evaluate_handle", "fill", "focus",
    "get", "get_attribute", "go_back", "go_forward", "goto", "hover", "inner_html", "inner_text", "input_value",
    "insert_text", "is_checked", "is_disabled", "is_editable", "is_enabled", "is_hidden", "is_visible", "json",
    "move", "new_page", "post", "press", "press_sequentially", "query_selector", "query_selector_all", "reload",
    "route", "screenshot", "scroll_into_view_if_needed", "select_option", "set_checked", "set_content",
    "set_extra_http_headers", "set_input_files", "tap", "text", "text_content", "title", "type", "uncheck",
    "wait_for", "wait_for_event", "wait_for_function", "wait_for_load_state", "wait_for_selector",
    "wait_for_timeout", "wait_for_url", "wheel",
})  # fmt: skip
_OF_TASK = frozenset({"already_done", "ask", "download", "empty", "outcome", "progress", "read"})
_OF_WEB = frozenset({"follow", "gather", "get", "post", "request"})
_FINDING = frozenset({
    "locator", "frame_locator", "get_by_alt_text", "get_by_label", "get_by_placeholder", "get_by_role",
    "get_by_test_id", "get_by_text", "get_by_title",
})  # fmt: skip


def unawaited_calls(code: str) -> list[str]:
    """Return a finding for each call that does nothing because it is not awaited; empty where code does not parse.

    Reported are calls on the page, on a locator, on `web` or on `task` that stand alone, are returned, are looped over,
    or whose name is never awaited or handed on later.

    >>> unawaited_calls("page.get_by_role('button').click()")
    ["line 1: nothing was awaited: write `await page.get_by_role('button').click()`"]
    >>> unawaited_calls("await asyncio.gather(page.title(), page.content())")
    []
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    loose = [call for call in _loose(tree) if _is_async(call)]
    return [
        f"line {call.lineno}: nothing was awaited: write `await {_shown(call)}`"
        for call in sorted(loose, key=lambda call: call.lineno)
    ]


def _loose(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions whose value is used, or dropped, as it is."""
    nodes = list(ast.walk(tree))
    used = {name.id for node in nodes for name in _handed_on(node)}
    # A helper that is not async may return what its caller awaits.
    helpers = {id(inner) for node in nodes if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.Return):
            if node.value is not None and id(node) not in helpers:
                yield node.value
        elif isinstance(node, (ast.For, ast.comprehension)):
            yield node.iter
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id not in used:
                yield node.value
        elif isinstance(node, ast.Attribute):  # `page.title().strip()`
            yield node.value
        elif isinstance(node, ast.Dict):
            yield from node.values


def _handed_on(node: ast.AST) -> Iterator[ast.Name]:
    """Yield the names that a node awaits, or hands to something that may await them."""
    values: list[ast.expr | None]
    match node:
        case ast.Await(value=value) | ast.Return(value=value):
            values = [value]
        case ast.Call(args=args, keywords=keywords):
            values = [*args, *(keyword.value for keyword in keywords)]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            values = [*elements]
        case _:
            values = []
    for value in values:
        inner = value.value if isinstance(value, ast.Starred) else value
        if isinstance(inner, ast.Name):
            yield inner


def _is_async(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    name, owner = call.func.attr, call.func.value
    if isinstance(owner, ast.Name) and owner.id == "task":
        return name in _OF_TASK
    if isinstance(owner, ast.Name) and owner.id == "web":
        return name in _OF_WEB
    return (name in _ACTS and _of_page(owner)) or (name == "submit" and _of_form(owner))


def _of_form(owner: ast.expr) -> bool:
    """Return True for what `web` calls a form: ``page.form("Search")``, or a variable named for one."""
    match owner:
        case ast.Call(func=ast.Attribute(attr="form")):
            return True
        case ast.Name(id=name):
            return name == "form" or name.endswith("_form")
        case _:
            return False


def _of_page(owner: ast.expr) -> bool:
    """Return True where an expression is the page, or something found on it."""
    while True:
        match owner:
            case ast.Name(id=name):
                return name == "page"
            case ast.Call(func=ast.Attribute(attr=name)) if name in _FINDING:
                return True
            case ast.Call(func=ast.Attribute(attr="nth" | "filter" | "and_" | "or_", value=inner)):
                owner = inner
            case ast.Attribute(
                attr="first" | "last" | "request" | "keyboard" | "mouse" | "context" | "main_frame", value=inner
            ):
                owner = inner
            case _:
                return False


def _shown(call: ast.expr) -> str:
    return shorten(ast.unparse(call), 80)
