"""Cells of tables and lists that code without a browser takes by their position."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_CELLS = re.compile(r"(?:^|[\s>])(?:td|th|li|dd)(?:\s*,\s*(?:td|th))?$", re.IGNORECASE)


def positions_of_web(tree: ast.Module) -> Iterator[str]:
    """Yield a finding for each fixed position in a row's cells, which one sample of a page cannot justify.

    The first and the last may be meant as such.

    >>> list(positions_of_web(ast.parse("cells = row.css('td')\\nprice = cells[2].text")))[0][:37]
    'line 2: cells[2] selects by position;'
    """
    named = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_cells(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
            continue
        position, owner = node.slice.value, node.value
        of_cells = owner.id in named if isinstance(owner, ast.Name) else _is_cells(owner)
        if of_cells and isinstance(position, int) and position > 0:
            yield (
                f"line {node.lineno}: {ast.unparse(node)} selects by position; find a table's column by its header's"
                ' text: page.table("Header", …), or find it by role, label, text or attribute'
            )


def _is_cells(node: ast.expr) -> bool:
    """Return True for ``row.css("td")``, its ``texts``, and a role that says the same."""
    if isinstance(node, ast.Attribute) and node.attr in ("texts", "all"):
        node = node.value
    match node:
        case ast.Call(func=ast.Attribute(attr="css"), args=[ast.Constant(value=str(selector))]):
            return _CELLS.search(selector.strip()) is not None
        case ast.Call(func=ast.Attribute(attr="get_by_role"), args=[ast.Constant(value=str(role)), *_]):
            return role in ("cell", "gridcell", "listitem")
        case _:
            return False
