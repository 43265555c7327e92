"""The ways to find elements in a page: by selector, role, label and text."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from sandbox.web.found import Findable, Found
from sandbox.web.hidden import is_hidden_from_roles
from sandbox.web.labels import labels_of, referred
from sandbox.web.names import name_of
from sandbox.web.roles import ROLES, candidates, level_of, role_of
from sandbox.web.texts import innermost, matches
from sandbox.web.trees import Node, Tree, attribute, squashed, text_of
from sandbox.web.wrong_use import refuse

Text = str | re.Pattern[str]
NEAR = 8  # things that a message shows
SHOWN = 60
_Element = TypeVar("_Element", bound=Findable)


class Place(Protocol):
    """A page, as finding needs it."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def tree(self) -> Tree:
        """Its HTML."""


class Finding(Generic[_Element]):
    """The ways to find elements in a page or an element. All of them read what the site sent; nothing waits."""

    @property
    @abstractmethod
    def _place(self) -> Place: ...

    @property
    @abstractmethod
    def _node(self) -> Node: ...

    @abstractmethod
    def _element(self, node: Node) -> _Element: ...

    def css(self, selector: str) -> Found[_Element]:
        """Return the elements that a CSS selector finds, hidden ones, too.

        Raises:
            WrongUse: It is no selector of CSS.
        """
        place = self._place
        return Found(map(self._element, place.tree.select(self._node, selector)), f"css {selector!r}", place.url)

    def get_by_role(
        self, role: str, *, name: Text | None = None, exact: bool = False, level: int | None = None
    ) -> Found[_Element]:
        """Return the elements of a role, as Playwright finds them: hidden ones are left out.

        Args:
            role: Such as ``link``, ``button``, ``heading``, ``row``, ``cell``, ``textbox``.
            name: Part of the accessible name, whatever the case, or a pattern.
            exact: The whole name counts, with its case.
            level: Of headings.
        """
        if role not in ROLES:
            refuse(f"get_by_role({role!r})", f"there is no such role; css({role!r}) finds tags", self._place.url)
        tree = self._place.tree
        found, names = [], []
        for node in tree.select(self._node, candidates(role)):
            if role_of(tree, node) != role or (level is not None and level_of(tree, node) != level):
                continue
            if is_hidden_from_roles(tree, node):
                continue
            if name is not None and not matches(name_of(tree, node), name, exact=exact):
                names.append(node)
                continue
            found.append(node)
        sought = role + (f" of level {level}" if level is not None else "") + _named(name)
        return self._found(
            found, sought, lambda: [repr(squashed(name_of(tree, each))[:SHOWN]) for each in names[:NEAR]]
        )

    def get_by_label(self, text: Text, *, exact: bool = False) -> Found[_Element]:
        """Return the controls with a label, by ``label``, ``aria-label`` or ``aria-labelledby``."""
        found: list[Node] = []
        others: list[Node] = []
        tree = self._place.tree
        selector = "button,input,select,textarea,meter,output,progress,[aria-label],[aria-labelledby]"
        for node in tree.select(self._node, selector):
            labels = _labels(tree, node)
            (found if any(matches(label, text, exact=exact) for label in labels) else others).append(node)
        return self._found(
            found,
            f"field labelled {_shown(text)}",
            lambda: [repr(each) for node in others for each in _labels(tree, node)],
        )

    def get_by_text(self, text: Text, *, exact: bool = False) -> Found[_Element]:
        """Return the innermost elements that contain a text.

        Args:
            text: Part of it, whatever the case and the white space, or a pattern.
            exact: The whole text counts, with its case.
        """
        inside = self._is_inside()
        nodes = innermost(self._place.tree, text, exact=exact)
        return self._found([node for node in nodes if inside(node)], f"element with the text {_shown(text)}")

    def get_by_alt_text(self, text: Text, *, exact: bool = False) -> Found[_Element]:
        """Return the images with an alternative text."""
        return self._by_attribute("alt", text, exact=exact)

    def get_by_title(self, text: Text, *, exact: bool = False) -> Found[_Element]:
        """Return the elements with a title."""
        return self._by_attribute("title", text, exact=exact)

    def get_by_placeholder(self, text: Text, *, exact: bool = False) -> Found[_Element]:
        """Return the fields with a placeholder."""
        return self._by_attribute("placeholder", text, exact=exact)

    def get_by_test_id(self, name: str) -> Found[_Element]:
        """Return the elements with a ``data-testid``."""
        nodes = [
            node
            for node in self._place.tree.select(self._node, "[data-testid]")
            if attribute(node, "data-testid") == name
        ]
        return self._found(nodes, f"element with the test id {name!r}")

    def link(self, name: Text | None = None, *, exact: bool = False) -> Found[_Element]:
        """Return the links with a name; without one, all."""
        return self.get_by_role("link", name=name, exact=exact)

    def heading(self, name: Text | None = None, *, level: int | None = None, exact: bool = False) -> Found[_Element]:
        """Return the headings with a name; without one, all."""
        return self.get_by_role("heading", name=name, level=level, exact=exact)

    def _by_attribute(self, attr: str, text: Text, *, exact: bool) -> Found[_Element]:
        nodes = self._place.tree.select(self._node, f"[{attr}]")
        kept = [node for node in nodes if matches(attribute(node, attr) or "", text, exact=exact)]
        return self._found(
            kept, f"element with the {attr} {_shown(text)}", lambda: [repr(attribute(n, attr)) for n in nodes]
        )

    def _found(
        self, nodes: Iterable[Node], sought: str, near: Callable[[], list[str]] | None = None
    ) -> Found[_Element]:
        return Found([self._element(node) for node in nodes], sought, self._place.url, near)

    def _is_inside(self) -> Callable[[Node], bool]:
        if self._node.tag == "html":
            return lambda node: True
        inside = {node.mem_id for node in self._node.css("*")} - {self._node.mem_id}
        return lambda node: node.mem_id in inside


def _labels(tree: Tree, node: Node) -> list[str]:
    """Return the labels by which Playwright's `get_by_label` finds an element."""
    naming = referred(tree, attribute(node, "aria-labelledby"))
    if naming:
        return [text_of(each) for each in naming]
    said = attribute(node, "aria-label") or ""
    return [said] if said.strip() else [text_of(each) for each in labels_of(tree, node)]


def _named(name: Text | None) -> str:
    return "" if name is None else f" named {_shown(name)}"


def _shown(text: Text) -> str:
    return f"/{text.pattern}/" if isinstance(text, re.Pattern) else repr(text)
