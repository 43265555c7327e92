"""Remedies for errors whose own text does not say one, for a model that reads them."""

from __future__ import annotations

import difflib

_BY_TEXT = (
    ("'coroutine' object", "`await` is missing"),
    ("object coroutine can't be used", "`await` is missing"),
    ("Cannot navigate to invalid URL", "an address must be absolute: urljoin(task.start_url, …)"),
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
)


def remedy(error: BaseException) -> str:
    """Return what to do about an error; empty where its own text says it, or where nothing is known.

    >>> remedy(TypeError("'coroutine' object is not iterable"))
    '`await` is missing'
    """
    text = str(error)
    if isinstance(error, AttributeError) and error.name and error.obj is not None and "coroutine" not in text:
        return _nearest_name(error.obj, error.name)
    return next((say for part, say in _BY_TEXT if part in text), "")


def _nearest_name(owner: object, name: str) -> str:
    names = [known for known in dir(type(owner)) if not known.startswith("_")]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    near += [known for known in names if known not in near and (known.startswith(name) or name.startswith(known))][:2]
    return f"there is {', '.join(near[:3])}" if near else ""
