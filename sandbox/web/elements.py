"""Elements of a page, its forms and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit, urlunsplit

from sandbox.web import addresses, bodies, tables
from sandbox.web.errors import NotOnPage, WebError
from sandbox.web.finding import NEAR, SHOWN, Finding
from sandbox.web.form_fields import Fields, Pairs, option_label, option_value
from sandbox.web.found import Found
from sandbox.web.hidden import is_hidden
from sandbox.web.inner_text import inner_text, lines
from sandbox.web.names import name_of, value_of
from sandbox.web.roles import role_of
from sandbox.web.tables import Table
from sandbox.web.texts import matches
from sandbox.web.trees import Node, Tree, attribute, elements_in, squashed, text_of
from sandbox.web.wrong_use import refuse, refuse_name


class Document(Protocol):
    """A page, as its elements need it."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def charset(self) -> str:
        """The charset in which its forms are sent."""

    @property
    def tree(self) -> Tree:
        """Its HTML."""

    @property
    def base_url(self) -> str:
        """The address from which its links count."""

    def was_taken(self, found: Found[WebElement], at: int) -> None:
        """Take note of an element that is taken of several."""

    async def send_form(self, form: WebForm, submission: Submission, values: Mapping[str, Any]) -> Any:
        """Send a form, and return the page that answers."""


class Submission:
    """The names and values that a form sends, and the address."""

    def __init__(self, method: str, url: str, pairs: Pairs, kind: str, allow: Any) -> None:
        self.method = method
        self.url = url
        self.pairs = pairs
        self.kind = kind
        self.allow = allow


class Scope(Finding["WebElement"]):
    """A page or an element, with its tables and forms."""

    _document: Document

    @property
    def _place(self) -> Document:
        return self._document

    def _element(self, node: Node) -> WebElement:
        return WebElement(self._document, node)

    def table(self, *headers: str) -> Table[WebElement]:
        """Return the one table that has all of these headers, as a list of rows.

        Raises:
            NotOnPage: No table has them, or several have; the message shows which headers there are.
        """
        tree, others = self._document.tree, []
        found: list[Table[WebElement]] = []
        own = [self._node] if tree.matches(self._node, tables.SELECTOR) else []
        for node in [*own, *tree.select(self._node, tables.SELECTOR)]:
            grid = tables.grid_of(node)
            at = tables.header_row(grid, headers)
            if at is not None:
                found.append(Table(self._element, node, grid, at))
                if own and node is self._node:
                    break  # not one of those in it
            else:
                others.append(" | ".join(tables.said(cell) for cell in grid[0][:20]) if grid else "(empty)")
        sought = f"table with {', '.join(map(repr, headers))}" if headers else "table"
        return Found(found, sought, self._document.url, lambda: others).one

    def form(self, button: str | None = None, *, css: str | None = None) -> WebForm:
        """Return the one form with a button of this name, or for a selector.

        Raises:
            NotOnPage: There is none, or there are several; the message shows the forms' buttons.
        """
        tree = self._document.tree
        nodes = tree.select(self._node, css if css is not None else "form")
        if isinstance(self, WebElement) and self._node.tag == "form" and css is None:
            nodes = [self._node, *nodes]
        forms = [WebForm(self._document, node) for node in nodes if node.tag == "form"]
        kept = forms if button is None else [each for each in forms if each.has_button(button, exact=True)]
        if button is not None and not kept:
            kept = [each for each in forms if each.has_button(button)]
        sought = f"form with the button {button!r}" if button is not None else f"form for {css!r}" if css else "form"
        return Found(kept, sought, self._document.url, lambda: [each.describe() for each in forms]).one

    @property
    def forms(self) -> Found[WebForm]:
        """All forms."""
        nodes = self._document.tree.select(self._node, "form")
        return Found([WebForm(self._document, node) for node in nodes], "form", self._document.url)

    @property
    def fields(self) -> dict[str, str]:
        """Names and values as they stand in rows of two cells and in lists of terms; the first of a name counts."""
        found: dict[str, str] = {}
        for name, values in tables.pairs_in(self._node):
            key = tables.said(name).removesuffix(":").rstrip()
            if key:
                found.setdefault(key, "\n".join(WebElement(self._document, value).text for value in values))
        return found


class WebElement(Scope):
    """An element of a page. Its text and attributes are read without `await`.

    Attributes are read as of a dict: ``element["data-id"]`` raises where there is none, ``element.get("data-id")``
    gives None.
    """

    def __init__(self, document: Document, node: Node) -> None:
        self._document = document
        self._own = node

    @property
    def _node(self) -> Node:
        return self._own

    @property
    def tag(self) -> str:
        """The name of its tag, in lower case."""
        return self._node.tag or ""

    @property
    def text(self) -> str:
        """Its text as a browser's ``innerText``: what is not shown is left out, blocks are lines of their own."""
        return inner_text(self._node)

    @property
    def lines(self) -> list[str]:
        """The lines of its text that say something, each with single blanks."""
        return lines(self.text)

    @property
    def text_content(self) -> str:
        """All text in it, also what is not shown, with its white space."""
        return text_of(self._node)

    @property
    def html(self) -> str:
        """Its HTML."""
        return self._node.html or ""

    @property
    def attributes(self) -> dict[str, str]:
        """Its attributes."""
        return {name: value or "" for name, value in self._node.attributes.items()}

    @property
    def role(self) -> str | None:
        """Its role, as `get_by_role` takes it."""
        return role_of(self._document.tree, self._node)

    @property
    def name(self) -> str:
        """Its accessible name."""
        return squashed(name_of(self._document.tree, self._node))

    @property
    def hidden(self) -> bool:
        """True if the page's HTML says that it is not shown; style sheets are not read."""
        return is_hidden(self._document.tree, self._node)

    @property
    def page_url(self) -> str:
        """The address of the page that it is in."""
        return self._document.url

    @property
    def href(self) -> str:
        """The address that it leads to, absolute.

        Raises:
            NotOnPage: It has none.
        """
        return addresses.join(self._document.base_url, self["href"])

    @property
    def src(self) -> str:
        """The address of what it shows, absolute.

        Raises:
            NotOnPage: It has none.
        """
        return addresses.join(self._document.base_url, self["src"])

    @property
    def value(self) -> str:
        """The value of a field or an option as the page came."""
        return option_value(self._node) if self.tag == "option" else value_of(self._node)

    @property
    def options(self) -> dict[str, str]:
        """The options of a select: what each shows, with the value that it sends."""
        found: dict[str, str] = {}
        for option in self._node.css("option"):
            found.setdefault(squashed(option_label(option)), option_value(option))
        return found

    @property
    def parent(self) -> WebElement | None:
        """The element that it is in; None for ``html``."""
        parent = self._node.parent
        return WebElement(self._document, parent) if parent is not None and parent.is_element_node else None

    @property
    def children(self) -> Found[WebElement]:
        """The elements directly in it."""
        return self._found(elements_in(self._node), f"element in {self.describe()}")

    @property
    def next(self) -> WebElement | None:
        """The element after it."""
        return self._beside(self._node.next, forward=True)

    @property
    def previous(self) -> WebElement | None:
        """The element before it."""
        return self._beside(self._node.prev, forward=False)

    def closest(self, selector: str) -> WebElement:
        """Return the innermost element that a selector finds, of itself and those that it is in.

        Raises:
            NotOnPage: There is none.
        """
        node: Node | None = self._node
        while node is not None and node.is_element_node:
            if self._document.tree.matches(node, selector):
                return WebElement(self._document, node)
            node = node.parent
        message = f"{self.describe()} in {self._document.url} is in no {selector!r}"
        raise NotOnPage(message, reason="missing", url=self._document.url)

    def matches(self, selector: str) -> bool:
        """Return True if a selector finds it."""
        return self._document.tree.matches(self._node, selector)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return an attribute's value, or a default where there is none."""
        found = self._attribute(name)
        return default if found is None else found

    def was_taken(self, found: Found[Any], at: int) -> None:
        """Take note that it is taken of several; lists of elements call it."""
        self._document.was_taken(found, at)

    def describe(self) -> str:
        """Return a short description for messages: its tag, what tells it from others, and its text."""
        told = [f'{key}="{value[:SHOWN]}"' for key in ("id", "name", "href", "class") if (value := self.get(key))]
        text = squashed(inner_text(self._node, most=SHOWN * 2))
        return f"<{' '.join([self.tag, *told[:2]])}> {text[:SHOWN]!r}"

    def __getitem__(self, name: str) -> str:
        found = self._attribute(name) if isinstance(name, str) else None
        if found is None:
            there = ", ".join(self.attributes) or "none"
            message = f"{self.describe()} has no attribute {name!r}; its attributes: {there}"
            raise NotOnPage(message, reason="missing", url=self._document.url)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._node.attrs

    def __iter__(self) -> NoReturn:
        refuse("iterating over an element", "loop over .children or .css(…)", self._document.url)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WebElement) and self._document is other._document and self._node == other._node

    def __hash__(self) -> int:
        return hash(self._node.mem_id)

    def __repr__(self) -> str:
        return self.describe()

    def __await__(self) -> NoReturn:
        refuse("await", "reading a page is synchronous: leave out `await`", self._document.url)

    def __getattr__(self, name: str) -> NoReturn:
        refuse_name(self, name, self._document.url)

    def _attribute(self, name: str) -> str | None:
        self._document.tree.read_attributes.add(name)
        return attribute(self._node, name)

    def _beside(self, node: Node | None, *, forward: bool) -> WebElement | None:
        while node is not None and not node.is_element_node:
            node = node.next if forward else node.prev
        return WebElement(self._document, node) if node is not None else None


class WebForm(WebElement):
    """A form, filled in and sent as a browser would.

    >>> # page.form("Sign in").submit({"E-mail": parameters["email"], "Password": parameters["password"]})
    """

    def __init__(self, document: Document, node: Node) -> None:
        super().__init__(document, node)
        self._fields = Fields(document.tree, node)

    @property
    def values(self) -> dict[str, Any]:
        """Its values as the page came, by the fields' labels; hidden fields are left out."""
        return self._fields.values()

    @property
    def hidden_values(self) -> dict[str, str]:
        """Names and values of its hidden fields, such as tokens: `submit` sends them by itself."""
        hidden = [node for node in self._fields.fields if role_of(self._document.tree, node) is None]
        return {attribute(node, "name") or "": value_of(node) for node in hidden if attribute(node, "type") == "hidden"}

    @property
    def buttons(self) -> list[str]:
        """The names of the buttons that send it."""
        return [squashed(name_of(self._document.tree, node)) for node in self._fields.buttons]

    def has_button(self, name: str, *, exact: bool = False) -> bool:
        """Return True if a button of this name sends it."""
        return any(matches(each, name, exact=exact) for each in self.buttons)

    def describe(self) -> str:
        """Return its buttons and fields in a few words."""
        names = ", ".join(self._fields.names()[:NEAR])
        return f"form {self.get('action') or ''!r} with the buttons {self.buttons} and the fields {names or 'none'}"

    async def submit(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        button: str | None = None,
        extra: Mapping[str, Any] | None = None,
        allow: Any = (),
    ) -> Any:
        """Send the form as a press of a button would, and return the page that answers.

        What is not filled in is sent as the page came: hidden fields with their tokens, chosen options, texts.

            page = await page.form("Search").submit({"Title": "Dune", "Language": "German", "In stock": True})

        Args:
            values: By label, name, id or placeholder. A select takes an option's text or value, a checkbox True or
                False, a group of radio buttons the chosen label, a file field a path or ``("name.csv", b"…")``.
            button: The button's name; default the first one's, as the Enter key presses it.
            extra: Names and values that the page's script would add or set.
            allow: Statuses of 400 and above that are no error.

        Raises:
            NotOnPage: There is no such field, option or button; the message names those that exist.
            WebError: A required field is empty, or the request failed.
        """
        values = dict(values or {})
        pressed = self._fields.button(button)
        pairs = self._fields.data(values, pressed, dict(extra or {}))
        said = {name: attribute(pressed, f"form{name}") if pressed is not None else None for name in _SAYING}
        action, method, kind = (said[name] or self.get(name) or "" for name in _SAYING)
        url = addresses.join(self._document.base_url, action) if action.strip() else self._document.url
        if urlsplit(url).scheme not in ("http", "https") or method.lower() == "dialog":
            message = f"a script sends this form of {self._document.url}: its action is {action[:200]!r}"
            raise WebError(message, reason="use", url=self._document.url)
        if method.upper() == "POST":
            submission = Submission("POST", url, pairs, kind.strip().lower(), allow)
        else:
            query = bodies.urlencoded(pairs, self._document.charset)
            submission = Submission("GET", urlunsplit((*urlsplit(url)[:3], query, urlsplit(url)[4])), [], "", allow)
        return await self._document.send_form(self, submission, values)


_SAYING = ("action", "method", "enctype")
