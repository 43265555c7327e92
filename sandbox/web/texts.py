"""Finding by text: Playwright's rules for comparing texts, and the innermost elements that contain one."""

from __future__ import annotations

import re
from bisect import bisect_left

from sandbox.web.roles import input_type
from sandbox.web.trees import Node, Tree, attribute, squashed, walk

_SKIPPED = frozenset({"script", "noscript", "style", "head"})
_SPACES = re.compile(r"\s+")


def matches(text: str, wanted: str | re.Pattern[str], *, exact: bool = False) -> bool:
    """Return True if a text contains another, whatever the case and the white space; ``exact``: if it is the other.

    >>> matches("Add  to\\ncart", "to CART"), matches("Add to cart", "Add", exact=True)
    (True, False)
    """
    text = squashed(text)
    if isinstance(wanted, re.Pattern):
        return wanted.search(text) is not None
    wanted = squashed(wanted)
    return text == wanted if exact else wanted.lower() in text.lower()


class _Spans:
    """The text of a page as one, and the part of it that each element contains."""

    def __init__(self, tree: Tree) -> None:
        self.elements: list[tuple[Node, int, int, int]] = []  # node, index of the element that it is in, begin, end
        pieces: list[str] = []
        length, blank = 0, True
        open_elements: list[int] = []
        skipped = 0
        for node, begins in walk(tree.root):
            if node.is_element_node:
                silent = node.tag in _SKIPPED
                if not begins:
                    if silent:
                        skipped -= 1
                    elif not skipped:
                        at = open_elements.pop()
                        each, outer, start, _ = self.elements[at]
                        self.elements[at] = (each, outer, start, length)
                    continue
                if silent:
                    skipped += 1
                if skipped:
                    continue
                outer = open_elements[-1] if open_elements else -1
                open_elements.append(len(self.elements))
                self.elements.append((node, outer, length, length))
                text = _button_text(node)
            elif node.is_text_node and not skipped:
                text = node.text_content or ""
            else:
                continue
            if text:
                # Blanks are single ones of the whole text, so that each part of it is a part of what was squashed.
                text = _SPACES.sub(" ", text.replace("\u200b", "").replace("\u00ad", ""))
                if blank and text.startswith(" "):
                    text = text[1:]
                if text:
                    pieces.append(text)
                    length += len(text)
                    blank = text.endswith(" ")
        self.text = "".join(pieces)


def _button_text(node: Node) -> str:
    if node.tag == "input" and input_type(node) in ("submit", "button", "reset"):
        return attribute(node, "value") or ""
    return ""


def innermost(tree: Tree, wanted: str | re.Pattern[str], *, exact: bool = False) -> list[Node]:
    """Return the elements whose text matches, but those of which a child's does, in the document's order."""
    spans = tree.once("spans", _Spans)
    if isinstance(wanted, re.Pattern):
        fits = [wanted.search(spans.text[begin:end].strip()) is not None for _, _, begin, end in spans.elements]
    else:
        wanted = squashed(wanted)
        if exact:
            fits = [_is_part(spans.text, begin, end, wanted) for _, _, begin, end in spans.elements]
        else:
            fits = _containing(spans, wanted.lower())
    covered = {outer for (_, outer, _, _), fit in zip(spans.elements, fits, strict=True) if fit}
    return [node for at, (node, _, _, _) in enumerate(spans.elements) if fits[at] and at not in covered]


def _is_part(text: str, begin: int, end: int, wanted: str) -> bool:
    return end - begin - len(wanted) in (0, 1, 2) and text[begin:end].strip() == wanted


def _containing(spans: _Spans, wanted: str) -> list[bool]:
    if not wanted:
        return [True] * len(spans.elements)
    text = spans.text.lower()
    if len(text) != len(spans.text):  # a character whose small letter is two: İ
        text = "".join(each if len(each.lower()) != 1 else each.lower() for each in spans.text)
    places, at = [], text.find(wanted)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    found = []
    for _, _, begin, end in spans.elements:
        after = bisect_left(places, begin)
        found.append(after < len(places) and places[after] + len(wanted) <= end)
    return found
