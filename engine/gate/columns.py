"""Columns of a list that code reads apart and pairs by position: one missing value moves all that follow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.task.text import shorten

_TEXTS = frozenset({
    "all", "all_inner_texts", "all_text_contents", "element_handles", "eval_on_selector_all", "evaluate_all", "findall",
    "query_selector_all",
})  # fmt: skip
_KEEPING = frozenset({"list", "map", "reversed", "tuple"})  # calls that give as many values as they are given
_LOOPS = (ast.For, ast.AsyncFor)
_LISTS = (ast.ListComp, ast.GeneratorExp)
_JS_COLUMN = re.compile(
    r"(?:\b(?:const|let|var)|,)\s*(\w+)\s*=\s*(?:\[\s*\.\.\.|Array\.from\(\s*)?document\.querySelectorAll"
)
_JS_INDEXED = re.compile(r"\b(\w+)\s*(?:\?\.)?\[\s*(\w+)\s*\]")
_JS_WALK = re.compile(r"\b(\w+)\.(?:map|forEach|flatMap)\(\s*(?:async\s*)?(?:function\s*)?\(\s*[^()]*?,\s*(\w+)\s*\)")


@dataclass(frozen=True)
class _Column:
    """The values of all elements that one locator matches.

    Args:
        source: The locator in source code, by which two reads of the same elements are known.
        within: The loop variable that the locator starts from; empty for the whole page.
    """

    source: str
    within: str


def paired_columns(code: str) -> list[str]:
    '''Return a finding for each place that pairs, by position, lists that were read apart from each other.

    ``zip`` with ``strict=True`` is right, and so is code that compares the lengths.

    >>> paired_columns("""
    ... names, prices = await a.all_inner_texts(), await b.all_inner_texts()
    ... rows = [{"name": n, "price": p} for n, p in zip(names, prices)]""")[0][:55]
    'line 3: names and prices are read apart and paired by p'
    '''
    tree = ast.parse(code)
    columns = _Columns(tree)
    found = [*_zipped(tree, columns), *_indexed(tree, columns), *_in_scripts(tree)]
    return [
        f"line {line}: {first} and {second} are read apart and paired by position: where one row lacks a value, all"
        " after it get that of the next. Read each row with its own values (evaluate_all over the rows), use"
        " zip(…, strict=True), or raise where their lengths differ"
        for line, first, second in dict.fromkeys(found)
    ]


Pair = tuple[int, str, str]


class _Columns:
    """The columns of a program, by the names that hold them."""

    def __init__(self, tree: ast.Module) -> None:
        self._loop_variables = {
            name.id
            for node in ast.walk(tree)
            if isinstance(node, (*_LOOPS, ast.comprehension))
            for name in ast.walk(node.target)
            if isinstance(name, ast.Name)
        }
        self._named: dict[str, _Column] = {}
        self._compared = {
            frozenset(found) for node in ast.walk(tree) if isinstance(node, ast.Compare) and (found := _measured(node))
        }
        for _ in range(2):  # a column may be made of one that is assigned further down, in a loop
            for target, value in _assignments(tree):
                if (column := self.of(value)) is not None:
                    self._named[target] = column

    def of(self, node: ast.expr) -> _Column | None:
        """Return the column that an expression gives, if it is one."""
        node = node.value if isinstance(node, ast.Await) else node
        match node:
            case ast.Name(id=name):
                return self._named.get(name)
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self.of(value)
            case ast.ListComp(generators=[one]) | ast.GeneratorExp(generators=[one]):
                return self.of(one.iter) if not one.ifs else None
            case ast.Call(func=ast.Name(id=name), args=args) if name in _KEEPING and args:
                return self.of(args[-1])
            case ast.Call(func=ast.Attribute(attr=attr, value=receiver), args=args) if attr in _TEXTS:
                whole = attr in ("findall", "query_selector_all", "eval_on_selector_all")  # the selector is an argument
                source = ast.unparse(node) if whole else ast.unparse(receiver)
                return _Column(source, self._start(receiver))
            case _:
                return None

    def _start(self, receiver: ast.expr) -> str:
        while isinstance(receiver, (ast.Attribute, ast.Call, ast.Subscript)):
            receiver = receiver.func if isinstance(receiver, ast.Call) else receiver.value
        name = receiver.id if isinstance(receiver, ast.Name) else ""
        return name if name in self._loop_variables else ""

    def locator(self, receiver: ast.expr) -> _Column:
        """Return the column that a locator stands for, of which one element is taken by its number."""
        return self.of(receiver) or _Column(ast.unparse(receiver), self._start(receiver))

    def apart(self, found: Mapping[str, _Column]) -> tuple[str, str] | None:
        """Return two of the expressions whose columns were read apart from each other, unless lengths are compared."""
        shown = list(found.items())
        for at, (first, one) in enumerate(shown):
            for second, two in shown[at + 1 :]:
                if one.source != two.source and one.within == two.within and {first, second} not in self._compared:
                    return first, second
        return None


def _zipped(tree: ast.Module, columns: _Columns) -> Iterator[Pair]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        strict = any(k.arg == "strict" and isinstance(k.value, ast.Constant) and k.value.value for k in node.keywords)
        if name not in ("zip", "zip_longest", "map") or strict:
            continue
        given = [each for a in node.args for each in (_values(a.value) if isinstance(a, ast.Starred) else (a,))]
        if (pair := columns.apart({_short(a): c for a in given if (c := columns.of(a)) is not None})) is not None:
            yield node.lineno, *pair


def _indexed(tree: ast.Module, columns: _Columns) -> Iterator[Pair]:
    """Yield loops that take one element of each of two columns by the same number."""
    for node in ast.walk(tree):
        if isinstance(node, _LOOPS):
            loops, body = [(node.target, node.iter)], list[ast.AST](node.body)
        elif isinstance(node, (*_LISTS, ast.DictComp)):
            loops = [(one.target, one.iter) for one in node.generators]
            body = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        else:
            continue
        for target, walked in loops:
            index, own = _index(target, walked, columns)
            if not index:
                continue
            taken = own | _taken(body, index, columns)
            if (pair := columns.apart(taken)) is not None:
                yield node.lineno, *pair


def _index(target: ast.expr, walked: ast.expr, columns: _Columns) -> tuple[str, dict[str, _Column]]:
    """Return the variable that a loop counts by, and the column that it walks beside it."""
    if not (isinstance(walked, ast.Call) and isinstance(walked.func, ast.Name)):
        return "", {}
    if walked.func.id == "range" and isinstance(target, ast.Name):
        return target.id, {}
    if walked.func.id == "enumerate" and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
        column = columns.of(walked.args[0]) if walked.args else None
        return target.elts[0].id, {} if column is None else {_short(walked.args[0]): column}
    return "", {}


def _taken(body: Sequence[ast.AST], index: str, columns: _Columns) -> dict[str, _Column]:
    found: dict[str, _Column] = {}
    for node in (each for part in body for each in ast.walk(part)):
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id=name)) if name == index:
                if (column := columns.of(value)) is not None:
                    found[_short(value)] = column
            case ast.Call(func=ast.Attribute(attr="nth", value=value), args=[ast.Name(id=name)]) if name == index:
                found[_short(value)] = columns.locator(value)
    return found


def _in_scripts(tree: ast.Module) -> Iterator[Pair]:
    """Yield scripts for the page that do the same: ``names.map((name, i) => prices[i])``."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        text = node.value
        columns = set(_JS_COLUMN.findall(text))
        taken: dict[str, dict[str, None]] = {}
        for name, index in (*_JS_WALK.findall(text), *_JS_INDEXED.findall(text)) if len(columns) > 1 else ():
            if name in columns:
                taken.setdefault(index, {})[name] = None
        for first, second, *_ in (names for names in taken.values() if len(names) > 1):
            lengths = rf"\b(?:{first}|{second})\.length\s*[!=]==?\s*(?:{first}|{second})\.length"
            if not re.search(lengths, text):
                yield node.lineno, first, second


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name with the expression that is assigned to it, of several at once, too."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value):
                yield from ((n.id, v) for n, v in zip(names, _values(value), strict=False) if isinstance(n, ast.Name))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield name, value


def _values(node: ast.expr) -> Sequence[ast.expr]:
    """Return the expressions of several values: of a tuple or a list, and of what is gathered."""
    match node.value if isinstance(node, ast.Await) else node:
        case ast.Tuple(elts=values) | ast.List(elts=values):
            return values
        case ast.Call(func=func, args=args) if ast.unparse(func).endswith("gather"):
            return args
        case _:
            return ()


def _measured(node: ast.Compare) -> list[str]:
    """Return the lists and locators whose lengths a comparison compares; empty for another comparison."""
    found = []
    for side in (node.left, *node.comparators):
        match side.value if isinstance(side, ast.Await) else side:
            case (
                ast.Call(func=ast.Name(id="len"), args=[measured])
                | ast.Call(func=ast.Attribute(attr="count", value=measured), args=[])
            ):
                found.append(_short(measured))
            case _:
                return []
    return found


def _short(node: ast.expr) -> str:
    return shorten(ast.unparse(node.value if isinstance(node, ast.Await) else node), 60)
