"""Hold the values of a candidate's runs against where they stood on what its code read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract import Finding, Observed, all_examined, first_run_findings, learn_signature, main_rows
from engine.contract.provenance.lens import BETWEEN
from engine.contract.provenance.phrases import says_instead
from engine.contract.provenance.units import senses
from engine.gate.parameter_use import compares
from engine.gate.static_checks import names_attribute
from engine.gate.vocabulary import RequestWords, may_be_known

_SCROLLED = 3  # maps of one page; more are of a list that is scrolled
_OLD = re.compile(r"old|was|before|regular|original|list|rrp|former|previous|struck|strike|crossed|undiscounted", re.I)
_WORD = re.compile(r"\w+")
_LOOKED_UP = 60  # values
_MANY_ROWS = 5  # of fewer, all may be alike by chance
_STATES = 2
_LONGEST_STATE = 40  # characters
_MOST = 4  # findings; one mistake has several
_REMEDIES = {
    "no-page": "read the page, or the responses that it loads",
    "unanchored": "read it from where it stands, and raise where it is not there",
    "mixed": "read it from one place in each row, found by its label or its column's head",
    "struck": "read the value that holds",
    "other-label": "find the place by its own name",
    "same-spot": "read each from its own place",
    "parameter": "does the page show what was asked for? Wait for what names it",
    "boolean": "tell it by the words of the page",
    "left-out": "return them, or hand all to task.read before code filters them",
    "apart": "read each row with its own values",
    "total": "read them all",
    "misnamed": "take the file itself, as its link or button gives it",
}


def unborne(
    runs: Sequence[Observed], code: str, request: RequestWords, parameters: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Return what good code cannot have, and what may be right all the same, in words for the model.

    Args:
        runs: The candidate's good runs, the first one and that with other parameters.
        code: Its source, which parses.
        request: The words of the request.
        parameters: The parameters that code may filter by.
    """
    task = request.task
    certain, doubtful = list(_under_other_headings(runs, task)), list(_constant_choices(runs))
    acted = len({run.evidence.inputs for run in runs}) > 1
    filters = compares(code, parameters)
    for finding in first_run_findings(runs, task):
        if _is_explained(finding, runs, code, request, filters=filters, acted=acted):
            continue
        text = f"{finding}: {_REMEDIES.get(finding.kind, 'read it from where it stands')}"
        # Values that are made of others stand nowhere; one that is the same in all rows is typed in.
        sure = finding.certain and (finding.kind != "unanchored" or finding.constant)
        (certain if sure else doubtful).append(text)
    return certain[:_MOST], doubtful[:_MOST]


def _under_other_headings(runs: Sequence[Observed], task: str) -> Iterator[str]:
    """Yield where some or all rows stand under a heading that says that they are not what was asked for."""
    for path, field in learn_signature(runs, task)["fields"].items():
        found = field["headings"] or {}
        instead = [heading for heading in found if says_instead(heading.rpartition(BETWEEN)[2])]
        if instead and not says_instead(task):
            count = sum(found[heading] for heading in instead)
            last = instead[0].rpartition(BETWEEN)[2]
            yield f"{path}: {count} of {sum(found.values())} values stand under {last!r}: return none of those"
            return


def _constant_choices(runs: Sequence[Observed]) -> Iterator[str]:
    """Yield booleans that are the same in all rows, while one text in each of the rows tells two states apart."""
    outputs = [main_rows(run.output)[1] for run in runs]
    found = [row for output in outputs for row in output]
    for name in dict.fromkeys(name for row in found for name in row):
        values = [row.get(name) for row in found]
        if len(values) < _MANY_ROWS or not isinstance(values[0], bool) or any(v is not values[0] for v in values):
            continue
        for words in _states(runs, [len(output) for output in outputs]):
            shown = " and ".join(map(repr, words))
            yield (
                f"the field {name!r} is {values[0]} in all {len(values)} rows of the runs, while the rows say {shown}:"
                " is it told by what stands there?"
            )
            return


def _states(runs: Sequence[Observed], sizes: Sequence[int]) -> Iterator[list[str]]:
    """Yield the two texts of each place that has one of them in each row of lists as long as the output."""
    by_place: dict[tuple[str, str, int], Counter[str]] = {}
    rows = 0
    for run, size in zip(runs, sizes, strict=True):
        for page in run.evidence.maps:
            listed = {n for n, item in enumerate(page.items) if page.containers[item.container] == size}
            rows += len(listed)
            order: Counter[tuple[int, str, str]] = Counter()
            for unit in page.units:
                place = page.places[unit.place]
                if unit.item not in listed or "@" in place.path:
                    continue
                order[unit.item, place.path, place.label] += 1  # cards have several texts of one path
                if len(unit.text) <= _LONGEST_STATE:
                    key = place.path, place.label, order[unit.item, place.path, place.label]
                    by_place.setdefault(key, Counter())[unit.text] += 1
    for texts in by_place.values():
        if len(texts) == _STATES and sum(texts.values()) == rows and min(texts.values()) > 1:
            yield sorted(texts)


def _is_explained(
    finding: Finding, runs: Sequence[Observed], code: str, request: RequestWords, *, filters: bool, acted: bool
) -> bool:
    """Return True where what the run shows beside its maps explains a finding.

    Args:
        filters: The code compares parameters with what it reads.
        acted: The runs did something else with their parameters.
    """
    match finding.kind:
        case "unanchored" | "no-page":
            # What is in none of the maps may have been read all the same, and an answer of a model stands nowhere.
            if any(not is_whole(run) for run in runs) or names_attribute(code, "ask"):
                return True
            return ("[*]" not in finding.path and not finding.certain) or _is_made(finding, runs, request)
        case "left-out" | "total":
            scrolled = any(max(Counter(page.url for page in run.evidence.maps).values()) > _SCROLLED for run in runs)
            grouped = any(isinstance(v, list) for run in runs for row in main_rows(run.output)[1] for v in row.values())
            return filters or scrolled or grouped or request.limits or all(all_examined(run) for run in runs)
        case "struck":
            return _OLD.search(finding.path) is not None
        case "parameter":
            return acted or filters
        case "mixed":
            places = {place.partition("@")[0] for place in finding.places}
            pages = {page.url.partition("?")[0] for run in runs for page in run.evidence.maps}
            return len(places) == 1 or len(pages) > 1  # attributes of one element; the same on a page of its own
    return False


def _is_made(finding: Finding, runs: Sequence[Observed], request: RequestWords) -> bool:
    """Return True for values that are made of what was read: joined texts, a currency's code, a price in cents."""
    name = finding.path.rpartition(".")[2]
    values = {str(row.get(name)) for run in runs for row in main_rows(run.output)[1]}
    texts = [unit.text for run in runs for page in run.evidence.maps for unit in page.units]
    if len(values) == 1 and (units := senses(*values).units):
        return bool(units & senses(*texts).units)
    if len(values) == 1:
        return may_be_known(next(iter(values)), request)
    words = {word for text in texts for word in _words(text)}
    return all(words.issuperset(_words(value)) for value in list(values)[:_LOOKED_UP])


def _words(text: str) -> set[str]:
    """Return the words of a text; of a number its digits, without zeros at its end."""
    joined = re.sub(r"(?<=\d)[.,](?=\d)", "", text.casefold())
    return {word.rstrip("0") if word.isdigit() else word for word in _WORD.findall(joined)}


def is_whole(run: Observed) -> bool:
    """Return True where the maps have all that was read."""
    evidence = run.evidence
    answered = not evidence.answers or any(page.kind != "page" for page in evidence.maps)
    return bool(evidence.maps) and answered and not evidence.unmapped and not any(page.cut for page in evidence.maps)
