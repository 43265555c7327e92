"""Lists without a row, of which the page says nothing: it is the right page where it names what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contract.model import Observed
from engine.contract.provenance.parameters import signs
from engine.contract.provenance.reading import read_once

_BY_PAGE = frozenset({"h1", "title", "crumb", "state"})  # not by its address, which an unknown value has, too


def lists_nothing(run: Observed, signature: Mapping[str, Any]) -> bool:
    """Return True where code read no row of a page that answers for the parameters, and loaded without a fault.

    Args:
        run: The run, which handed no rows to ``task.read``.
        signature: The signature of good runs, which tells how the page names the parameters.
    """
    evidence = run.evidence
    if evidence.examined is None or evidence.examined[0] or evidence.examined[1] or evidence.next_controls:
        return False
    if not evidence.maps or evidence.maps[-1].failed or evidence.unmapped or (evidence.status or 200) >= 400:
        return False
    return names_what_was_asked(run, signature) is True


def names_what_was_asked(run: Observed, signature: Mapping[str, Any]) -> bool | None:
    """Return whether the page names the parameters by its headings, title or forms, as those of good runs do.

    None where those of good runs do not.
    """
    wanted = {name: _BY_PAGE.intersection(known["by"]) for name, known in signature.get("parameters", {}).items()}
    if not any(wanted.values()) or not run.evidence.maps:
        return None
    now = signs(read_once(run, signature.get("fields", {})))
    return all(by & now.get(name, set()) for name, by in wanted.items() if by)
