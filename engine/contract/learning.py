"""Learning and widening of contracts, from good runs alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.contract.model import Observed
from engine.contract.page import all_examined, empty_confirmed, learn_page
from engine.contract.profile import merge, rows
from engine.contract.provenance import learn_signature, merge_signatures, widen_signature
from engine.contract.witnesses import check_witnesses
from engine.errors import BundleCorrupt

FORMAT = 1
_ORDER_STATED = re.compile(
    r"\b(?:sort(?:ed)?|newest|oldest|latest|earliest|ascending|descending|alphabetical(?:ly)?|ranked"
    r"|cheapest|highest|lowest|ordered by|in order of|(?:due|recent|best|urgent|popular) first|first to last)\b",
    re.IGNORECASE,
)
_NUMBERS = ("filled", "seen", "blank", "falls", "rises", "errors", "cut", "commonest", "repeats", "values", "garbled",
            "marked")  # fmt: skip
_BANDS = ("distinct", "length", "median")


def learn(runs: Sequence[Observed], task: str = "") -> dict[str, Any]:
    """Return the contract that all given good runs satisfy.

    Every repair must satisfy its ``output`` part unchanged; its ``page`` and ``provenance`` parts are learned anew at
    each promotion.

    Args:
        task: The task's text. The order of rows is part of the contract only if the text states one.
    """
    told = all(rows(run.output) != 0 or empty_confirmed(run) or all_examined(run) for run in runs)
    learned: dict[str, Any] = {
        "format": FORMAT,
        "sorted": bool(_ORDER_STATED.search(task)),
        "output": merge([run.described for run in runs]),
        "page": learn_page(runs) | {"empty_told": told},
    }
    if (signature := learn_signature(runs, task))["runs"]:
        learned["provenance"] = signature
    return learned


def widen_output(contract: Mapping[str, Any], run: Observed) -> dict[str, Any]:
    """Return the contract, widened to admit this run's output; where values stood is as it was."""
    return {**contract, "output": merge([contract.get("output", {}), run.described])}


def widen(contract: Mapping[str, Any], run: Observed) -> dict[str, Any]:
    """Return the contract, widened to admit this run's output, and where its values stood."""
    widened = widen_output(contract, run)
    if "provenance" in contract:
        widened["provenance"] = widen_signature(contract["provenance"], run)
    return widened


def check_format(contract: Mapping[str, Any]) -> None:
    """Refuse a contract that was edited or written by another version: read leniently, it would check nothing.

    Raises:
        BundleCorrupt: It does not have the form that `learn` gives it.
    """
    try:
        if contract.get("format", FORMAT) != FORMAT:
            raise ValueError(f"format {contract['format']!r} is not {FORMAT}")
        for learned in contract.get("output", {}).values():
            _check_array(learned)
        merge_signatures([contract.get("provenance", {})])
        check_witnesses(contract.get("gates", {}))
        page = contract.get("page", {})
        for name in ("counts", "title", "landmarks", "shown", "none_words"):
            if not all(isinstance(text, str) for text in page.get(name, ())):
                raise ValueError(f"page.{name} is not a list of strings")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleCorrupt(
            f"contract.json does not have the form that this engine writes ({type(error).__name__}: {error});"
            " roll back",
            file="contract.json",
        ) from error


def _check_array(learned: Mapping[str, Any]) -> None:
    (fewest, most), array, fields = learned["rows"], learned["array"], learned["fields"]
    numbers = [fewest, most, learned.get("seen", 0), learned.get("twins", 0)]
    for field in fields.values():
        numbers += [field["filled"], *field["patterns"].values(), *field.get("shapes", {}).values()]
        numbers += [field[name] for name in _NUMBERS if name in field]
        for band in _BANDS:
            low, high = field.get(band, (0, 0))
            numbers += [low, high]
        if not all(isinstance(name, str) for name in field.get("types", ())):
            raise ValueError("a type is not a string")
    if not isinstance(array, bool) or not all(isinstance(n, (int, float)) for n in numbers):
        raise ValueError("a number or a Boolean has another type")
