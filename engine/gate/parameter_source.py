"""The places of an automation's source that hold its parameters, and what it has itself."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

_TABLES = frozenset({"dict", "defaultdict", "list", "tuple", "set", "frozenset"})
_ROUNDS = 3  # of what is made of what is made of parameters


class ParameterSource:
    """The parts of an automation's source that hold its parameters, and those that are the code's own.

    Args:
        tree: The source.
        names: The parameters in question.
    """

    def __init__(self, tree: ast.Module, names: Collection[str]) -> None:
        self._names = names
        self._assigned: dict[str, list[ast.expr]] = {}
        for target, value in _assignments(tree):
            self._assigned.setdefault(target, []).append(value)
        self._made: set[str] = set()
        self._follow(tree)

    def has(self, node: ast.AST) -> bool:
        """Return True for what holds a value of the parameters, or something made of one."""
        return any(self._is_read(n) or (isinstance(n, ast.Name) and n.id in self._made) for n in ast.walk(node))

    def is_one(self, node: ast.AST) -> bool:
        """Return True for a parameter itself, or a variable that is made of one."""
        return self._is_read(node) or (isinstance(node, ast.Name) and node.id in self._made)

    def is_own(self, node: ast.AST) -> bool:
        """Return True for what the code has itself: a constant, a table of them, or a variable with such a value."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return all(map(self.is_own, node.elts))
        if isinstance(node, ast.Dict):
            return all(self.is_own(each) for each in (*node.keys, *node.values) if each is not None)
        if isinstance(node, ast.Name):
            values = self._assigned.get(node.id, ())
            return bool(values) and all(not isinstance(v, ast.Name) and self.is_own(v) for v in values)
        if isinstance(node, (ast.DictComp, ast.ListComp, ast.SetComp)):
            return len(node.generators) == 1 and self._is_table(node.generators[0].iter)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TABLES:
            given = [*node.args, *(each.value for each in node.keywords)]
            return bool(given) and all(isinstance(each, ast.Lambda) or self.is_own(each) for each in given)
        return False

    def constant(self, node: ast.AST | None) -> ast.Constant | None:
        """Return a constant that says something, as it stands or under a name; None for anything else."""
        if isinstance(node, ast.Name) and len(values := self.values_of(node)) == 1:
            node = values[0]
        said = isinstance(node, ast.Constant) and node.value not in (None, "", False)
        return node if said and isinstance(node, ast.Constant) else None

    def values_of(self, node: ast.expr) -> list[ast.expr]:
        """Return what a variable is set to; anything else as it stands."""
        return self._assigned.get(node.id, []) if isinstance(node, ast.Name) else [node]

    def _is_table(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items":
            node = node.func.value
        return self.is_own(node)

    def _follow(self, tree: ast.Module) -> None:
        """Find the variables that hold values of the parameters, or what is made of them."""
        functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                functions[node.name] = node
        for _ in range(_ROUNDS):
            for target, values in self._assigned.items():
                if any(self.has(v) and not any(isinstance(n, ast.Await) for n in ast.walk(v)) for v in values):
                    self._made.add(target)
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
                    self._made |= self._taken_by(functions[node.func.id], node)

    def _taken_by(self, function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call) -> set[str]:
        """Return the arguments of a function of the code's own that a call gives values of parameters."""
        given = [*zip([each.arg for each in function.args.args], call.args, strict=False)]
        given += [(each.arg, each.value) for each in call.keywords if each.arg is not None]
        return {name for name, value in given if self.has(value)}

    def _is_read(self, node: ast.AST) -> bool:
        """Return True for ``parameters["name"]`` and ``parameters.get("name")``."""
        if isinstance(node, ast.Subscript):
            key: ast.AST = node.slice
            owner: ast.AST = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if not node.args:
                return False
            key, owner = node.args[0], node.func.value
        else:
            return False
        by_name = isinstance(key, ast.Constant) and key.value in self._names
        return by_name and isinstance(owner, ast.Name) and owner.id == "parameters"


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and (value := node.value) is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = (n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
            yield from ((name, value) for name in names)
