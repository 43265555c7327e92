"""Remedies for errors whose own text does not say one, for a model that reads them."""

from __future__ import annotations

import difflib
import re

_ABSOLUTE = "an address must be absolute: urljoin(task.start_url, …)"
_BY_TEXT = (
    ("'coroutine' object", "`await` is missing"),
    ("of type coroutine", "`await` is missing"),
    ("object coroutine can't be used", "`await` is missing"),
    ("Cannot navigate to invalid URL", _ABSOLUTE),
    ("Invalid URL", _ABSOLUTE),
    (
        "Cannot find context with specified id",
        "the element is of a page left since: collect the addresses first, then open each",
    ),
    (
        "Execution context was destroyed",
        "the page was left meanwhile: wait for the new one (page.wait_for_url, locator.wait_for), then read",
    ),
    (
        "still running after",
        "end the loop when the page has no more, wait for what must appear, and read a list with one evaluate_all",
    ),
    ("can't be used in 'await' expression", "this is no coroutine: leave out `await`"),
    (
        "Sync API inside the asyncio loop",
        "the page is open already, and async: `await page.goto(…)`",
    ),
    ("cannot be called from a running event loop", "a loop runs already: await the coroutine itself"),
    ('waiting for locator("aria-ref=', "the page has no such ref any more: look again, and take the ref from there"),
    ("'Locator' object is not callable", "`first` and `last` are properties: leave out ()"),
    ("'method' object", "call it: `await locator.count()`"),
    ("what run returned is not JSON", "return texts and numbers, as `await locator.all_inner_texts()` gives them"),
    (".map is not a function", "a NodeList is no array: `[...document.querySelectorAll(…)].map(…)`"),
    ("Illegal return statement", "give an expression, or a function: `() => document.title`"),
    ("positional arguments but", "evaluate takes one argument beside the script: pass a list"),
)
_REF = re.compile(r"waiting for locator\(\"(?:\[|aria-ref=)?(f?\d*e\d+)\]?\"\)")
_MISSING = {
    "re": "`import re`",
    "json": "`import json`",
    "expect": "`from playwright.async_api import expect`",
    "browser": "there are page, pages, parameters and task; another page: `await page.context.new_page()`",
    "context": "it is `page.context`",
    "params": "the name is parameters",
}


def remedy(error: BaseException) -> str:
    """Return what to do about an error; empty where its own text says it, or where nothing is known.

    >>> remedy(TypeError("'coroutine' object is not iterable"))
    '`await` is missing'
    """
    text = str(error)
    if isinstance(error, SyntaxError):
        line = (error.text or "").strip()
        return f"{line[:80]!r}: code is Python alone, without prose or marks" if line else ""
    if isinstance(error, NameError) and error.name in _MISSING:
        return _MISSING[error.name]
    if (found := _REF.search(text)) is not None and "aria-ref" not in found[0]:
        return f'{found[1]} is a ref of a look: page.get_by_ref("{found[1]}"), in python alone'
    if isinstance(error, AttributeError) and error.name and error.obj is not None and "coroutine" not in text:
        return _nearest_name(error.obj, error.name)
    return next((say for part, say in _BY_TEXT if part in text), "")


def _nearest_name(owner: object, name: str) -> str:
    if isinstance(owner, dict):
        return f'it is a dict: ["{name}"]'
    if name == "parameters":
        return "parameters is the second argument of run"
    names = [known for known in dir(type(owner)) if not known.startswith("_")]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    near += [known for known in names if known not in near and (known.startswith(name) or name.startswith(known))][:2]
    return f"there is {', '.join(near[:3])}" if near else ""
