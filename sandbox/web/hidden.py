"""Elements that a page does not show, as far as its HTML tells without style sheets."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.web.trees import Attributes, Node, Tree, attribute, lineage, tag_of
from sandbox.web.words import words

SILENT = words("script style noscript template")
_UNSHOWN = SILENT | words("head title meta link base datalist source track area param rp noframes noembed")
_NONE = re.compile(r"(?:^|;)\s*display\s*:\s*none\b", re.IGNORECASE)
_VISIBILITY = re.compile(r"(?:^|;)\s*visibility\s*:\s*(hidden|collapse|visible)\b", re.IGNORECASE)


def is_absent(node: Node) -> bool:
    """Return True for an element that takes no room, with all that is in it."""
    return takes_no_room(tag_of(node), node.attributes)


def takes_no_room(tag: str, known: Attributes) -> bool:
    """Return True for an element of a tag, with these attributes, that takes no room."""
    if tag in _UNSHOWN:
        return True
    if tag == "dialog" and "open" not in known:
        return True
    if not known:
        return False
    if "hidden" in known or "popover" in known:
        return True
    if tag == "input":
        return (known.get("type") or "").lower() == "hidden"
    return bool(_NONE.search(known.get("style") or ""))


def visibility(node: Node) -> bool | None:
    """Return True or False where an element's own style makes it visible or invisible, None where it does not tell."""
    style = node.attributes.get("style")
    found = _VISIBILITY.search(style) if style else None
    return None if found is None else found[1].lower() == "visible"


def is_hidden(tree: Tree, node: Node) -> bool:
    """Return True for an element that is not shown, or is in one that is not."""
    return _gone(tree, node, "absent", _is_absent_or_closed) or not _is_visible(tree, node)


def is_hidden_from_roles(tree: Tree, node: Node) -> bool:
    """Return True for an element that `get_by_role` leaves out, as Playwright does: hidden, or by ``aria-hidden``."""
    if node.tag in SILENT:
        return True
    if node.tag == "option" and any(each.tag == "select" for each in lineage(node)):
        return _gone(tree, node, "unspoken", _is_unspoken)
    return _gone(tree, node, "unspoken", _is_unspoken) or not _is_visible(tree, node)


def _is_unspoken(node: Node) -> bool:
    return (attribute(node, "aria-hidden") or "").lower() == "true" or _is_absent_or_closed(node)


def _is_absent_or_closed(node: Node) -> bool:
    return is_absent(node) or _in_closed_details(node)


def _in_closed_details(node: Node) -> bool:
    """Return True for what a closed ``details`` holds besides its summary."""
    parent = node.parent
    return (
        parent is not None
        and parent.is_element_node
        and parent.tag == "details"
        and "open" not in parent.attrs
        and not (node.tag == "summary" and first_summary(parent) == node)
    )


def first_summary(details: Node) -> Node | None:
    """Return the summary that a ``details`` shows."""
    child = details.first_child
    while child is not None and child.tag != "summary":
        child = child.next
    return child


def _is_visible(tree: Tree, node: Node) -> bool:
    return not _passed_down(tree, node, "invisible", _is_invisible)


def _is_invisible(node: Node) -> bool | None:
    own = visibility(node)
    return None if own is None else not own


def _gone(tree: Tree, node: Node, kind: str, own: Callable[[Node], bool]) -> bool:
    """Return True if something holds of an element or one that it is in."""
    return _passed_down(tree, node, kind, lambda each: own(each) or None)


def _passed_down(tree: Tree, node: Node, kind: str, own: Callable[[Node], bool | None]) -> bool:
    """Return what the innermost element says that says something; each is asked once a page."""
    known, passed, result = tree.facts(kind), [], False
    for each in lineage(node):
        key = each.mem_id
        if key in known:
            result = bool(known[key])
            break
        passed.append(key)
        said = own(each)
        if said is not None:
            result = said
            break
    known.update(dict.fromkeys(passed, result))
    return result
