"""Values of a run's output that stand in the code: read off the page once, perhaps, and then out of date."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.contract import main_rows
from engine.gate.hardcoded import is_no_label, literal
from engine.gate.vocabulary import RequestWords, may_be_known
from engine.task.attachments import is_attachment

_FEWEST_ROWS = 5  # of fewer rows, the values of a field may all be known labels
_SHORTEST = 4  # characters
_LONGEST_INSIDE = 300  # characters of a value that is looked for within a longer text of the code
_WAITS = frozenset({"timeout", "delay", "interval", "wait", "status", "retries", "port"})  # keywords that take numbers
_LOCATING = re.compile(
    r"locator|get_by_|filter|wait_for|expect|to_have|to_contain|evaluate|query_selector|is_visible|click|select_option"
    r"|^(?:css|link|heading|table|form|having|embedded)$"  # of `web`
)


@dataclass(frozen=True)
class Scraped:
    """One text or number of the code that is also a value of the output.

    Args:
        message: The finding in words.
        returned: True where the code may return it; False where it only looks for it, or chooses it by what it sees.
    """

    message: str
    returned: bool


def scraped(code: str, output: Any, request: RequestWords | None = None) -> list[Scraped]:
    """Return the values of the output that stand in the code, at most one for each field.

    What the request itself says and what is a closed vocabulary may stand there.

    Args:
        code: Source that parses.
        output: Its output.
        request: The request's own words.
    """
    request = request or RequestWords()
    constants = list(_constants(code))
    found = []
    for field, values in _own_values(output).items():
        index = _Index(values)
        best: Scraped | None = None
        for node, returned in constants:
            if best is not None and (best.returned or not returned):
                continue
            value = next((v for v in index.matches(node.value) if not may_be_known(v, request)), None)
            if value is not None:
                best = Scraped(_message(node, value, field, returned=returned), returned)
        if best is not None:
            found.append(best)
    return found


def _message(node: ast.Constant, value: Any, field: str, *, returned: bool) -> str:
    of = f" of the field {field!r}" if field else ""
    has = (
        f"line {node.lineno}: {literal(node.value)} has {value!r} in it, which is also a value{of} of this run's output"
    )
    if returned:
        return f"{has}; if it stands on the page, read it from there"
    return f"{has}; the code finds it only while the site still says so: look for what stays when the data change"


def _constants(code: str) -> Iterator[tuple[ast.Constant, bool]]:
    """Yield the code's texts and numbers that may be data, with True for each that may be returned."""
    tree = ast.parse(code)
    skipped: set[int] = set()
    sought: set[int] = set()
    mappings = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = {id(node): {k.value for k in node.keys if isinstance(k, ast.Constant)} for node in mappings}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.Subscript):
            skipped.add(id(node.slice))
        elif isinstance(node, ast.keyword) and node.arg in _WAITS:
            skipped.add(id(node.value))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        elif isinstance(node, ast.Compare):
            sought |= _within(node)
        elif isinstance(node, ast.IfExp):
            # One of two texts, chosen by what the page shows, is a word of the code's own.
            sought |= {id(branch) for branch in (node.body, node.orelse) if isinstance(branch, ast.Constant)}
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "get_attribute", "pop"):
                skipped |= {id(argument) for argument in node.args[:1]}
            if _LOCATING.search(ast.unparse(node.func).rsplit(".", 1)[-1]):
                sought |= {each for argument in (*node.args, *node.keywords) for each in _within(argument)}
    fields = {name for names in keys.values() for name in names if isinstance(name, str)}
    for name, assigned in _choices(tree):
        if len(assigned) > 1 and name not in fields:
            sought |= {id(constant) for constant in assigned}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped and not isinstance(node.value, (bool, bytes)):
            yield node, id(node) not in sought


def _choices(tree: ast.Module) -> Iterator[tuple[str, list[ast.Constant]]]:
    """Yield names with the texts that are assigned to them: of several, the code chooses one."""
    found: dict[str, list[ast.Constant]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    yield from found.items()


def _within(node: ast.AST) -> set[int]:
    return {id(each) for each in ast.walk(node) if isinstance(each, ast.Constant)}


class _Index:
    """The values of one field, for the question which of them are, or stand in, a text of the code."""

    def __init__(self, values: list[Any]) -> None:
        self._exact = {(type(v), v): v for v in values}
        self._inside = {v for v in values if isinstance(v, str) and len(v) <= _LONGEST_INSIDE and is_no_label(v)}
        self._lengths = sorted({len(v) for v in self._inside})

    def matches(self, constant: Any) -> Iterator[Any]:
        """Yield the values that equal the constant, or stand in it as words of their own.

        The constant's own parts are looked up, so that the time does not grow with the number of values.
        """
        if (type(constant), constant) in self._exact:
            yield constant
        if not isinstance(constant, str) or not self._lengths or len(constant) < self._lengths[0]:
            return
        ends = {i for i in range(len(constant) + 1) if i == len(constant) or not _is_word(constant[i])}
        for start in (i for i in range(len(constant)) if i == 0 or not _is_word(constant[i - 1])):
            for length in self._lengths:
                if start + length in ends and (part := constant[start : start + length]) in self._inside:
                    yield part


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _own_values(output: Any) -> dict[str, list[Any]]:
    """Return, by field, the values of the output that are no labels: each in one row only."""
    _, rows = main_rows(output)
    if not rows:
        whole = output if isinstance(output, list) else [output]
        rows = [{"": v} for v in whole]
    rows = [row for row in rows if not is_attachment(row)]  # the name of a file is often part of its address
    names = dict.fromkeys(n for row in rows for n in row)
    found: dict[str, list[Any]] = {}
    for name in names:
        values = [v for row in rows if (v := row.get(name)) is not None and isinstance(v, (str, int, float))]
        distinct = set(values)
        if len(distinct) == len(values) and (len(values) >= _FEWEST_ROWS or len(rows) == 1):
            specific = [v for v in values if v not in names and _is_specific(v, alone=len(rows) == 1)]
            if specific:
                found[name] = specific
    return found


def _is_specific(value: Any, *, alone: bool) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return is_no_label(value) if alone else len(value) >= _SHORTEST
    return len(re.sub(r"\D", "", str(value))) >= _SHORTEST
