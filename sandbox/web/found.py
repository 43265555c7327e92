"""Lists of what was found in a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, NoReturn, Protocol, SupportsIndex, TypeVar, overload

from sandbox.web.errors import NotOnPage, WrongUse
from sandbox.web.texts import matches

_SHOWN = 6
_WRONG = {
    "all": "it is a list already",
    "count": "len(…)",
    "nth": "an index: …[2]",
    "filter": '.having("text") or .having(css="…")',
    "all_inner_texts": ".texts",
    "all_text_contents": ".texts",
    "inner_text": ".one.text, or .texts",
    "text_content": ".one.text, or .texts",
    "get_attribute": '.one["href"]',
    "is_visible": "not ….one.hidden, or the list itself, which is empty where nothing was found",
    "wait_for": "nothing to wait for: a page is complete when it was read",
    "click": "web.follow(….one) for a link, form.submit(…) for a button",
    "fill": 'form.submit({"Label": value})',
    "css": ".one.css(…), or a loop over the list",
    "get_by_role": ".one.get_by_role(…), or a loop over the list",
    "text": ".one.text, or .texts",
    "href": ".one.href",
}


class Findable(Protocol):
    """An element, as lists need it."""

    @property
    def text(self) -> str:
        """Its text."""

    def css(self, selector: str) -> Any:
        """Return the elements in it that a selector finds."""

    def describe(self) -> str:
        """Return a short description of it."""

    def was_taken(self, found: Any, at: int) -> None:
        """Take note that it is taken of several."""


_Each = TypeVar("_Each", bound=Findable)


class Found(list[_Each], Generic[_Each]):
    """Elements in the order of the document; empty where nothing was found.

    Args:
        items: The elements.
        sought: What was sought, for messages: ``link named 'Next'``.
        url: The page's address.
        near: Returns what the page has of the kind that was sought, for the message where nothing was found.
    """

    def __init__(
        self, items: Iterable[_Each], sought: str, url: str, near: Callable[[], list[str]] | None = None
    ) -> None:
        super().__init__(items)
        self.sought = sought
        self._url = url
        self._near = near

    @property
    def one(self) -> _Each:
        """The only element.

        Raises:
            NotOnPage: There is none, or there are several; the message shows them.
        """
        if len(self) == 1:
            return self[0]
        if not self:
            self._none()
        shown = "; ".join(each.describe() for each in self[:_SHOWN]) + ("; …" if len(self) > _SHOWN else "")
        message = f"{len(self)} elements for {self.sought} in {self._url}, where one was asked for: {shown}"
        raise NotOnPage(message, reason="ambiguous", url=self._url)

    @property
    def first(self) -> _Each:
        """The first element.

        Raises:
            NotOnPage: There is none.
        """
        return self[0] if self else self._none()

    @property
    def last(self) -> _Each:
        """The last element.

        Raises:
            NotOnPage: There is none.
        """
        return self[-1] if self else self._none()

    @property
    def texts(self) -> list[str]:
        """The texts of all elements."""
        return [each.text for each in self]

    def having(
        self, text: str | re.Pattern[str] | None = None, *, css: str | None = None, exact: bool = False
    ) -> Found[_Each]:
        """Return the elements that contain a text, or an element for a selector.

        Args:
            text: Part of the text, whatever the case and the white space, or a pattern.
            css: A selector.
            exact: The whole text counts, with its case.
        """
        if isinstance(text, str) and not text.strip():
            raise WrongUse("having(…) got an empty text, which each element has", reason="use", url=self._url)
        kept = [
            each
            for each in self
            if (text is None or matches(each.text, text, exact=exact)) and (css is None or each.css(css))
        ]
        wanted = f"{text!r}" if css is None else f"{css!r}" if text is None else f"{text!r} and {css!r}"
        return Found(kept, f"{self.sought} having {wanted}", self._url, lambda: [each.describe() for each in self])

    @overload
    def __getitem__(self, at: SupportsIndex) -> _Each: ...

    @overload
    def __getitem__(self, at: slice) -> Found[_Each]: ...

    def __getitem__(self, at: SupportsIndex | slice) -> _Each | Found[_Each]:
        if isinstance(at, slice):
            return Found(super().__getitem__(at), self.sought, self._url, self._near)
        if isinstance(at, str):
            raise WrongUse(
                f"this is a list of {len(self)} for {self.sought}: take .one, or an element of it", reason="use"
            )
        try:
            taken = super().__getitem__(at)
        except IndexError:
            if not self:
                self._none()
            message = f"there is no number {at} of {len(self)} elements for {self.sought} in {self._url}"
            raise NotOnPage(message, reason="missing", url=self._url) from None
        if len(self) > 1:
            taken.was_taken(self, at.__index__())
        return taken

    def __getattr__(self, name: str) -> NoReturn:
        if name in _WRONG:
            raise WrongUse(f"a list of elements has no {name!r}: write {_WRONG[name]}", reason="use", url=self._url)
        raise AttributeError(f"a list of elements has no {name!r}")

    def __await__(self) -> NoReturn:
        raise WrongUse("reading a page is synchronous: leave out `await`", reason="use", url=self._url)

    def _none(self) -> NoReturn:
        near = list(dict.fromkeys(self._near() if self._near is not None else ()))[:_SHOWN]
        there = f"; it has: {'; '.join(near)}" if near else ""
        message = f"there is no {self.sought} in {self._url}{there}"
        raise NotOnPage(message, reason="missing", url=self._url)
