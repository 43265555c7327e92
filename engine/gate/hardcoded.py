"""Values that a candidate's source has baked in: of parameters, and of the site's address."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from engine.task.text import shorten

_SHORTEST = 3  # characters; shorter values stand in any code by chance
_NO_LABEL = 12  # characters; a single word that is shorter may be a label of the page


def baked_parameters(tree: ast.Module, parameters: Mapping[str, Any], unneeded: Collection[str] = ()) -> Iterator[str]:
    """Yield values of parameters in addresses, selectors and texts, and parameters that the code never reads.

    The run with other parameters shows the rest.

    Args:
        unneeded: Names of those that it need not read.
    """
    excused = _excused(tree)
    constants = [n for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    names = {n.value for n in constants if isinstance(n.value, str)}
    unread = _unread(tree, parameters)
    for name, value in parameters.items():
        read = name not in unread
        if not read and name not in unneeded:
            yield (
                f'the parameter {name!r} is never read; use parameters["{name}"], or, where the site does not need it,'
                " write the same again and say why in unneeded"
            )
        if isinstance(value, (bool, dict, list)) or value is None or len(str(value)) < _SHORTEST:
            continue
        in_url = re.compile(rf"[/?=&](?:[^\s]*[^\w\s-])?{re.escape(str(value))}(?![\w-])")
        for node in constants:
            if id(node) in excused:
                continue
            exact = node.value == value and (not read or is_no_label(value))
            text = node.value if isinstance(node.value, str) else ""
            inside = is_no_label(value) and _contains(text, str(value)) and text not in names & set(parameters)
            if exact or inside or in_url.search(text):
                yield (
                    f"line {node.lineno}: {literal(node.value)} has this run's value of the parameter {name!r} baked"
                    f' in; use parameters["{name}"]'
                )
                break


def unread_parameters(code: str, parameters: Collection[str]) -> frozenset[str]:
    """Return the names of parameters that code never reads; none for code that does not parse."""
    try:
        return _unread(ast.parse(code), parameters)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()


def _unread(tree: ast.Module, parameters: Collection[str]) -> frozenset[str]:
    excused = _excused(tree)
    names = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    reads_all = any(isinstance(n, ast.Name) and n.id == "parameters" and id(n) not in excused for n in ast.walk(tree))
    return frozenset() if reads_all else frozenset(parameters) - names


def read_parameters(code: str) -> frozenset[str]:
    """Return the parameters that code reads by their names; none for code that does not parse.

    >>> sorted(read_parameters('run(parameters["batch"], parameters.get("row"), parameters, "seat")'))
    ['batch', 'row']
    """
    found = set[str]()
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    for node in ast.walk(tree):
        owner, key = None, None
        if isinstance(node, ast.Subscript):
            owner, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            owner, key = node.func.value, node.args[0] if node.args else None
        if isinstance(owner, ast.Name) and owner.id == "parameters" and isinstance(key, ast.Constant):
            found.add(str(key.value))
    return frozenset(found)


def baked_origin(tree: ast.Module, start_url: str | None) -> Iterator[str]:
    """Yield absolute addresses of the site at which the page is opened: a run may begin at another."""
    if start_url is None:
        return
    parts = urlsplit(start_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    excused = _excused(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in excused:
            continue
        if re.match(rf"{re.escape(origin)}(?:[/?#]|$)", node.value):
            yield f"line {node.lineno}: {literal(node.value)} names the site; use urljoin(task.start_url, …)"


def is_no_label(value: Any) -> bool:
    """Return True for a value that is no word which a page may have for a label."""
    text = str(value)
    return len(text) >= _NO_LABEL or (len(text) >= 8 and not text.isalpha())


def _contains(text: str, value: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text))


def literal(value: Any) -> str:
    """Return a constant as the code has it, shortened."""
    return shorten(repr(value), 120)


def _excused(tree: ast.Module) -> set[int]:
    """Return the nodes that are no evidence: docstrings, keys, operands, and ``parameters`` read by name."""
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
