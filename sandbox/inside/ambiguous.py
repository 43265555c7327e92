"""Locators that a parameter names, and that match several elements of which the automation takes one."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.read_evidence import MOST_AMBIGUOUS, MOST_NAMES

_LOOK_SECONDS = 0.5
_MOST_VALUES = 40
_NTH = re.compile(r" >> nth=(-?\d+)")
_BY_SELECTOR = frozenset({
    "click", "dblclick", "tap", "hover", "check", "uncheck", "set_checked", "fill", "type", "press", "select_option",
    "set_input_files", "inner_text", "text_content", "inner_html", "get_attribute", "input_value", "eval_on_selector",
})  # fmt: skip

# How a person tells the elements apart: the name of each, and of the part of the page that it stands in.
_NAMES = """(elements, [index, most]) => {
  const plain = (s) => (s || '').replace(/\\s+/g, ' ').trim().slice(0, 80);
  const name = (e) => {
    const own = [e.getAttribute('aria-label') || plain(e.textContent) || e.value || e.getAttribute('title')];
    for (const a of ['title', 'datetime', 'data-date', 'href']) if (e.getAttribute(a)) own.push(e.getAttribute(a));
    const box = e.parentElement && e.parentElement.closest('table, section, [role=grid], [role=group], [aria-label], fieldset');
    if (box) own.push(box.getAttribute('aria-label') || (box.querySelector('caption, legend, h1, h2, h3, h4') || {}).textContent);
    return [...new Set(own.map(plain).filter(Boolean))].join(' | ').slice(0, 200);
  };
  const used = elements[index < 0 ? elements.length + index : index];
  return JSON.stringify([elements.length, used ? name(used) : '', elements.slice(0, most).map(name)]);
}"""  # noqa: E501  JavaScript


class Ambiguities:
    """The ambiguous locators of one run.

    One that is taken by several positions, as in a loop, is none.
    """

    def __init__(self) -> None:
        self._values: tuple[re.Pattern[str], ...] = ()
        self._used: dict[tuple[int, str], tuple[set[int], list[Any] | None]] = {}

    def begin(self, parameters: Any) -> None:
        """Take the run's parameters."""
        texts = {text for text in _leaves(parameters) if len(text) <= 200}
        self._values = tuple(
            re.compile(rf"(?<!\w){re.escape(_escaped(text))}(?!\w)", re.I) for text in sorted(texts)[:_MOST_VALUES]
        )

    async def note_use(self, owner: Any, name: str, given: list[str]) -> None:
        """Look at the elements that a locator matches, where a parameter names it and a position narrows it."""
        if not self._values:
            return
        selector = getattr(getattr(owner, "_impl_obj", None), "_selector", None)
        if isinstance(selector, str):
            for match in _NTH.finditer(selector):
                await self._look(owner, selector[: match.start()], int(match[1]))
        elif given and name in _BY_SELECTOR and hasattr(owner, "goto"):
            await self._look(owner, given[0], 0)  # methods of pages take the first that matches

    async def _look(self, owner: Any, selector: str, index: int) -> None:
        from playwright.async_api import Error

        if not any(value.search(selector) for value in self._values):
            return
        place = owner if hasattr(owner, "goto") else _frame_of(owner)
        key = id(place), selector
        if (known := self._used.get(key)) is not None:
            known[0].add(index)
            return
        self._used[key] = {index}, None
        base = place.locator(selector)
        evaluate: Any = inspect.unwrap(type(base).evaluate_all)  # as Playwright defines it: this is a look of ours
        try:
            answer = await asyncio.wait_for(evaluate(base, _NAMES, [index, MOST_NAMES]), _LOOK_SECONDS)
            count, used, names = json.loads(answer)
        except (Error, TimeoutError, TypeError, ValueError):
            return
        if count == 0:  # not there yet
            del self._used[key]
        elif count > 1:
            self._used[key] = {index}, [_told(selector), used, count, names]

    def found(self) -> list[list[Any]]:
        """Return each locator, the name of the element that was used, and the number and names of those that match."""
        known = [told for indices, told in self._used.values() if told is not None and len(indices) == 1]
        return known[:MOST_AMBIGUOUS]


def _frame_of(locator: Any) -> Any:
    """Return the frame of a locator, or its page."""
    inner = locator._impl_obj._frame
    return next((frame for frame in locator.page.frames if frame._impl_obj is inner), locator.page)


def _told(selector: str) -> str:
    return re.sub(r"internal:(?=[\w-]+=)", "", selector)[:300]


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _leaves(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            stack += each.values()
        elif isinstance(each, (list, tuple)):
            stack += each
        elif isinstance(each, (str, int, float)) and not isinstance(each, bool) and str(each).strip():
            yield str(each).strip()
