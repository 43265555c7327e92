"""Labels of controls: those that the page ties to them."""

from __future__ import annotations

from sandbox.web.roles import input_type
from sandbox.web.trees import Node, Tree, attribute

_LABELABLE = frozenset({"button", "input", "meter", "output", "progress", "select", "textarea"})
_FIRST = "button,input:not([type=hidden i]),meter,output,progress,select,textarea"


def labels_of(tree: Tree, node: Node) -> list[Node]:
    """Return the ``label`` elements of a control, in the document's order."""
    if not is_labelable(node):
        return []
    return tree.once("labels", _by_control).get(node.mem_id, [])


def is_labelable(node: Node) -> bool:
    """Return True for an element that a ``label`` can be for."""
    return node.tag in _LABELABLE and not (node.tag == "input" and input_type(node) == "hidden")


def referred(tree: Tree, ids: str | None) -> list[Node]:
    """Return the elements that an attribute such as ``aria-labelledby`` names."""
    found: list[Node] = []
    for name in (ids or "").split():
        node = tree.by_id(name)
        if node is not None and all(node.mem_id != each.mem_id for each in found[:50]):
            found.append(node)
    return found[:50]


def _by_control(tree: Tree) -> dict[int, list[Node]]:
    """Return the labels of all controls, found in one pass over the page."""
    found: dict[int, list[Node]] = {}
    for label in tree.root.css("label"):
        control = _control(tree, label)
        if control is not None:
            found.setdefault(control.mem_id, []).append(label)
    return found


def _control(tree: Tree, label: Node) -> Node | None:
    target = attribute(label, "for")
    if target is not None:
        node = tree.by_id(target)
        return node if node is not None and is_labelable(node) else None
    first: Node | None = label.css_first(_FIRST)
    return first
