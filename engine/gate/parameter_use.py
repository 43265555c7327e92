"""Evidence that code uses its parameters: what the runs did with them, beside what they gave."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from engine.contract import empty_confirmed, rows
from engine.execution.automation_run import AutomationRun
from engine.gate.parameter_source import ParameterSource
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
    source = ParameterSource(tree, names)
    has, own = source.has, source.is_own
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(has(s) for s in sides) and any(not has(s) and not own(s) for s in sides):
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MATCHING:
            receiver = [] if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" else [node.func.value]
            parts = [*receiver, *node.args]
            if any(has(p) for p in parts) and any(not has(p) and not own(p) for p in parts):
                return True
        elif isinstance(node, ast.Slice):
            if any(has(bound) for bound in (node.lower, node.upper) if bound is not None):
                return True
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and source.is_one(node.test):
            return True
    return False
