"""Elements of a parsed page that are alike, as the cards of a list."""

from __future__ import annotations

import re

from sandbox.web.map_tags import tag_named
from sandbox.web.trees import Node, elements_in, tag_of

Kind = tuple[str, str, str, str]
_ID_NUMBER = re.compile(r"[0-9a-f]*\d[0-9a-f]*", re.I)


def kind_of(node: Node) -> Kind:
    """Return what an element has in common with its like: its name, class and id without numbers.

    Where it has no class, the name of its first child counts, too.
    """
    known = node.attributes
    name = (known.get("class") or "").split(None, 1)[:1] if known else []
    inner = next(map(tag_of, elements_in(node)), "") if not name else ""
    number = known.get("id") if known else ""
    return tag_of(node), name[0] if name else "", _ID_NUMBER.sub("#", number) if number else "", inner


def pattern_of(elements: list[Node]) -> Kind | None:
    """Return the kind that most of several elements are of, as in a list of cards; None for those that are no cards."""
    count = len(elements)
    if count == 2:
        first, second = elements
        if not tag_named(tag_of(first)).card or (found := kind_of(first)) != kind_of(second) or not found[1]:
            return None
        return found if all(_has_several(each) for each in elements) else None
    some = [elements[at] for at in (0, 1, count >> 1, count - 1)]
    if sum(tag_named(tag_of(each)).card for each in some) < 3:
        return None
    kinds = [kind_of(each) for each in some]
    return next((each for each in kinds if kinds.count(each) >= 3), None)


def _has_several(node: Node) -> bool:
    return len(list(elements_in(node))) > 1
