"""Hold a candidate's output against other witnesses: what the model saw, what the page says, earlier outputs."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from engine.contract import (
    ADDRESS,
    STANDS_IN,
    History,
    Observed,
    PreviousOutput,
    all_examined,
    changed_files,
    check,
    content_fields,
    count_duplicates,
    disagreements,
    empty_confirmed,
    error_text,
    finite,
    is_blank,
    learn,
    main_rows,
    rows,
)
from engine.gate.vocabulary import RequestWords, may_be_known
from engine.task.text import comparable, shorten

_FEW_ROWS = 3  # of more rows that read like errors, the list may well be one of errors
_VALUES = 3  # texts of an output; fewer need not have been seen
_MOST_TEXT = 100_000  # characters of a text that is searched
_LOOKED_UP = 60  # texts of an output
_VOLATILE = 0.5  # share of a field's values that changed between earlier runs: then it may differ once more
_MANY_ROWS = 5  # of fewer, all may have the same, or nothing, by chance
_MOST_GROUPS = 6  # values of a field by which rows are told apart, as by their state
_COPIED_ROWS = 3
_SHORTEST_VALUE = 3  # characters; a shorter one is looked for as the whole text of a cell alone
_SHARED_ROWS = 3
_ROUNDED = 0.015  # of a sum
_SERVER_FAILED = 500
_REPORT = re.compile(r"analytics|telemetry|metrics|beacon|pixel|track|log\b|favicon", re.IGNORECASE)
_KINDS = frozenset({"type", "pattern"})


def doubts(run: Observed) -> Iterator[str]:
    """Yield what the output gives away by itself: no rows without the site's word, or an error message for a result."""
    if rows(run.output) == 0 and not empty_confirmed(run) and not all_examined(run):
        yield (
            "it returned no rows: print in python what the locator matches, and read the rows; where code filters,"
            " await task.read(rows) of all of them first. await task.empty(locator) is for a page that says itself, in"
            " a message, that there is nothing"
        )
    _, found = main_rows(run.output)
    values = [v for row in found for v in row.values()] if found else [run.output]
    if len(found) <= _FEW_ROWS:
        for value in (v for v in values if error_text(v)):
            yield f"it returned {str(value)[:120]!r}, which reads like an error message: raise instead"


def unseen(run: Observed, seen: Sequence[str], code: str) -> str | None:
    """Return an advisory where nothing of an output was in anything that the run read, or that the model looked at.

    Args:
        seen: What the model looked at and printed.
        code: The automation; an answer to ``task.ask`` need not stand on a page.
    """
    _, found = main_rows(run.output)
    values = [v for row in found for v in row.values() if isinstance(v, str) and len(v.strip()) >= 3]
    texts = {comparable(v) for v in values[:_LOOKED_UP]}
    if run.evidence.output_read or "task.ask" in code or len(texts) < _VALUES:
        return None
    shown = comparable("\n".join((*seen, run.evidence.text)))
    if any(text in shown for text in texts):
        return None
    few = ", ".join(repr(v[:60]) for v in values[:2])
    return (
        f"none of its values ({few}, …) was in what the automation read, or on a page that you looked at: open that"
        " page in python, print the rows, and read them from there"
    )


def none_let_through(run: Observed) -> str | None:
    """Return an advisory where code read rows and let none of them through."""
    if rows(run.output) != 0 or empty_confirmed(run) or not all_examined(run):
        return None
    read = run.evidence.examined[0] if run.evidence.examined else run.progress[0] if run.progress else 0
    return f"none of the {read} rows that it read passes its filter: is that so on the page?"


def repeated(run: Observed) -> Iterator[str]:
    """Yield advisories for rows given twice: in every field, or in every field but the one that tells them apart."""
    path, found = main_rows(run.output)
    if (described := run.described.get(path)) is not None and described["twins"] > 0:
        copies = count_duplicates(found)
        yield (
            f"{copies} of the {len(found)} rows are copies of another: do the pages of the list overlap, or does the"
            " page show them twice?"
        )
        return
    for name in dict.fromkeys(n for row in found for n in row):
        if not _tells_apart(name, found):
            continue
        groups: dict[str, set[str]] = {}
        for row in found:
            rest = json.dumps({n: v for n, v in row.items() if n != name}, sort_keys=True, default=str)
            groups.setdefault(json.dumps(row.get(name), default=str), set()).add(rest)
        for (one, first), (two, second) in itertools.combinations(groups.items(), 2):
            same = len(first & second)
            if same >= _COPIED_ROWS and same * 2 >= min(len(first), len(second)):
                yield (
                    f"{same} rows of {name} = {one} are there again with {name} = {two}, equal in all else: was the"
                    " page read before it had changed?"
                )
                return


def _tells_apart(name: str, found: Sequence[Mapping[str, Any]]) -> bool:
    """Return True for a field of few different values, beside which the rows have others."""
    kinds: set[str] = set()
    for row in found:
        kinds.add(str(row.get(name)))
        if len(kinds) > _MOST_GROUPS or len(row) < 2:
            return False
    return len(kinds) > 1


def placeholders(run: Observed) -> Iterator[str]:
    """Yield advisories for addresses that most rows share while others have their own: pictures not loaded yet."""
    _, found = main_rows(run.output)
    for name in dict.fromkeys(n for row in found for n in row):
        if not any(isinstance(v := row.get(name), str) and ADDRESS.search(v) for row in found[:_LOOKED_UP]):
            continue
        values = [v for row in found if isinstance(v := row.get(name), str) and ADDRESS.search(v)]
        if len(values) < _SHARED_ROWS:
            continue
        value, count = Counter(values).most_common(1)[0]
        named = STANDS_IN.search(value) is not None
        if count >= _SHARED_ROWS and count < len(values) + named and (named or count * 2 >= len(values)):
            yield (
                f"{count} of the {len(found)} rows have the same {name}, {value[:100]!r}: is that what stands there"
                " until the real one is loaded? Read the attribute that holds it (data-src, srcset), or scroll there"
            )


def empty_fields(run: Observed) -> Iterator[str]:
    """Yield an advisory for each field that has no value in any row."""
    _, found = main_rows(run.output)
    for name in dict.fromkeys(n for row in found for n in row) if len(found) >= _MANY_ROWS else ():
        if all(is_blank(row.get(name)) for row in found):
            yield f"the field {name!r} has no value in any of the {len(found)} rows: is it read from where it stands?"


def same_values(run: Observed) -> Iterator[str]:
    """Yield an advisory for two fields that have the same value in each row: one of them was read elsewhere."""
    _, found = main_rows(run.output)
    names = list(dict.fromkeys(n for row in found for n in row)) if len(found) >= _SHARED_ROWS else []
    values = {name: [_bare(row.get(name)) for row in found] for name in names}
    for one, two in itertools.combinations(names, 2):
        if values[one] == values[two] and len(set(values[one])) > len(found) // 2:
            yield (
                f"the fields {one!r} and {two!r} have the same value in each of the {len(found)} rows: is each read"
                " from its own place?"
            )
            return


def odd_rows(run: Observed) -> Iterator[str]:
    """Yield advisories for a row that is the head of the others, or their sum."""
    _, found = main_rows(run.output)
    for name in dict.fromkeys(n for row in found for n in row) if len(found) >= _MANY_ROWS else ():
        values = [row.get(name) for row in found]
        if isinstance(values[0], str) and comparable(values[0]) == comparable(name.replace("_", " ")):
            yield f"the first row has {values[0]!r} in the field {name!r}: is it the head of the list, and no row?"
            return
        numbers = [_number(value) for value in values[-1:] + values[:-1]]
        last, others = numbers[0], [n for n in numbers[1:] if n is not None]
        if last and len(others) >= _MANY_ROWS - 2 and abs(last - sum(others)) < _ROUNDED and last not in others:
            yield f"the last row has the sum of the others in the field {name!r}: is it the foot, and no row?"
            return


def _bare(value: Any) -> str | float:
    """Return a number without its spelling, and another value as text."""
    number = _number(value)
    return str(value).strip() if number is None else number


def _number(value: Any) -> float | None:
    text = value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
    match = re.fullmatch(r"\D{0,4}(\d[\d,]*(?:\.\d+)?)\D{0,4}", text.strip())
    return finite(match[1].replace(",", "")) if match and not isinstance(value, bool) else None


def early_reads(run: Observed) -> Iterator[str]:
    """Yield an advisory where all that was read before an act was read again after it, and was the same."""
    for stale in run.evidence.stale[:1]:
        yield (
            f"after {shorten(stale.act, 80)!r} it read {stale.texts} texts again ({shorten(stale.read, 80)!r}), and"
            " none had changed: wait for what the act brings before reading"
        )


def failed_requests(run: Observed) -> str | None:
    """Return an advisory where the site did not answer what the last page asked of it."""
    if not run.evidence.maps:
        return None
    page = run.evidence.maps[-1]
    host = urlsplit(page.url).netloc
    failed = [
        (url, status)
        for url, status in page.failed
        if urlsplit(url).netloc == host and (status >= _SERVER_FAILED or not status) and not _REPORT.search(url)
    ]
    if not failed:
        return None
    url, status = failed[0]
    how = f"with status {status}" if status else "with nothing"
    return (
        f"the page asked for {urlsplit(url).path}, which was answered {how}: is what it shows complete? Raise where not"
    )


def unread_fields(first: Observed, other: Observed, request: RequestWords, seen: Sequence[str] = ()) -> list[str]:
    """Return an advisory for each field that has no value, or one and the same, in all rows of both proving runs.

    What the request itself says, units and plain answers, and what stands on the page once for each row, may be the
    same throughout.

    Args:
        seen: Texts that the model looked at.
    """
    (_, before), (_, after) = main_rows(first.output), main_rows(other.output)
    found = []
    given = {comparable(str(v)) for run in (first, other) for v in run.parameters.values()}
    for name in dict.fromkeys(n for row in (*before, *after) for n in row):
        values = [row.get(name) for row in (*before, *after)]
        if any(isinstance(v, (list, dict, bool)) for v in values):
            continue
        if all(is_blank(v) for v in values):
            found.append(f"the field {name!r} has no value in either run: is it read from where it stands?")
        elif min(len(before), len(after)) < _MANY_ROWS or comparable(str(values[0])) in given:
            continue
        elif all(v == values[0] for v in values) and not (
            may_be_known(values[0], request)
            or stands_in_each_row(name, values[0], before, (first.evidence.text, *seen))
            or stands_in_each_row(name, values[0], after, (other.evidence.text, *seen))
        ):
            found.append(
                f"the field {name!r} is {values[0]!r} in all {len(values)} rows of both runs: is it read from each row?"
            )
    return found


def stands_in_each_row(name: str, value: Any, found: Sequence[Mapping[str, Any]], texts: Iterable[str]) -> bool:
    """Return True where a field's value is in a text at least once for each of the rows that are there.

    Args:
        name: The field; rows are recognized by another one.
        found: The rows.
        texts: Texts of pages.

    >>> rows = [{"town": town, "state": "Open late"} for town in ("Ashby", "Corran", "Harrow")]
    >>> shown = "Ashby\\tOpen late\\nCorran\\tOpen late\\nHarrow\\tOpen late"
    >>> stands_in_each_row("state", "Open late", rows, [shown])
    True
    >>> stands_in_each_row("state", "Open late", rows, ["Open late\\nAshby\\nCorran\\nHarrow"])
    False
    """
    telling = next((n for n in found[0] if n != name and _identifies(n, found)), None) if found else None
    if telling is None:
        return False
    own = {comparable(str(row[telling])) for row in found[:_LOOKED_UP]}
    wanted = comparable(str(value))
    for text in (text[:_MOST_TEXT] for text in texts):
        shown = comparable(text)
        there = sum(each in shown for each in own)
        if len(wanted) >= _SHORTEST_VALUE:
            times = len(re.findall(rf"(?<!\w){re.escape(wanted)}(?!\w)", shown))
        else:
            times = [comparable(cell) for cell in re.split(r"[\n\t|]", text)].count(wanted)
        if there >= _SHARED_ROWS and times >= there:
            return True
    return False


def _identifies(name: str, found: Sequence[Mapping[str, Any]]) -> bool:
    """Return True for a field by whose texts rows can be told apart, and found in the text of a page."""
    values = [row.get(name) for row in found]
    return all(isinstance(v, str) and len(v.strip()) >= _SHORTEST_VALUE for v in values) and len(set(values)) == len(
        values
    )


def unlike(first: Observed, other: Observed) -> list[str]:
    """Return the fields that are of another kind with other parameters: read from elsewhere, or never read at all."""
    found = check({"output": learn([first])["output"]}, other)
    return [
        f"{b.path}: with the task's own parameters {b.expected}, with these {b.got}" for b in found if b.kind in _KINDS
    ]


def contradictions(previous: PreviousOutput, run: Observed, seen: Sequence[str]) -> list[str]:
    """Return contradictions between a repair's output and the last good one of the same parameters.

    Args:
        seen: Texts that the model looked at; a changed value that is there is borne out, if the old one is not.
    """
    found = disagreements(previous.output, run.output, "\n".join((*seen, run.evidence.text)), _steady_fields(previous))
    return [
        f"{f}; where the data did change, show that (find it with look, or print it with python) and write again; else"
        " read them from where they are"
        for f in found
    ]


def replaced_files(previous: PreviousOutput, run: Observed) -> list[str]:
    """Return an advisory for each saved file that is not the last good one: the site's own file may have changed."""
    return changed_files(previous.output, run.compacted)


def _steady_fields(previous: PreviousOutput) -> frozenset[str]:
    names = {name for row in previous.output for name in row}
    steady = frozenset(name for name in names if previous.changed.get(name, 0.0) <= _VOLATILE)
    return steady - content_fields(previous.output)


def same_parameters(history: History, parameters: Mapping[str, Any]) -> PreviousOutput | None:
    """Return the earlier output of these parameters and the same account, if any."""
    asked = json.dumps(dict(parameters), sort_keys=True, default=str)
    known = [one for one in (history.same, *history.others_of_account) if one is not None]
    return next((p for p in known if json.dumps(dict(p.parameters), sort_keys=True, default=str) == asked), None)
