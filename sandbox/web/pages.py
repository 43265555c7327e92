"""A page of `web`: the answer to a request, read as HTML, as JSON, or as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Protocol

from sandbox import file_names
from sandbox.page_files import PageFile
from sandbox.web import addresses
from sandbox.web.charsets import charset, decoded
from sandbox.web.elements import Scope, Submission, WebElement, WebForm
from sandbox.web.embedded import embedded
from sandbox.web.errors import WebError
from sandbox.web.found import Found
from sandbox.web.inner_text import inner_text, lines
from sandbox.web.trees import Node, Tree
from sandbox.web.wrong_use import refuse, refuse_name

_SHOWN = 120
_HTML = ("Content-Type", "text/html; charset=utf-8")
_OF_TABLE = re.compile(r"\s*<(tr|td|th|tbody|thead)\b", re.IGNORECASE)


class Sender(Protocol):
    """The client, as pages need it."""

    async def send_form(self, page: WebPage, submission: Submission) -> WebPage:
        """Send a form of a page."""

    def was_read(self, page: WebPage) -> None:
        """Take note of the first reading of a page."""

    def was_taken(self, found: Found[WebElement], at: int) -> None:
        """Take note of an element that is taken of several."""

    def is_submitted(self, form: WebForm, values: Mapping[str, Any]) -> None:
        """Take note of a form that is about to be sent."""


class Headers(Mapping[str, str]):
    """Headers of an answer, whatever the case of their names; several of one name are joined by commas.

    >>> Headers((("Content-Type", "text/html"), ("Vary", "a"), ("vary", "b")))["VARY"]
    'a, b'
    """

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._all: dict[str, list[str]] = {}
        for name, value in pairs:
            self._all.setdefault(name.lower(), []).append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._all[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return repr(dict(self))

    def every(self, name: str) -> list[str]:
        """Return the values of all headers of a name, such as ``Set-Cookie``."""
        return list(self._all.get(name.lower(), ()))


class WebPage(Scope):
    """An answer. Reading it needs no `await`; what sends a request does.

    Attributes:
        url: The address from which it came, after redirects.
        status: The HTTP status.
        headers: The answer's headers.
        body: The bytes, unpacked.
        method: The method of the request that it answers.
    """

    def __init__(
        self, sender: Sender, method: str, url: str, status: int, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        self._sender = sender
        self.method = method
        self.url = url
        self.status = status
        self.headers = Headers(headers)
        self._body = body
        self._text: str | None = None
        self._tree: Tree | None = None
        self._read = False

    @property
    def body(self) -> bytes:
        """The bytes of the answer, unpacked."""
        self._note()
        return self._body

    @property
    def content_type(self) -> str:
        """The type of the answer without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        """True for an answer that is HTML by its type, or looks so where it has none."""
        return self.content_type in ("text/html", "application/xhtml+xml") or (
            not self.content_type and self._body[:512].lstrip()[:1] == b"<"
        )

    @property
    def source(self) -> str:
        """The answer as text: the HTML as it came."""
        self._note()
        if self._text is None:
            self._text = decoded(self._body, self.headers.get("content-type", ""))
        return self._text

    @property
    def text(self) -> str:
        """The text that a reader sees of an HTML page, as a browser's ``innerText``; of any other answer, all of it."""
        if not self.is_html:
            return self.source
        node = self.tree.root.css_first("body")
        return inner_text(node) if node is not None else ""

    @property
    def lines(self) -> list[str]:
        """The lines of its text that say something, each with single blanks."""
        return lines(self.text)

    @property
    def html(self) -> str:
        """The HTML as it came, decoded."""
        return self.source

    @property
    def charset(self) -> str:
        """The charset of the page, in which its forms are sent."""
        name = charset(self._body, self.headers.get("content-type", ""))
        return "utf-8" if name.startswith("utf-16") else name

    @property
    def title(self) -> str:
        """The title of the page."""
        return self.tree.title

    def json(self) -> Any:
        """Return the answer as JSON.

        Raises:
            WebError: It is not JSON; the message shows how it begins.
        """
        self._note()
        try:
            return json.loads(self._body)
        except (ValueError, RecursionError):
            pass
        try:
            return json.loads(self.source.lstrip("\ufeff"))
        except (ValueError, RecursionError):
            kind = self.content_type or "no type"
            start = " ".join(self.source[: _SHOWN * 4].split())[:_SHOWN]
            message = f"{addresses.shown(self.url)} is no JSON but {kind}: {start!r}"
            raise WebError(message, reason="json", url=self.url, status=self.status) from None

    def embedded(self) -> dict[str, Any]:
        """Return the JSON in the page's scripts, by the script's id or type, or by the name that it is assigned to.

        Several of one name are a list: ``page.embedded()["application/ld+json"]``.
        """
        return self.tree.once("embedded", embedded)

    def fragment(self, html: str) -> WebPage:
        """Return HTML that came within this answer, such as JSON that holds further rows, as a page of its address.

            cards = page.fragment(page.json()["html"]).css("li")

        Rows and cells of a table need none around them.
        """
        part = _OF_TABLE.match(html)
        around = ("<table><tr>" if part[1] in ("td", "th") else "<table>") if part is not None else ""
        made = WebPage(self._sender, self.method, self.url, self.status, (_HTML,), f"{around}{html}".encode())
        return made

    @property
    def base_url(self) -> str:
        """The address from which its links count."""
        return self.tree.once("base", self._base)

    @property
    def tree(self) -> Tree:
        """The HTML, parsed when it is first needed.

        Raises:
            WebError: It is too large.
        """
        if self._tree is None:
            self._tree = Tree(self.source, addresses.shown(self.url))
        return self._tree

    @property
    def _node(self) -> Node:
        return self.tree.root

    @property
    def _document(self) -> WebPage:  # type: ignore[override]  # it is its own
        return self

    async def send_form(self, form: WebForm, submission: Submission, values: Mapping[str, Any]) -> WebPage:
        """Send a form of this page; automations call the form's `submit`."""
        self._sender.is_submitted(form, values)
        return await self._sender.send_form(self, submission)

    def was_taken(self, found: Found[WebElement], at: int) -> None:
        """Take note of an element that is taken of several; lists of elements call it."""
        self._sender.was_taken(found, at)

    def to_file(self) -> PageFile:
        """Return the answer as a file for the user: ``await task.attach(page)``."""
        headers, known = self.headers, file_names.valid_type(self.headers.get("content-type"))
        name = file_names.from_headers(headers.get("content-disposition"), self.url, known or "")
        return PageFile(name, known or file_names.type_of(name), self.url, self.body)

    def describe(self) -> str:
        """Return its status, address and type in a line."""
        return f"<{self.status} {self.method} {addresses.shown(self.url)} {self.content_type}>"

    def _base(self, tree: Tree) -> str:
        node = tree.root.css_first("base[href]")
        return addresses.join(self.url, node.attrs["href"] or "") if node is not None else self.url

    def _note(self) -> None:
        if not self._read:
            self._read = True
            self._sender.was_read(self)

    def __repr__(self) -> str:
        return self.describe()

    def __await__(self) -> NoReturn:
        refuse("await", "reading a page is synchronous: leave out `await`", self.url)

    def __getattr__(self, name: str) -> NoReturn:
        refuse_name(self, name, self.url)
