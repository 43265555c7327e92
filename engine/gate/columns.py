"""Columns of a list that code reads one by one, and puts together again."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def paired_columns(code: str) -> list[str]:
    '''Return an advisory for each loop over the pairs of two lists of texts that were read apart from each other.

    >>> paired_columns("""
    ... names, prices = await a.all_inner_texts(), await b.all_inner_texts()
    ... rows = [{"name": n, "price": p} for n, p in zip(names, prices)]""")[0][:22]
    'line 3: zip pairs list'
    '''
    tree = ast.parse(code)
    columns = set(_columns(tree))
    loops = [node.iter for node in ast.walk(tree) if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension))]
    found = []
    for loop in loops:
        if not (isinstance(loop, ast.Call) and isinstance(loop.func, ast.Name) and loop.func.id == "zip"):
            continue
        strict = any(k.arg == "strict" and isinstance(k.value, ast.Constant) and k.value.value for k in loop.keywords)
        apart = sum(_is_column(a) or (isinstance(a, ast.Name) and a.id in columns) for a in loop.args)
        if apart >= 2 and not strict:
            found.append(
                f"line {loop.lineno}: zip pairs lists that were read apart: where one row lacks a value, all others get"
                " that of the next. Read each row with its own values (evaluate_all over the rows), or zip strict=True"
            )
    return found


def _columns(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = (
                list(zip(target.elts, node.value.elts, strict=False))
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(target, node.value)]
            )
            yield from (t.id for t, v in pairs if isinstance(t, ast.Name) and _is_column(v))


def _is_column(node: ast.expr) -> bool:
    """Return True for the texts of all elements that a locator matches."""
    call = node.value if isinstance(node, ast.Await) else node
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("all_inner_texts", "all_text_contents")
    )
