"""Outputs that answer nothing: without a filled field, data as text, the page's whole text, or values of no page."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract import ADDRESS, Observed, all_examined, empty_confirmed, is_blank, rows
from engine.gate.vocabulary import RequestWords, may_be_known
from engine.task.attachments import is_attachment
from engine.task.schema import OutputSchema
from engine.task.text import comparable, shorten
from sandbox.page_map import BOUNDARY, STRUCK, STRUCK_END, PageMap

_LONGEST_READ = 1_000_000  # characters of a text that is taken for data
_WHOLE = 0.9  # share of a page's texts that a text of the output has
_TEXTS = 6  # of a page; of fewer, its text may well be what was asked for
_HTML = re.compile(r"\s*<(?:!doctype html|html|body)\b", re.IGNORECASE)
_ASKS_FOR_TEXT = re.compile(
    r"\b(?:texte?s?|contents?|articles?|stor(?:y|ies)|wording|transcripts?|terms|poems?|letters?|notices?|messages?"
    r"|announcements?|posts?|e?-?mails?|notes?|abstracts?|descriptions?|says?|html|markdown"
    r"|inhalte?|contenus?|textos?|contenidos?)\b",
    re.IGNORECASE,
)
_ASKS_FOR_ROWS = re.compile(r"^\W*(?:\w+ )?list\b|^\W*(?:get|find|return|show|give(?: me)?) (?:all|every|each)\b", re.I)
_ASKS_FOR_A_NUMBER = re.compile(r"\b(?:how (?:many|much)|numbers? of|counts?|totals?|sums?|averages?|median)\b", re.I)
_WORD = re.compile(r"\w+")
_SHORTEST = 3  # characters
_MOST_VALUES = 60
_SEEN = 0.5  # share of an output's values that must have been read
_MARKS = str.maketrans(dict.fromkeys((BOUNDARY, STRUCK, STRUCK_END), " "))
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d(?:[T ].*)?)?")


def nothing_answered(run: Observed, task: str, schema: OutputSchema | None) -> Iterator[str]:
    """Yield why an output is no answer, whatever the page has.

    Args:
        run: The run.
        task: The task's text.
        schema: What the request demands of the output; None where the code chooses.
    """
    values = list(_leaves(run.output))
    told = empty_confirmed(run) or all_examined(run)
    if rows(run.output) != 0 and not told:
        if all(is_blank(value) for value in values):
            yield (
                "it returned no filled field: read the values from where they stand, and raise where they are not"
                " there; where the site says that there is none, await task.empty(locator) of its message"
            )
        elif values == [0] and not isinstance(values[0], bool) and not _states_zero(run):
            yield (
                "it returned 0, and nothing that it read says so: does the locator match what is counted? Read the"
                " values, or the site's own number; where the site says that there is none, await task.empty(locator)"
            )
    number = isinstance(run.output, (int, float)) and not isinstance(run.output, bool)
    if number and run.output and schema is None and _ASKS_FOR_ROWS.search(task) and not _ASKS_FOR_A_NUMBER.search(task):
        yield f"it returned the number {run.output} alone, and the task asks for rows: return each with its fields"
    if len(values) != 1 or not isinstance(text := values[0], str):
        return
    if schema is None and _is_data(text):
        yield "it returned data as one text: return the list or object itself, without json.dumps or str"
    elif _HTML.match(text) or (not _ASKS_FOR_TEXT.search(task) and any(_has_all(text, m) for m in run.evidence.maps)):
        yield "it returned the whole text of a page: return the values that were asked for, each in a field of its own"


def unread_values(run: Observed, request: RequestWords, seen: Sequence[str]) -> tuple[str, bool] | None:
    """Return a finding where most of an output's texts are made of words that were on no page that was read.

    It is certain where that is so for all that the output has. Only where the maps have all that was read.

    Args:
        run: The run.
        request: The words of the request, which code may know.
        seen: What the model looked at and printed.
    """
    values = [v for v in _leaves(run.output, files=False) if not is_blank(v) and not isinstance(v, bool)]
    texts = dict.fromkeys(v for v in values if isinstance(v, str) and len(v.strip()) >= _SHORTEST)
    looked_up = [v for v in texts if not _is_made(v) and not may_be_known(v, request)][:_MOST_VALUES]
    if not looked_up:
        return None
    shown = [text for page in run.evidence.maps for text in _texts(page)]
    words = set(_WORD.findall(comparable(" ".join([*shown, *seen, run.evidence.text]))))

    def strange(value: Any) -> bool:
        return not words.issuperset(_WORD.findall(comparable(str(value))))

    unread = list(filter(strange, looked_up))
    if len(unread) <= len(looked_up) * (1 - _SEEN):
        return None
    few = ", ".join(repr(shorten(v, 60)) for v in unread[:2])
    told = (
        f"{len(unread)} of its {len(looked_up)} texts ({few}) were on no page that the automation read or that you"
        " looked at: open the page that has them in python, print them, and read them there"
    )
    return told, len(values) > 1 and all(map(strange, values[:_MOST_VALUES]))


def _leaves(value: Any, *, files: bool = True) -> Iterator[Any]:
    """Yield the values of an output that hold no others; an empty list or object is one.

    Args:
        files: Those of the records of saved files, too, which the engine made.
    """
    if is_attachment(value) and not files:
        return
    if isinstance(value, Mapping) and value:
        for each in value.values():
            yield from _leaves(each, files=files)
    elif isinstance(value, list) and value:
        for each in value:
            yield from _leaves(each, files=files)
    else:
        yield value


def _states_zero(run: Observed) -> bool:
    texts = [run.evidence.text, *(text for page in run.evidence.maps for text in _texts(page))]
    return any(re.search(r"(?<![\d.,])0(?![\d.,])", text) for text in texts)


def _is_data(text: str) -> bool:
    """Return True for a list or an object that was written as text, by json.dumps or by str."""
    text = text.strip()
    if text[:1] not in ("[", "{") or len(text) > _LONGEST_READ:
        return False
    try:
        return isinstance(json.loads(text), (list, dict))
    except (ValueError, RecursionError):
        pass
    try:
        return isinstance(ast.literal_eval(text), (list, dict))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _has_all(text: str, page: PageMap) -> bool:
    """Return True where a text has nearly all texts that a page shows."""
    shown = list(_texts(page)) if page.kind == "page" else []
    if len(shown) < _TEXTS:
        return False
    said = comparable(text)
    return sum(comparable(each) in said for each in shown) >= _WHOLE * len(shown)


def _texts(page: PageMap) -> Iterator[str]:
    for unit in page.units:
        place = page.places[unit.place]
        if not place.hidden and (page.kind != "page" or "@" not in place.path):
            yield unit.text.translate(_MARKS)


def _is_made(text: str) -> bool:
    """Return True for what code may make of other texts: an address, a date in another form, a number."""
    return bool(ADDRESS.search(text) or _DATE.fullmatch(text.strip()) or not re.search(r"[^\W\d_]", text))
