"""Which of an element's children are shown, and which are folded because they are like their neighbors.

Children are sorted into classes by their shape. Of a large class the first two and the last are shown; what is rare is
shown, because that is where the list differs. Where that leaves too much, a coarser idea of shape is taken.
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
        nodes: They, in order.
        differing: Those of them that are not like the ones shown.
    """

    nodes: tuple[Node, ...]
    differing: tuple[Node, ...] = ()


def says_next(node: Node) -> bool:
    """A control by which the page says that there is more."""
    return node.role in ("link", "button") and len(node.name) < 40 and may_lead_on(node.name)


def says_total(node: Node) -> bool:
    """A short text that states how many there are."""
    if node.role not in ("text", "heading", "status", "caption") or len(node.name) > 80:
        return False
    return may_state_total(node.name) or (node.role == "heading" and bool(_DIGITS.search(node.name)))


class Shapes:
    """The shapes of nodes, exact to coarse, each worked out once."""

    def __init__(self) -> None:
        self._exact: dict[int, int] = {}
        self._numbers: dict[object, int] = {}
        self._keep: list[Node] = []
        self._roles: dict[int, frozenset[str]] = {}

    def exact(self, node: Node) -> int:
        """Equal for equal roles, states and controls; lists of equal things count as one thing."""
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
            self._keep.append(node)  # so that its id is not used again
        return known

    def roles(self, node: Node) -> frozenset[str]:
        """The roles that occur in the node."""
        known = self._roles.get(id(node))
        if known is None:
            known = frozenset([node.role]).union(*(self.roles(child) for child in node.children))
            self._roles[id(node)] = known
            self._keep.append(node)
        return known

    def key(self, node: Node, level: int) -> object:
        """What makes two children alike, at level 0 (exact), 1 or 2 (any of the same role)."""
        kind = _kind(node)
        if level == 0:
            return (kind, self.exact(node), _entries(node))
        if level == 1:
            return (kind, self.roles(node), _entries(node))
        return (kind, node.role)


def plan(children: Sequence[Node], shapes: Shapes, tight: int = 0) -> list[Node | Folded]:
    """The children in order, some of them folded.

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
    kept |= _always(children)
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
    """What an item amounts to: one control or heading alone is that, whatever wraps it."""
    inner = node
    while len(inner.children) == 1 and not inner.is_control and inner.role not in ("row", "heading"):
        inner = inner.children[0]
    return f"{node.role}/{inner.role}" + ("/pointer" if inner.pointer and inner.role == "generic" else "")


_MANY = {
    "link": 6, "text": 6, "paragraph": 6, "option": 8, "iframe": 8, "menuitem": 10,
    "heading": 12, "button": 12, "tab": 12, "checkbox": 12, "radio": 12, "cell": 16, "gridcell": 16, "columnheader": 30,
}  # fmt: skip


def _threshold(node: Node, level: int, tight: int) -> int:
    """How many alike are too many."""
    if level == 2 and _entries(node):
        return 25
    many = _MANY.get(node.role) or _MANY.get(_kind(node).split("/")[1], 5)
    return max(4, many - 2 * tight)


def _entries(node: Node) -> tuple[str, ...]:
    """Names of the fields one types or chooses in: those that are named differently are not alike."""
    return tuple(_DIGITS.sub("#", below.name) for below in node.walk() if below.role in ENTRY_ROLES)


def _always(children: Sequence[Node]) -> set[int]:
    """Items with a control that leads on, or with a total: a fold must not hide them, unless every item has one."""
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
