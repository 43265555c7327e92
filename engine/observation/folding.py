"""Folding of an element's children that are like their neighbors.

Children are classed by shape. Of a large class, the first two and the last are shown, and so is any rare child, because
there the list differs. If that leaves too many, a coarser notion of shape is used.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.observation.aria import ENTRY_ROLES, Node
from sandbox.paging import may_lead_on, may_state_total

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Folded:
    """Neighbors that are left out.

    Args:
        nodes: The neighbors, in order.
        differing: Those whose shape is none of the shown ones'.
    """

    nodes: tuple[Node, ...]
    differing: tuple[Node, ...] = ()


def says_next(node: Node) -> bool:
    """Return True for a control by which the page offers more."""
    return node.role in ("link", "button") and len(node.name) < 40 and may_lead_on(node.name)


def says_total(node: Node) -> bool:
    """Return True for a short text that states a total."""
    if node.role not in ("text", "heading", "status", "caption") or len(node.name) > 80:
        return False
    return may_state_total(node.name) or (node.role == "heading" and bool(_DIGITS.search(node.name)))


class Shapes:
    """The shapes of nodes, from exact to coarse, each computed once."""

    def __init__(self) -> None:
        self._exact: dict[int, int] = {}
        self._numbers: dict[object, int] = {}
        self._keep: list[Node] = []
        self._roles: dict[int, frozenset[str]] = {}

    def exact(self, node: Node) -> int:
        """Return a number for roles, states and controls below the node; repeated children count once."""
        known = self._exact.get(id(node))
        if known is None:
            below: list[int] = []
            for child in node.children:
                shape = self.exact(child)
                if shape not in below[-2:]:
                    below.append(shape)
            states = tuple(state for state in node.states if state != "active")
            named = _DIGITS.sub("#", node.name) if node.role in ("button", "checkbox") else bool(node.name)
            key = (node.role, named, states, node.pointer, node.url is not None, tuple(below))
            known = self._exact[id(node)] = self._numbers.setdefault(key, len(self._numbers))
            self._keep.append(node)  # keeps its id() unique
        return known

    def roles(self, node: Node) -> frozenset[str]:
        """Return the roles that occur in the node."""
        known = self._roles.get(id(node))
        if known is None:
            known = frozenset([node.role]).union(*(self.roles(child) for child in node.children))
            self._roles[id(node)] = known
            self._keep.append(node)
        return known

    def key(self, node: Node, level: int) -> object:
        """Return the key by which children are classed, at level 0 (exact), 1 or 2 (role only)."""
        kind = _kind(node)
        if level == 0:
            return (kind, self.exact(node), _field_names(node))
        if level == 1:
            return (kind, self.roles(node), _field_names(node))
        return (kind, node.role)


def plan(children: Sequence[Node], shapes: Shapes, tight: int = 0) -> list[Node | Folded]:
    """Return the children in order, some of them folded.

    Args:
        tight: 0 to 3; the higher, the more is folded.
    """
    if len(children) < 5:
        return list(children)
    most = (14, 9, 7, 5)[tight]
    for level in range(3):
        shown = _shown(children, shapes, level, tight)
        if len(shown) <= most:
            break
    kept = {id(node) for index, node in enumerate(children) if index in shown}
    kept |= _never_folded(children)
    alike = {shapes.exact(node) for node in children if id(node) in kept}
    return _merge(children, kept, alike, shapes)


def _shown(children: Sequence[Node], shapes: Shapes, level: int, tight: int) -> set[int]:
    classes: dict[object, list[int]] = defaultdict(list)
    for index, node in enumerate(children):
        classes[shapes.key(node, level)].append(index)
    shown: set[int] = set()
    for members in classes.values():
        threshold = _threshold(children[members[0]], level, tight)
        if len(members) < threshold:
            shown.update(members)
            continue
        shown.update((members[0], members[-1]) if tight >= 2 else (*members[:2], members[-1]))
        if level:
            counted = Counter(shapes.exact(children[index]) for index in members)
            rare = [index for index in members if counted[shapes.exact(children[index])] == 1]
            shown.update(rare if len(rare) <= 3 else rare[: max(0, 2 - tight)])
    return shown


def _kind(node: Node) -> str:
    """Return the kind of an item: that of its only control or heading, whatever wraps it."""
    inner = node
    while len(inner.children) == 1 and not inner.is_control and inner.role not in ("row", "heading"):
        inner = inner.children[0]
    return f"{node.role}/{inner.role}" + ("/pointer" if inner.pointer and inner.role == "generic" else "")


_MANY = {
    "link": 6, "text": 6, "paragraph": 6, "option": 8, "iframe": 8, "menuitem": 10,
    "heading": 12, "button": 12, "tab": 12, "checkbox": 12, "radio": 12, "cell": 16, "gridcell": 16, "columnheader": 30,
}  # fmt: skip


def _threshold(node: Node, level: int, tight: int) -> int:
    """Return the size from which a class is folded."""
    if level == 2 and _field_names(node):
        return 25
    many = _MANY.get(node.role) or _MANY.get(_kind(node).split("/")[1], 5)
    return max(4, many - 2 * tight)


def _field_names(node: Node) -> tuple[str, ...]:
    """Return the names of the input fields in a node: items with differently named fields are not alike."""
    return tuple(_DIGITS.sub("#", below.name) for below in node.walk() if below.role in ENTRY_ROLES)


def _never_folded(children: Sequence[Node]) -> set[int]:
    """Return items with a "next" control or a total: a fold must not hide them, unless many items have one."""
    kept: set[int] = set()
    for test in (says_next, says_total):
        found = [node for node in children if any(test(below) for below in node.walk())]
        if len(found) <= 3:
            kept.update(id(node) for node in found)
    return kept


def _merge(children: Sequence[Node], kept: set[int], alike: set[int], shapes: Shapes) -> list[Node | Folded]:
    merged: list[Node | Folded] = []
    run: list[Node] = []

    def close() -> None:
        if len(run) == 1:
            merged.append(run[0])
        elif run:
            merged.append(Folded(tuple(run), tuple(node for node in run if shapes.exact(node) not in alike)))
        run.clear()

    for node in children:
        if id(node) in kept:
            close()
            merged.append(node)
        else:
            run.append(node)
    close()
    return merged
