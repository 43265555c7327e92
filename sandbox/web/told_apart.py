"""Names by which a person tells apart the elements that code found, of which it takes one by its position.

The rules are those of `sandbox.inside.ambiguous`, which a browser applies.
"""

from __future__ import annotations

import re

from sandbox.web.elements import WebElement
from sandbox.web.found import Found
from sandbox.web.hidden import is_hidden
from sandbox.web.inner_text import inner_text
from sandbox.web.map_texts import plain
from sandbox.web.trees import Node, attribute, lineage, tag_of, text_of

_PARTS = re.compile(r"[\n\t]+")
_MOST_PARTS = 8
_MOST_LOOKED_AT = 200
_LONGEST_PART, _LONGEST = 80, 200
_BOXES = frozenset({"table", "section", "fieldset"})
_BOX_ROLES = frozenset({"grid", "group"})


def told_apart(found: Found[WebElement], at: int, most: int) -> tuple[int, str, list[str]]:
    """Return the number of visible elements, the name of the one that is taken, and the names of the first.

    One only is counted where all lead to the same address.

    Args:
        found: The elements.
        at: The position of the one.
        most: The most names.
    """
    nodes = [each._node for each in list(found)[:_MOST_LOOKED_AT]]
    used = list(found)[at]
    shown = [node for node in nodes if node == used._node or not is_hidden(used._document.tree, node)]
    target = _target(used._node)
    same = bool(target) and all(_target(node) == target for node in shown)
    return 1 if same else len(shown), _name(used._node), [_name(node) for node in shown[:most]]


def _name(node: Node) -> str:
    known = node.attributes
    texts = [part for part in map(plain, _PARTS.split(inner_text(node) or text_of(node))) if part][:_MOST_PARTS]
    own = [known.get("aria-label") or ""] if known.get("aria-label") else texts or [known.get("value") or ""]
    own += [known.get(name) or "" for name in ("title", "datetime", "data-date", "href")]
    box = next(filter(_is_box, lineage(node.parent)), None)
    if box is not None:
        head = box.css_first("caption, legend, h1, h2, h3, h4")
        own.append(attribute(box, "aria-label") or (text_of(head) if head is not None else ""))
    parts = dict.fromkeys(plain(part)[:_LONGEST_PART] for part in own)
    return " | ".join(filter(None, parts))[:_LONGEST]


def _is_box(node: Node) -> bool:
    known = node.attributes
    return tag_of(node) in _BOXES or known.get("role") in _BOX_ROLES or "aria-label" in known


def _target(node: Node) -> str:
    link = next((each for each in lineage(node) if tag_of(each) == "a" and "href" in each.attributes), None)
    link = link or node.css_first("a[href]")
    return (attribute(link, "href") or "") if link is not None else ""
