"""HTML as a tree, parsed by lexbor as browsers with scripts parse it; bounded, for pages are hostile."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from sandbox.web.errors import WebError, WrongUse
from sandbox.web.words import words

Node = LexborNode
Attributes = dict[str, str | None]
_Value = TypeVar("_Value")

MOST_CHARACTERS = 32 << 20
_DEEPEST = 500  # browsers go no deeper than 512; each level costs all later ones time
_FEW_TAGS = 3_000  # which no nesting makes slow
_MOST_SELECTORS = 50  # whose finds are kept
_WIDEST = 5_000  # siblings that :nth-child may count: its time grows with their square
_TAG = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][^\s/>]*))")
_RAW = words("script style textarea title xmp iframe noembed noframes noscript plaintext")
# Elements that have no content, and those that end by themselves where the next of their kind begins.
_FLAT = words(
    "area base br col embed hr img input link meta param source track wbr p li dt dd option optgroup tr td th "
    "tbody thead tfoot colgroup caption rp rt html head body"
)
_PLAYWRIGHT = re.compile(
    r":(?:has-text|text-is|text-matches|text|visible|nth-match|left-of|right-of|near)\b|>>|^\w+=|^\.?//"
)
_REMEDIES = (
    (re.compile(r":has-text\("), 'css("tr").having("Total")'),
    (re.compile(r":text|^text="), 'get_by_text("Total", exact=True)'),
    (re.compile(r":visible"), "css(…) and the property `.hidden`"),
    (re.compile(r"^xpath=|^\.?//"), "css(…), get_by_role(…), `.closest(…)`, `.parent` and `.children`"),
    (re.compile(r"^css="), "css(…) without the prefix"),
    (re.compile(r">>|:nth-match|nth="), "calls one after the other, and an index: css(…)[2].css(…)"),
)
_SCOPED = re.compile(r"\s*(?::scope\b|(?=>|\+|~))")
_MARK = "data-web-scope"
_tags: dict[int, str] = {}
_FEWEST_OTHER = 1 << 16  # the numbers of tags that the parser does not know are addresses


class Tree:
    """A parsed page.

    Args:
        html: Its source.
        url: Its address, for messages.

    Attributes:
        read_attributes: Names of the attributes that code asked for.

    >>> Tree("<p>a<p id=b>c", "http://a.test/").by_id("b").text()
    'c'

    Raises:
        WebError: It is too large.
    """

    def __init__(self, html: str, url: str) -> None:
        if len(html) > MOST_CHARACTERS:
            message = f"{url} is a page of {len(html) >> 20} million characters; the most that is parsed is"
            raise WebError(f"{message} {MOST_CHARACTERS >> 20} million: read `.source`", reason="html", url=url)
        self.url = url
        self._parser = LexborHTMLParser(_flattened(html), scripting=True)
        self._facts: dict[str, dict[int, object]] = {}
        self._finds: dict[str, object] = {}
        self._matching: dict[str, set[int]] = {}
        self.read_attributes: set[str] = set()

    @property
    def root(self) -> Node:
        """The element ``html``."""
        root = self._parser.root
        assert root is not None  # lexbor makes one for any text
        return root

    @property
    def source(self) -> bytes:
        """The source, as it was parsed."""
        return self._parser.raw_html or b""

    @property
    def title(self) -> str:
        """The title of the page; one in a drawing is none."""
        titles = self.root.css("title")
        return next((squashed(text_of(e)) for e in titles if all(tag_of(a) != "svg" for a in lineage(e))), "")

    def by_id(self, name: str) -> Node | None:
        """Return the first element with an id."""
        return self.once("ids", _by_id).get(name)

    def fact(self, kind: str, node: Node, find: Callable[[Node], _Value]) -> _Value:
        """Return what is found out about a node, once."""
        facts = self._facts.setdefault(kind, {})
        key: int = node.mem_id
        if key not in facts:
            facts[key] = find(node)
        return facts[key]  # type: ignore[return-value]  # each kind has one type

    def facts(self, kind: str) -> dict[int, object]:
        """Return what is known of a kind, by `mem_id`."""
        return self._facts.setdefault(kind, {})

    def is_known(self, name: str) -> bool:
        """Return True where something was found out by `once`."""
        return name in self._finds

    def once(self, name: str, find: Callable[[Tree], _Value]) -> _Value:
        """Return what is found out about the whole page, once."""
        if name not in self._finds:
            self._finds[name] = find(self)
        return self._finds[name]  # type: ignore[return-value]  # each name has one type

    def select(self, node: Node, selector: str) -> list[Node]:
        """Return the nodes below one that a CSS selector finds, in order; ``html`` counts as below itself.

        Raises:
            WrongUse: The selector is none, or one of Playwright's own.
        """
        known = _selector(selector)
        if known.scoped:
            node.attrs[_MARK] = ""
        try:
            self._check(selector, known)
            found: list[Node] = node.css(known.text)
        except (SelectolaxError, UnicodeError):
            raise _refused(selector, self.url) from None
        finally:
            if known.scoped:
                del node.attrs[_MARK]
        if known.several:  # lexbor finds what several parts of a selector find several times
            found = list({each.mem_id: each for each in found}.values())
        return found[1:] if found and found[0].mem_id == node.mem_id and node.tag != "html" else found

    def matches(self, node: Node, selector: str) -> bool:
        """Return True if a node is one that a CSS selector finds in the page."""
        if selector not in self._matching:
            self._check(selector, _selector(selector))
            try:
                found = self._parser.css(selector)
            except (SelectolaxError, UnicodeError):
                raise _refused(selector, self.url) from None
            if len(self._matching) >= _MOST_SELECTORS:
                self._matching.clear()
            self._matching[selector] = {each.mem_id for each in found}
        return node.mem_id in self._matching[selector]

    def _check(self, selector: str, known: _Selector) -> None:
        if known.foreign:
            raise _refused(selector, self.url)
        if known.counts and self.widest > _WIDEST:
            message = f"{self.url} has {self.widest} siblings, too many to be counted by {selector!r}: take an index of"
            raise WebError(f"{message} the list, css(…)[1] or css(…)[::2]", reason="html", url=self.url)

    @property
    def widest(self) -> int:
        """The most children that an element has."""
        return self.once("widest", _widest)


def tag_of(node: Node) -> str:
    """Return the name of an element, in small letters; the parser makes a text of it anew each time."""
    number = node.tag_id
    name = _tags.get(number)
    if name is None:
        name = node.tag or ""
        if number < _FEWEST_OTHER:
            _tags[number] = name
    return name


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes in a node: elements, texts and comments."""
    return node.iter(include_text=True)


def elements_in(node: Node) -> Iterator[Node]:
    """Yield the child elements of a node."""
    return (child for child in node.iter() if child.is_element_node)


def lineage(node: Node | None) -> Iterator[Node]:
    """Yield an element and those that it is in, from the inside out."""
    while node is not None and node.is_element_node:
        yield node
        node = node.parent


def walk(node: Node) -> Iterator[tuple[Node, bool]]:
    """Yield the nodes below a node, in order: each element as it begins (True) and as it ends (False), texts once."""
    stack: list[tuple[Node, bool]] = [(child, True) for child in reversed(list(children(node)))]
    while stack:
        each, begins = stack.pop()
        yield each, begins
        if begins and each.is_element_node:
            stack.append((each, False))
            stack += [(child, True) for child in reversed(list(children(each)))]


def attribute(node: Node, name: str) -> str | None:
    """Return an attribute's value, empty where it has none; None where there is no such attribute."""
    known = node.attributes  # a dict at once: its view looks through all of them for each question
    return (known[name] or "") if name in known else None


def text_of(node: Node) -> str:
    """Return the text of all text nodes below a node, as ``textContent`` in browsers."""
    text: str = node.text(deep=True)
    return text


def squashed(text: str) -> str:
    """Return a text with its white space as single blanks, as Playwright compares texts.

    >>> squashed(" a \\n b\\u200b ")
    'a b'
    """
    return " ".join(text.replace("\u200b", "").replace("\u00ad", "").split())


class _Selector(NamedTuple):
    """A selector, as lexbor gets it."""

    text: str
    scoped: bool  # it begins at the node in which it is sought
    several: bool  # it has several parts
    counts: bool  # siblings
    foreign: bool  # it is one of Playwright's own


@lru_cache(maxsize=256)
def _selector(selector: str) -> _Selector:
    scoped = _SCOPED.match(selector)
    text = selector if scoped is None else f"[{_MARK}]{selector[scoped.end() :]}"
    foreign = _PLAYWRIGHT.search(text) is not None
    return _Selector(text, scoped is not None, "," in selector, ":nth-" in selector, foreign)


def _by_id(tree: Tree) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in tree.root.css("[id]"):
        found.setdefault(node.attrs["id"] or "", node)
    return found


def _widest(tree: Tree) -> int:
    counts: dict[int, int] = {}
    for node in tree.root.traverse():
        parent = node.parent
        if parent is not None:
            counts[parent.mem_id] = counts.get(parent.mem_id, 0) + 1
    return max(counts.values(), default=0)


def _refused(selector: str, url: str) -> WrongUse:
    for pattern, right in _REMEDIES:
        if pattern.search(selector):
            return WrongUse(
                f"{selector[:200]!r} is a selector of Playwright's own; `web` has {right}", reason="use", url=url
            )
    return WrongUse(f"{selector[:200]!r} is no CSS selector", reason="use", url=url)


def _flattened(html: str) -> str:
    """Return a source without tags that nest deeper than browsers nest elements; the text in them stays."""
    if html.count("<") < _FEW_TAGS:
        return html
    open_tags: dict[str, int] = {}
    dropped: dict[str, int] = {}
    kept: list[str] = []
    depth = begin = at = 0
    for _ in itertools.count():
        tag = _TAG.search(html, at)
        if tag is None:
            break
        at = tag.end()
        comment, closing, name = tag.group(1), tag.group(2), (tag.group(3) or "").lower()
        if comment:
            at = _after(html, "-->", at)
        elif closing:
            if dropped.get(name):
                dropped[name] -= 1
                kept.append(html[begin : tag.start()])
                begin = at = _after(html, ">", at)
            elif open_tags.get(name):
                open_tags[name] -= 1
                depth -= 1
        elif name in _RAW:
            end = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(html, at)
            at = end.start() if end else len(html)
        elif name not in _FLAT:
            if depth < _DEEPEST:
                open_tags[name] = open_tags.get(name, 0) + 1
                depth += 1
            else:
                dropped[name] = dropped.get(name, 0) + 1
                kept.append(html[begin : tag.start()])
                begin = at = _after(html, ">", at)
    kept.append(html[begin:])
    return "".join(kept)


def _after(html: str, mark: str, start: int) -> int:
    at = html.find(mark, start)
    return len(html) if at < 0 else at + len(mark)
