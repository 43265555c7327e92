"""Locators that a parameter names, and that match several elements of which the automation takes one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.inside.unwatched import unwatched
from sandbox.read_evidence import MOST_AMBIGUOUS, MOST_NAMES

_LOOK_SECONDS = 0.5
_MOST_VALUES = 40
_COMES_WITHIN_MS = 3_000
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|[=\[]/((?:[^/\\]|\\.)+)/|(?:^|>> )text=([^">]+)')
_NTH = re.compile(r" >> nth=(-?\d+)")
_BY_SELECTOR = frozenset({
    "click", "dblclick", "tap", "hover", "check", "uncheck", "set_checked", "fill", "type", "press", "select_option",
    "set_input_files", "inner_text", "text_content", "inner_html", "get_attribute", "input_value", "eval_on_selector",
})  # fmt: skip

# How a person tells the visible elements apart: the name of each, and of the part of the page that it stands in. None
# are told that lead to the same address.
_NAMES = """(elements, [index, most]) => {
  const plain = (s) => (s || '').replace(/\\s+/g, ' ').trim().slice(0, 80);
  const name = (e) => {
    const text = (e.innerText || e.textContent || '').split(/[\\n\\t]+/).map(plain).filter(Boolean).slice(0, 8);
    const own = e.getAttribute('aria-label') ? [e.getAttribute('aria-label')] : text.length ? text : [e.value, e.getAttribute('title')];
    for (const a of ['title', 'datetime', 'data-date', 'href']) if (e.getAttribute(a)) own.push(e.getAttribute(a));
    const box = e.parentElement && e.parentElement.closest('table, section, [role=grid], [role=group], [aria-label], fieldset');
    if (box) own.push(box.getAttribute('aria-label') || (box.querySelector('caption, legend, h1, h2, h3, h4') || {}).textContent);
    return [...new Set(own.map(plain).filter(Boolean))].join(' | ').slice(0, 200);
  };
  const target = (e) => { const a = e.closest('a[href]') || e.querySelector('a[href]'); return a ? a.href : ''; };
  const used = elements[index < 0 ? elements.length + index : index];
  const shown = elements.filter((e) => e === used || e.checkVisibility({visibilityProperty: true}));
  const same = used && target(used) && shown.every((e) => target(e) === target(used));
  return JSON.stringify([same ? 1 : elements.length && shown.length, used ? name(used) : '', shown.slice(0, most).map(name)]);
}"""  # noqa: E501  JavaScript


class Ambiguities:
    """The ambiguous locators of one run.

    One that is taken by several positions, as in a loop, is none.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self._used: dict[tuple[int, str], tuple[set[int], list[Any] | None]] = {}

    def begin(self, parameters: Any) -> None:
        """Take the run's parameters."""
        given = parameters if isinstance(parameters, Mapping) else {}
        for name, value in list(given.items())[:_MOST_VALUES]:
            self._values[str(name)] = [text for text in _leaves(value) if len(text) <= 200][:_MOST_VALUES]

    def _named(self, selector: str) -> tuple[str, str] | None:
        """Return the parameter that gave a selector one of its texts, whole or in part, and that text."""
        for text in _texts(selector):
            known = _key(text)
            for name, values in self._values.items():
                for value in values:
                    if len(value) > 1 and re.search(rf"(?<!\w){re.escape(_key(value))}(?!\w)", known):
                        return name, value
                    if known and known in {_key(part) for part in re.split(r"[\W_]+", value)}:
                        return name, text  # the day of a date
        return None

    async def note_use(self, owner: Any, name: str, given: list[str]) -> None:
        """Look at the elements that a locator matches, where a parameter names it and a position narrows it."""
        if not self._values:
            return
        selector = getattr(getattr(owner, "_impl_obj", None), "_selector", None)
        if isinstance(selector, str):
            for match in _NTH.finditer(selector):
                await self._look(owner, selector[: match.start()], int(match[1]), waits=name in _BY_SELECTOR)
        elif given and name in _BY_SELECTOR and hasattr(owner, "goto"):
            await self._look(owner, given[0], 0, waits=True)  # methods of pages take the first that matches

    async def _look(self, owner: Any, selector: str, index: int, *, waits: bool) -> None:
        from playwright.async_api import Error

        if (named := self._named(selector)) is None:
            return
        place = owner if hasattr(owner, "goto") else _frame_of(owner)
        key = id(place), selector
        if (known := self._used.get(key)) is not None:
            known[0].add(index)
            return
        indices = {index}  # others may be taken while this is looked at
        self._used[key] = indices, None
        base = place.locator(selector)
        try:
            if waits:  # as what the automation does next will
                await unwatched(base.first, "wait_for")(state="attached", timeout=_COMES_WITHIN_MS)
            look = unwatched(base, "evaluate_all")(_NAMES, [index, MOST_NAMES])
            answer = await asyncio.wait_for(look, _LOOK_SECONDS)
            count, used, names = json.loads(answer)
        except (Error, TimeoutError, TypeError, ValueError):
            del self._used[key]  # it is not there yet
            return
        if count == 0:
            del self._used[key]
        elif count > 1:
            self._used[key] = indices, [_told(selector), used, count, names, *named]

    def note_taken(self, selector: str, index: int, look: Callable[[], list[Any]]) -> None:
        """Note an element that was taken of several in a page that is there at once.

        Args:
            selector: Words for all of them.
            index: The position of the one.
            look: Returns the number of those that differ, the name of that one, and the names of the first.
        """
        key = 0, selector
        if (known := self._used.get(key)) is not None:
            known[0].add(index)
        elif (named := self._named(selector)) is not None:
            count, used, names = look()
            self._used[key] = {index}, [_told(selector), used, count, names, *named] if count > 1 else None

    def wire(self, clean: Callable[[str], str]) -> list[list[Any]]:
        """Return each locator, what was used, the number and names of what matches, the parameter and its text.

        Args:
            clean: Removes secrets from a text.
        """
        known = [told for indices, told in self._used.values() if told is not None and len(indices) == 1]
        return [
            [clean(locator), clean(used), count, [*map(clean, names)], parameter, clean(text)]
            for locator, used, count, names, parameter, text in known[:MOST_AMBIGUOUS]
        ]


def _frame_of(locator: Any) -> Any:
    """Return the frame of a locator, or its page."""
    inner = locator._impl_obj._frame
    return next((frame for frame in locator.page.frames if frame._impl_obj is inner), locator.page)


def _told(selector: str) -> str:
    return re.sub(r"internal:(?=[\w-]+=)", "", selector)[:300]


def _texts(selector: str) -> Iterator[str]:
    """Yield the texts that a selector looks for: quoted, as a pattern, or behind ``text=``."""
    for match in _TEXT.finditer(selector):
        text = next(group for group in match.groups() if group is not None)
        yield re.sub(r"\\(.)", r"\1", text).strip("^$")


def _key(text: str) -> str:
    text = " ".join(text.split()).casefold()
    return text.lstrip("0") or text if text.isdigit() else text


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
