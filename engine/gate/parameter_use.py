"""Evidence that code uses its parameters: what the runs did with them, beside what they gave."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from engine.contract import empty_confirmed, rows
from engine.execution.automation_run import AutomationRun
from engine.task.text import comparable

Use = Literal["used", "chosen", "typed", "none"]
_PROVING = frozenset({"url", "locator", "script", "sent"})
_SHORTEST_WORD = 3  # characters of a value that is looked for within longer texts
_MATCHING = frozenset({"startswith", "endswith", "search", "match", "fullmatch", "findall", "find", "index", "count"})
_NOT_FOUND = re.compile(
    r"\b(?:no|not|cannot|can't|couldn't|doesn't|nothing|none|0|zero|unknown|invalid|unrecogni[sz]ed|nicht|kein\w*|ungültig\w*"
    r"|aucun\w*|introuvable|ningún|ninguna|ningun|nessun\w*|geen|niet|nenhum\w*)\b|見つかりません|没有|未找到",
    re.IGNORECASE,
)


def use_of(first: AutomationRun, other: AutomationRun, changed: Collection[str]) -> Use:
    """Judge whether two runs of the same code show that the changed parameters were used.

    ``typed`` where a value was typed into a field, and no request is known to have carried it; ``chosen`` where one was
    chosen there.

    Args:
        changed: Names of the parameters in which the runs differ.
    """
    differ = set(first.outcome.evidence.inputs) ^ set(other.outcome.evidence.inputs)
    kinds = {kind for kind, _ in differ}
    if kinds & _PROVING or compares(first.code, changed):
        return "used"
    return "chosen" if "chosen" in kinds else "typed" if "typed" in kinds else "none"


def same_output(first: AutomationRun, other: AutomationRun) -> bool:
    """Return True where outputs are equal but for the values of the parameters that they repeat."""
    a, b = first.outcome.value, other.outcome.value
    if bool(a == b):
        return True
    if rows(a) != rows(b):
        return False
    changed = {name for name, value in first.parameters.items() if other.parameters.get(name) != value}
    return bool(without_values(a, first.parameters, changed) == without_values(b, other.parameters, changed))


def comparable_output(output: Any, own: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    """Return an output without the values of its parameters that differ from others, for comparison with theirs."""
    return without_values(output, own, {name for name, value in own.items() if other.get(name) != value})


def without_values(output: Any, parameters: Mapping[str, Any], names: Collection[str]) -> Any:
    """Return an output with the names of parameters in place of their values.

    >>> without_values({"town": "Ashby", "title": "Shops of Ashby", "n": 3}, {"town": "Ashby"}, ["town"])
    {'town': '{town}', 'title': 'shops of {town}', 'n': 3}
    """
    values = {comparable(str(v)): n for n in names if (v := parameters.get(n)) is not None and str(v).strip()}
    words = sorted((v for v in values if len(v) >= _SHORTEST_WORD), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)") if words else None

    def replaced(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: replaced(each) for name, each in value.items()}
        if isinstance(value, list):
            return [replaced(each) for each in value]
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return value
        text = comparable(str(value))
        if text in values:
            return f"{{{values[text]}}}"
        if pattern is None or not isinstance(value, str):
            return value
        return pattern.sub(lambda match: f"{{{values[match[0]]}}}", text)

    return replaced(output)


def says_not_found(first: AutomationRun, other: AutomationRun, changed: Collection[str]) -> bool:
    """Return True where the site itself answers a made-up value, which the run used, by saying that it has none."""
    if use_of(first, other, changed) == "none" or not first.outcome.ok:
        return False
    evidence = other.outcome.evidence
    if other.outcome.ok:
        return rows(other.outcome.value) == 0 and empty_confirmed(other.observed())
    before = set(map(comparable, first.outcome.evidence.text.splitlines()))
    new = [line for line in evidence.text.splitlines() if comparable(line) not in before]
    return evidence.status in (404, 410) or any(_NOT_FOUND.search(line) for line in new)


def compares(code: str, names: Collection[str]) -> bool:
    """Return True where code compares a parameter with something that it does not have itself, as a row that it read.

    >>> compares('rows = [r for r in rows if r["town"] == parameters["town"]]', ["town"])
    True
    >>> compares('return 42 if parameters["town"] == "Ashby" else 7', ["town"])
    False
    """
    tree = ast.parse(code)
    tainted = _tainted(tree, names)

    def has(node: ast.AST) -> bool:
        return any(_is_read(n, names) or (isinstance(n, ast.Name) and n.id in tainted) for n in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(has(s) for s in sides) and any(not has(s) and not _own(s, tree) for s in sides):
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MATCHING:
            receiver = [] if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" else [node.func.value]
            parts = [*receiver, *node.args]
            if any(has(p) for p in parts) and any(not has(p) and not _own(p, tree) for p in parts):
                return True
        elif isinstance(node, ast.Slice):
            if any(has(bound) for bound in (node.lower, node.upper) if bound is not None):
                return True
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and (
            _is_read(node.test, names) or (isinstance(node.test, ast.Name) and node.test.id in tainted)
        ):
            return True
    return False


def _tainted(tree: ast.Module, names: Collection[str]) -> set[str]:
    """Return the variables that hold values of the parameters, or what is made of them."""
    found: set[str] = set()
    for _ in range(3):  # of what is made of what is made of them
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                if not any(
                    _is_read(n, names) or (isinstance(n, ast.Name) and n.id in found) for n in ast.walk(node.value)
                ) or any(isinstance(n, ast.Await) for n in ast.walk(node.value)):
                    continue
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return found


def _is_read(node: ast.AST, names: Collection[str]) -> bool:
    """Return True for ``parameters["name"]`` and ``parameters.get("name")``."""
    if isinstance(node, ast.Subscript):
        key: ast.AST = node.slice
        owner: ast.AST = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        key, owner = node.args[0], node.func.value
    else:
        return False
    by_name = isinstance(key, ast.Constant) and key.value in names
    return by_name and isinstance(owner, ast.Name) and owner.id == "parameters"


def _own(node: ast.AST, tree: ast.Module) -> bool:
    """Return True for what the code has itself: a constant, a list of them, or a variable with such a value."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(_own(each, tree) for each in node.elts)
    if isinstance(node, ast.Dict):
        return all(_own(each, tree) for each in (*node.keys, *node.values) if each is not None)
    if isinstance(node, ast.Name):
        values = list(_assigned(tree, node.id))
        return bool(values) and all(not isinstance(v, ast.Name) and _own(v, tree) for v in values)
    return False


def _assigned(tree: ast.Module, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            yield node.value


def mapped_with_default(code: str, parameters: Collection[str]) -> list[str]:
    """Describe the places where code maps a parameter's values to its own constants, and any other value to a default.

    >>> mapped_with_default('x = {"Ashby": 4, "Corran": 7}.get(parameters["town"], 4)', ["town"])[0][:56]
    'line 1: values of the parameter are mapped to constants '
    """
    tree = ast.parse(code)
    tainted = _tainted(tree, parameters)

    def has(node: ast.AST) -> bool:
        return any(_is_read(n, parameters) or (isinstance(n, ast.Name) and n.id in tainted) for n in ast.walk(node))

    found = []
    for node in ast.walk(tree):
        default: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if len(node.args) == 2 and has(node.args[0]) and _own(node.func.value, tree):
                default = node.args[1]
        elif isinstance(node, ast.IfExp) and isinstance(node.test, ast.Compare) and isinstance(node.body, ast.Constant):
            sides = [node.test.left, *node.test.comparators]
            if any(has(side) for side in sides) and all(has(side) or _own(side, tree) for side in sides):
                default = node.orelse
        if isinstance(default, ast.Constant) and default.value not in (None, "", False):
            found.append(
                f"line {default.lineno}: values of the parameter are mapped to constants of the code, and any other"
                f" value to {default.value!r}: read the site's own values from the page, or raise for unknown values"
            )
    return found
