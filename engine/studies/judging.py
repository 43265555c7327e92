"""Right or wrong: an output beside the truth of its task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.studies.lines import Phase
from engine.studies.references import resolve
from engine.studies.spec import Case
from engine.task.text import shorten


@dataclass(frozen=True)
class Judged:
    """The circumstances of an output, which a checker is told.

    Args:
        case: The line of the data set.
        phase: ``first``, ``replay``, ``changed`` or ``repair``.
        variant: The name of the site's change, if there is one.
        truth: The right output on the site as it was in the run; None where the data set has none.
    """

    case: Case
    phase: Phase
    variant: str | None
    truth: Any


Checker = Callable[[Any, Judged], bool | str]


class Judge:
    """Tells which outputs of a task are right.

    Args:
        case: The line of the data set.
        home: The directory in which the checker's module is looked for.

    Raises:
        InvalidRequest: There is no such checker.
    """

    def __init__(self, case: Case, home: Path) -> None:
        self.case = case
        self._checker: Checker | None = resolve(case.checker, home, field="checker") if case.checker else None

    def fault(self, output: Any, phase: Phase, variant: str | None, truth: Any) -> str:
        """Return the fault of an output in words; empty where it is right.

        Args:
            truth: The right output on the site as it was in the run.
        """
        if self._checker is None:
            return "" if output == truth else difference(output, truth)
        said = self._checker(output, Judged(self.case, phase, variant, truth))
        if isinstance(said, str):
            return said
        return "" if said else "the checker refuses it"


def difference(given: Any, right: Any) -> str:
    """Describe the difference between an output and the right one, in one line.

    >>> difference([{"n": 1}, {"n": 2}], [{"n": 1}])
    '2 rows instead of 1'
    """
    if not (isinstance(given, list) and isinstance(right, list)):
        return f"{_literal(given)} instead of {_literal(right)}"
    if len(given) != len(right):
        return f"{len(given)} rows instead of {len(right)}"
    wrong = [at for at, pair in enumerate(zip(given, right, strict=True)) if pair[0] != pair[1]]
    if sorted(map(repr, given)) == sorted(map(repr, right)):
        return "the rows in another order"
    at = wrong[0]
    return f"{len(wrong)} of {len(right)} rows differ; row {at}: {_literal(given[at])} instead of {_literal(right[at])}"


def _literal(value: Any) -> str:
    return shorten(repr(value), 160)


def known_truth(case: Case, seed: int) -> Any:
    """Return the right output of a task on its site; None where only a checker tells it.

    Args:
        seed: The day of a fixture site's data.
    """
    if case.has_truth or case.site is None or case.checker is not None:
        return case.truth
    truth: Callable[..., Any] = resolve("engine.fixtures_sites.truths:truth", field="truth")
    parameters: Mapping[str, Any] = case.parameters
    return truth(case.site, parameters, seed=seed)
