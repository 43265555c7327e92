"""Code that maps the values of a parameter to constants of its own, and any other value to one of them, too."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Iterator, Sequence

from engine.gate.parameter_source import ParameterSource

_MISSING = frozenset({"KeyError", "LookupError", "Exception"})


def mapped_with_default(code: str, parameters: Collection[str]) -> list[str]:
    """Describe the places where code maps a parameter's values to its own constants, and any other value to a default.

    >>> mapped_with_default('x = {"Ashby": 4, "Corran": 7}.get(parameters["town"], 4)', ["town"])[0][:56]
    'line 1: values of the parameter are mapped to constants '
    >>> mapped_with_default('x = {"Ashby": 4, "Corran": 7}[parameters["town"]]', ["town"])
    []
    """
    tree = ast.parse(code)
    source = ParameterSource(tree, parameters)
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        for default in (*_of_expression(node, source), *_of_statement(node, source)):
            if (constant := source.constant(default)) is not None:
                line = default.lineno if isinstance(default, ast.expr) else constant.lineno
                found.setdefault(
                    line,
                    f"line {line}: values of the parameter are mapped to constants of the code, and any other value to"
                    f" {constant.value!r}: read the site's own values from the page, or raise for unknown values",
                )
    return [found[line] for line in sorted(found)]


def _of_expression(node: ast.AST, source: ParameterSource) -> Iterator[ast.AST | None]:
    """Yield what an expression gives for a value that it does not know."""
    if isinstance(node, ast.Call) and _looks_up(node, source) and len(node.args) == 2:
        yield node.args[1]
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and _looks_up(node.values[0], source):
        yield node.values[-1]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next":
        if len(node.args) == 2 and isinstance(node.args[0], ast.GeneratorExp) and len(node.args[0].generators) == 1:
            part = node.args[0].generators[0]
            if source.is_own(_without_items(part.iter)) and any(map(source.has, part.ifs)):
                yield node.args[1]
    elif isinstance(node, ast.IfExp) and (known := _is_known(node.test, source)) is not None:
        for_known, default = (node.body, node.orelse) if known else (node.orelse, node.body)
        if source.is_own(for_known) or _indexes(for_known, source):
            yield default
    elif _indexes(node, source) and isinstance(node, ast.Subscript):
        yield from _of_factory(node.value, source)


def _of_statement(node: ast.AST, source: ParameterSource) -> Iterator[ast.AST | None]:
    """Yield what a statement gives for a value that it does not know."""
    if isinstance(node, ast.If):
        target = _given(node.body)
        if _is_known(node.test, source) and target is not None and _is_mapped(target[1], source):
            yield _default(node.orelse, target[0])
    elif isinstance(node, ast.Match) and source.has(node.subject):
        last = node.cases[-1]
        targets = [target for case in node.cases[:-1] if (target := _given(case.body)) is not None]
        if isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and targets:
            yield _default(last.body, targets[0][0])
    elif isinstance(node, ast.Try) and any(_indexes(each, source) for one in node.body for each in ast.walk(one)):
        for handler in node.handlers:
            if handler.type is None or _MISSING & {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}:
                given = _given(handler.body)
                yield given[1] if given is not None else None
    for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if isinstance(block, list):
            yield from _set_before(block, source)


def _set_before(block: Sequence[ast.stmt], source: ParameterSource) -> Iterator[ast.AST | None]:
    """Yield what a variable is set to before it is set anew for known values, and what is returned after them."""
    for before, node in itertools.pairwise(block):
        for setting, test in ((before, node), (node, before)):
            if not isinstance(test, ast.If) or test.orelse or not _is_known(test.test, source):
                continue
            one, other = _given(test.body), _given([setting])
            if one is None or other is None or one[0] != other[0] or not _is_mapped(one[1], source):
                continue
            if (setting is before) == (one[0] != ""):
                yield other[1]


def _looks_up(node: ast.AST, source: ParameterSource) -> bool:
    """Return True for ``TABLE.get(parameter)``, of a table of the code's own."""
    by_get = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    if not (by_get and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    return source.has(node.args[0]) and source.is_own(node.func.value)


def _indexes(node: ast.AST, source: ParameterSource) -> bool:
    """Return True for ``TABLE[parameter]``, of a table of the code's own."""
    return isinstance(node, ast.Subscript) and source.has(node.slice) and source.is_own(node.value)


def _is_mapped(value: ast.expr, source: ParameterSource) -> bool:
    return source.is_own(value) or _indexes(value, source)


def _is_known(test: ast.expr, source: ParameterSource) -> bool | None:
    """Return True for a test of a parameter against the code's own values, False for its negation; else None."""
    if not isinstance(test, ast.Compare):
        return None
    sides = [test.left, *test.comparators]
    if not any(map(source.has, sides)) or not all(source.has(side) or source.is_own(side) for side in sides):
        return None
    return not any(isinstance(op, (ast.NotEq, ast.NotIn, ast.IsNot)) for op in test.ops)


def _given(body: Sequence[ast.stmt]) -> tuple[str, ast.expr] | None:
    """Return the variable that a block sets, "" for a block that returns, and its value; None for other blocks."""
    node = body[0] if len(body) == 1 else None
    if isinstance(node, ast.Return) and node.value is not None:
        return "", node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return None


def _default(orelse: Sequence[ast.stmt], target: str) -> ast.expr | None:
    """Return what the last branch gives the variable."""
    if len(orelse) == 1 and isinstance(orelse[0], ast.If):
        return None  # it is looked at by itself
    given = _given(orelse)
    return given[1] if given is not None and given[0] == target else None


def _of_factory(table: ast.expr, source: ParameterSource) -> Iterator[ast.AST | None]:
    """Yield what a ``defaultdict`` gives for keys that it does not have."""
    for made in source.values_of(table):
        factory = made.args[0] if isinstance(made, ast.Call) and made.args else None
        yield factory.body if isinstance(factory, ast.Lambda) else None


def _without_items(node: ast.expr) -> ast.expr:
    return node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else node
