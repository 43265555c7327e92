"""The page part of the contract: the page at the end of good runs, and departures from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach, Observed, Severity
from engine.contract.nothing import messages_on_full_pages, words_for_nothing
from engine.contract.profile import rows
from engine.task.text import collapse

_SHOWN_MORE = 1.2  # times the rows of the output; a few more are a header, a sum or an advertisement
_ANYTHING = re.compile(r"""text=(?:""|''|//)|text\((?:""|'')?\)|^(?:html|body|:root|\*)$""", re.IGNORECASE)
_SHORTEST_WORD = 3  # characters; shorter words of a title say nothing


def learn_page(runs: Sequence[Observed]) -> dict[str, Any]:
    """Return what holds on the page at the end of all given good runs."""
    full = [run for run in runs if rows(run.output) != 0]
    return {
        "no_next_left": all(not run.evidence.next_controls for run in runs),
        "counts": sorted(set.intersection(*(_true_counts(run) for run in runs))),
        "counts_fixed": sorted(_fixed_counts(runs)),
        "none_said": messages_on_full_pages(full),
        "none_words": words_for_nothing(full, [run for run in runs if rows(run.output) == 0]),
        "progress_complete": all(_progress_complete(run) for run in runs),
        "login": any(run.evidence.password_field or run.evidence.password_filled for run in runs),
        "title": sorted(set.intersection(*(title_words(run) for run in runs))),
        "landmarks": sorted(set.intersection(*(set(run.evidence.landmarks) for run in runs))),
        "shown": sorted(set.intersection(*(_true_groups(run) for run in runs))),
    }


def check_page(page: Mapping[str, Any], run: Observed) -> Iterator[Breach]:
    """Yield the breaches of the page at the end of a run."""
    evidence = run.evidence
    if page.get("no_next_left") and evidence.next_controls:
        yield Breach(
            "next-left", "$", "no control for more rows left on the last page", repr(evidence.next_controls[0])
        )
    yield from _check_counts(page, run)
    if page.get("progress_complete") and run.progress is not None and not _progress_complete(run):
        done, total = run.progress
        yield Breach("progress", "$", f"{total} rows, as the page said when the automation read it", str(done))
    words = page.get("title", ())
    if words and not title_words(run) & set(words):
        yield Breach("title", "$", f"a page titled with {' '.join(words)!r}", repr(evidence.title), "advisory")
    known = set(page.get("landmarks", ()))
    if known and not known & set(evidence.landmarks):
        yield Breach(
            "landmarks", "$", f"a page with {', '.join(sorted(known)[:4])}",
            ", ".join(evidence.landmarks[:4]) or "none", "advisory",
        )  # fmt: skip


def _check_counts(page: Mapping[str, Any], run: Observed) -> Iterator[Breach]:
    count = rows(run.output)
    known = [(text, total) for text, total in stated(run) if _shape(text) in page.get("counts", ())]
    if not any(total in (count, _examined(run)) for _, total in known):
        for text, total in known[:1]:
            # What was the same for all parameters may be the total of all things, not of those that were asked for.
            fixed = _shape(text) in page.get("counts_fixed", ())
            severity: Severity = "doubtful" if fixed else "structural"
            yield Breach("count", "$", f"{total} rows, as the page says ({text!r})", str(count), severity)
            return
    if count is None:
        return
    for name, size in run.evidence.groups:
        if name in page.get("shown", ()) and size > max(count, _examined(run)) * _SHOWN_MORE + 1:
            yield Breach("shown", "$", f"as many rows as the page shows ({size} of {name})", str(count), "doubtful")
            return


def stated(run: Observed) -> list[tuple[str, int]]:
    """Return the totals that the page at the end states, each with its wording.

    A map knows where a text ends: numbers and words of two elements are no statement.
    """
    pages = [page for page in run.evidence.maps if page.kind == "page"]
    if not pages and run.evidence.maps:
        return []  # code read data alone: what the page says of a list of its own is no total of those
    if not pages or _page_of(pages[-1].url) != _page_of(run.evidence.url):
        return list(run.evidence.counts)
    last = pages[-1]
    mapped = {number for _, number in last.totals}
    found = [each for each in run.evidence.counts if each[1] in mapped]
    told = {number for _, number in found}
    found += [each for each in last.totals if each[1] not in told]
    return found if last.row_count is None else [*found, ("rows by aria", last.row_count)]


def _page_of(url: str) -> str:
    return url.partition("#")[0]


def count_confirmed(run: Observed, page: Mapping[str, Any]) -> bool:
    """Return True where the page itself states as many rows as the output has.

    That it shows as many is no proof: there may be more on further pages, or not loaded yet.
    """
    count, known = rows(run.output), page.get("counts", ())
    return any(total == count and (not known or _shape(text) in known) for text, total in stated(run))


def empty_confirmed(run: Observed) -> bool:
    """Return True where the page says that there is nothing, by a locator that does not match just anything."""
    return any(visible and not _ANYTHING.search(locator) for locator, visible in run.evidence.empty)


def all_examined(run: Observed) -> bool:
    """Return True where the run read all items that the page states, or, where it states no number, all that it shows.

    Its code may have let only some of them through, or none.
    """
    evidence = run.evidence
    if evidence.next_controls:
        return False
    totals = {number for _, number in stated(run)}
    if run.progress is not None and run.progress[0] > 0 and run.progress[0] == run.progress[1] in totals:
        return True
    if evidence.examined is None:
        return False
    read, total = evidence.examined
    goes_on = bool(evidence.next_pages) or any(page.more for page in evidence.maps[-1:])
    return read > 0 and total in (None, read) and not goes_on and all(number <= read for number in totals)


def let_some_through(run: Observed) -> bool:
    """Return True where code read all items and let only some of them through: fewer rows than items are then right."""
    count = rows(run.output)
    return count is not None and run.evidence.examined is not None and all_examined(run) and _examined(run) > count


def _examined(run: Observed) -> int:
    return run.evidence.examined[0] if run.evidence.examined is not None else 0


def permanent_message(messages: Collection[str], full_page: str) -> str | None:
    """Return the message that a page gives for an empty list, if a page with rows shows it, too.

    >>> permanent_message(["No luck?"], "12 shops. No luck? Call us.")
    'No luck?'
    >>> permanent_message(["0 orders"], "Orders 10 orders")
    """
    shown = collapse(full_page)
    words = map(collapse, messages)
    return next((m for m in words if re.search(rf"(?<!\w){re.escape(m)}(?!\w)", shown)), None)


def title_words(run: Observed) -> set[str]:
    """Return the words of the page's title, without those of the run's parameters."""
    own = {w for v in run.parameters.values() for w in re.findall(r"[^\W\d_]+", str(v).casefold())}
    found = re.findall(r"[^\W\d_]+", run.evidence.title.casefold())
    return {word for word in found if len(word) >= _SHORTEST_WORD} - own


def _true_counts(run: Observed) -> set[str]:
    """Return the shapes of the page's statements of the number of rows: "53 entries" has the shape "# entries"."""
    count = rows(run.output)
    shapes = {_shape(text) for text, number in stated(run) if number == count}
    return shapes - {_shape(text) for text, number in stated(run) if number != count}


def _fixed_counts(runs: Sequence[Observed]) -> set[str]:
    """Return the shapes of statements that were the same for different parameters."""
    if all(run.parameters == runs[0].parameters for run in runs):
        return set()
    numbers: dict[str, set[int]] = {}
    for run in runs:
        for text, number in stated(run):
            numbers.setdefault(_shape(text), set()).add(number)
    return {shape for shape, found in numbers.items() if len(found) == 1}


def _true_groups(run: Observed) -> set[str]:
    """Return the groups of like elements, such as ``tr in table``, that are as many as the output has rows."""
    count = rows(run.output)
    right = {name for name, size in run.evidence.groups if size == count and size > 1}
    return right - {name for name, size in run.evidence.groups if size != count}


def _shape(text: str) -> str:
    return re.sub(r"\d[\d.,]*", "#", text)


def _progress_complete(run: Observed) -> bool:
    return run.progress is not None and run.progress[1] is not None and run.progress[0] == run.progress[1]
