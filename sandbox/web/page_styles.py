"""Styles of a parsed page: elements that are hidden or struck through, by themselves or by the styles in the page.

No style sheet is fetched: what only an outside one hides is taken as shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from selectolax.lexbor import SelectolaxError

from sandbox.web.hidden import takes_no_room
from sandbox.web.trees import Attributes, Node, Tree, lineage, tag_of, text_of

_HIDDEN = re.compile(r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.I)
_SHOWN = re.compile(r"(?<![\w-])display\s*:\s*(?!none)\w", re.I)
_LINED = re.compile(r"(?<![\w-])text-decoration(?:-line)?\s*:[^;]*line-through", re.I)
_DECLARED = re.compile(r"(?<![\w-])(display|visibility|text-decoration)(?:-line)?\s*:\s*([^;]+)", re.I)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_STYLE_ELEMENT = re.compile(rb"<style.*?</style", re.S)
_PART = re.compile(r"[^{}]+|[{}]")
_WIDTH = re.compile(r"\(\s*(min|max)-width\s*:\s*([\d.]+)(px|r?em)\s*\)", re.I)
_SPECIFIC = re.compile(r"(#[\w-]+)|(\.[\w-]+|\[[^\]]*\]|:(?!:|not|is|where)[\w-]+)|((?:^|[\s>+~(])[a-z][\w-]*)", re.I)
_NAMED = re.compile(r"[.#]([\w-]+)(?!.*[.#])")
_OUTSIDE_BRACKETS = re.compile(r",(?![^(\[]*[)\]])")
_VIEWPORT = 1280
_MOST_SELECTORS = 200
_LONGEST = 1 << 19


class _Rule(NamedTuple):
    selector: str
    important: bool
    specificity: tuple[int, int, int]
    order: int
    applies: bool  # it hides, or strikes through


class PageStyles:
    """The styles of one page.

    Args:
        tree: The page.
    """

    def __init__(self, tree: Tree) -> None:
        self._hidden: frozenset[int] = frozenset()
        self._shown: frozenset[int] = frozenset()
        self._lined: frozenset[int] = frozenset()
        source = tree.source.lower()
        if b"<style" not in source:
            return
        rules = _rules_of("\n".join(map(text_of, tree.root.css("style")))[:_LONGEST])
        if rules:
            source = _STYLE_ELEMENT.sub(b"", source)
            hidden, self._shown = _matched(tree, source, rules.get("display", []))
            self._hidden = hidden | _matched(tree, source, rules.get("visibility", []))[0]
            self._lined = _matched(tree, source, rules.get("text-decoration", []))[0]

    @classmethod
    def of(cls, tree: Tree) -> PageStyles:
        """Return the styles of a page, found once."""
        return tree.once("styles", cls)

    def hides(self, node: Node, name: str, known: Attributes) -> bool:
        """Return True for an element that is hidden by itself, not only by those around it.

        Args:
            node: The element.
            name: Its name.
            known: Its attributes.
        """
        style = known.get("style") if known else None
        if style:
            if _HIDDEN.search(style):
                return True
            if _SHOWN.search(style):
                return False
        if self._hidden and node.mem_id in self._hidden:
            return True
        return takes_no_room(name, known) and (not self._shown or node.mem_id not in self._shown)

    def shows(self, node: Node) -> bool:
        """Return True for an element that is hidden neither by itself nor by one around it."""
        return not any(self.hides(each, tag_of(each), each.attributes) for each in lineage(node))

    def lines(self, node: Node, known: Attributes) -> bool:
        """Return True for an element whose own style strikes its text through."""
        style = known.get("style") if known else None
        if style and _LINED.search(style):
            return True
        return bool(self._lined) and node.mem_id in self._lined


def _matched(tree: Tree, source: bytes, rules: list[_Rule]) -> tuple[frozenset[int], frozenset[int]]:
    """Return the elements that rules of one property apply to, and those that they expressly do not."""
    won: dict[int, _Rule] = {}
    for rule in rules[:_MOST_SELECTORS]:
        named = _NAMED.search(rule.selector)
        if named is not None and named[1].lower().encode() not in source:
            continue
        try:
            nodes = tree.root.css(rule.selector)
        except SelectolaxError:  # of a kind that the parser does not know, such as a pseudo-element
            continue
        for node in nodes:
            before = won.get(node.mem_id)
            if before is None or before[1:4] <= rule[1:4]:
                won[node.mem_id] = rule
    applied = frozenset(number for number, rule in won.items() if rule.applies)
    return applied, frozenset(won) - applied


@lru_cache(maxsize=16)
def _rules_of(sheet: str) -> dict[str, list[_Rule]]:
    """Return the rules of a style sheet by which elements are hidden, shown or struck through."""
    found: dict[str, list[_Rule]] = {}
    for selectors, declarations in _blocks(sheet):
        for declared in _DECLARED.finditer(declarations):
            name, value = declared[1].lower(), declared[2].lower()
            applies = (
                re.search("line-through" if name == "text-decoration" else "none|hidden|collapse", value) is not None
            )
            for selector in map(str.strip, _OUTSIDE_BRACKETS.split(selectors)):
                kinds = [match.lastindex for match in _SPECIFIC.finditer(selector)]
                specificity = kinds.count(1), kinds.count(2), kinds.count(3)
                rules = found.setdefault(name, [])
                rules.append(_Rule(selector, "!important" in value, specificity, len(rules), applies))
    return {name: rules for name, rules in found.items() if name == "display" or any(rule.applies for rule in rules)}


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and declarations of the rules that count on a screen of usual width."""
    around: list[bool] = []
    head = selectors = ""
    for part in _PART.findall(_COMMENT.sub("", sheet)):
        if part == "{":
            around.append(_counts(head) if head.startswith("@") else True)
            selectors, head = head, ""
        elif part == "}":
            if head and around and all(around) and not selectors.startswith("@"):
                yield selectors, head
            head = ""
            del around[-1:]
        else:
            head = part.rpartition(";")[2].strip() if not around or selectors.startswith("@") else part.strip()


def _counts(rule: str) -> bool:
    """Return True for an at-rule whose contents count."""
    name, _, condition = rule[1:].partition(" ")
    if name.lower() in ("supports", "layer"):
        return True
    rest = _WIDTH.sub("", condition).lower()
    if name.lower() != "media" or re.search(r"print|speech|not\b|\(", rest):
        return False
    for kind, number, unit in _WIDTH.findall(condition):
        width = float(number) * (1 if unit.lower() == "px" else 16)
        if width > _VIEWPORT if kind.lower() == "min" else width < _VIEWPORT:
            return False
    return True
