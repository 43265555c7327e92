"""Comparison of two simplified trees, regardless of their refs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from engine.observation.aria import Node

_SMALL = 12
"""Most nodes of an element, such as a row, that is shown as a whole where its name has changed."""


@dataclass(frozen=True)
class Change:
    """One addition, removal or change.

    Args:
        nodes: Added or removed neighbors; of a change, the new node, without its content where that is compared too.
        was: Of a change, the old node, likewise.
        path: The elements around it, outermost first.
    """

    kind: Literal["added", "removed", "changed"]
    nodes: tuple[Node, ...]
    path: tuple[Node, ...]
    was: Node | None = None


class Comparison:
    """The changes from one tree to another, by content.

    An element is the same one where its role and its name are, or where what it holds has the same refs: a heading that
    counts ("Cart (2)"), a wrapper that comes with an error message, or a notice at the top change no more than that.

    Args:
        old, new: Simplified trees.
    """

    def __init__(self, old: Node, new: Node) -> None:
        self._numbers: dict[object, int] = {}
        self._fingerprints: dict[int, int] = {}
        self._wrapped: list[Node] = []  # fingerprints are known by identity, so what has one must stay
        self.changes: list[Change] = []
        if self._fingerprint(old) != self._fingerprint(new):
            self._compare(old, new, ())
        self._old, self._new = old, new

    def share(self) -> float:
        """Return the share of nodes that are not in the other tree, from 0 to 1."""
        touched = sum(_weight(node) for change in self.changes for node in (*change.nodes, *_as_tuple(change.was)))
        return touched / max(1, _weight(self._old) + _weight(self._new))

    def controls_with_new_refs(self) -> list[Node]:
        """Return the controls with new refs, for trees that are equal otherwise."""
        pairs = zip(self._old.walk(), self._new.walk(), strict=False)
        return [new for old, new in pairs if new.is_control and new.ref != old.ref]

    def _fingerprint(self, node: Node) -> int:
        """Return a number that is equal for nodes with the same content, regardless of refs and focus."""
        known = self._fingerprints.get(id(node))
        if known is None:
            below = tuple(self._fingerprint(child) for child in node.children)
            known = self._fingerprints[id(node)] = self._numbers.setdefault((_head(node), below), len(self._numbers))
        return known

    def _compare(self, old: Node, new: Node, path: tuple[Node, ...]) -> None:
        if _is_leaf(old) or _is_leaf(new) or (_head(old) != _head(new) and not _is_same_section(old, new)):
            self.changes.append(Change("changed", (new,), path, old))
            return
        if _head(old) != _head(new):
            self.changes.append(Change("changed", (replace(new, children=()),), path, replace(old, children=())))
        here = (*path, new)
        for tag, old_part, new_part in self._pieces(old.children, new.children):
            if tag == "replace":
                self._pair(old_part, new_part, here)
            else:
                if old_part:
                    self.changes.append(Change("removed", old_part, here))
                if new_part:
                    self.changes.append(Change("added", new_part, here))

    def _pieces(
        self, old: tuple[Node, ...], new: tuple[Node, ...]
    ) -> list[tuple[str, tuple[Node, ...], tuple[Node, ...]]]:
        before, after = [self._fingerprint(node) for node in old], [self._fingerprint(node) for node in new]
        start = 0
        while start < min(len(before), len(after)) and before[start] == after[start]:
            start += 1
        end = 0
        while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
            end += 1
        before, after = before[start : len(before) - end], after[start : len(after) - end]
        if len(before) * len(after) > 1_000_000:
            return [("replace", old[start : len(old) - end], new[start : len(new) - end])]
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        return [
            (tag, old[start + i1 : start + i2], new[start + j1 : start + j2])
            for tag, i1, i2, j1, j2 in matcher.get_opcodes()
            if tag != "equal"
        ]

    def _pair(self, old: tuple[Node, ...], new: tuple[Node, ...], path: tuple[Node, ...]) -> None:
        """Pair old and new nodes in order: by ref, by what they hold, or by role; the others were removed or added."""
        partners = _partners(old, new)
        claimed = set(partners.values())
        position = 0
        added: list[Node] = []
        for index, node in enumerate(new):
            at = partners.get(index)
            if at is None:
                free = (i for i in range(position, len(old)) if i not in claimed and _may_correspond(old[i], node))
                at = next(free, None)
                # An element that is known by its ref, between here and there, has its partner still to come.
                if at is not None and any(i in claimed for i in range(position, at)):
                    at = None
            if at is None:
                added.append(node)
                continue
            self._flush("removed", old[position:at], path)
            self._flush("added", added, path)
            added = []
            position = at + 1
            partner = self._wrap(old[at], node)
            node = self._wrap(node, partner)
            if self._fingerprint(partner) != self._fingerprint(node):
                self._compare(partner, node, path)
        self._flush("removed", old[position:], path)
        self._flush("added", added, path)

    def _wrap(self, node: Node, other: Node) -> Node:
        """Return the node within a grouping like the other, where only that has one around the same element."""
        if node.role == other.role or other.role != "generic":
            return node
        self._wrapped.append(replace(other, children=(node,)))
        return self._wrapped[-1]

    def _flush(self, kind: Literal["added", "removed"], nodes: Sequence[Node], path: tuple[Node, ...]) -> None:
        if nodes:
            self.changes.append(Change(kind, tuple(nodes), path))


def _as_tuple(node: Node | None) -> tuple[Node, ...]:
    return () if node is None else (node,)


def _weight(node: Node) -> int:
    return sum(1 for _ in node.walk())


def _head(node: Node) -> tuple[object, ...]:
    states = tuple(state for state in node.states if state != "active")
    return (node.role, node.name, states, node.pointer, node.url, node.placeholder, node.note)


def _partners(old: Sequence[Node], new: Sequence[Node]) -> dict[int, int]:
    """Map new nodes to old ones, by index and in order, by their refs or the first of those that they hold."""
    owners = {below.ref: index for index, node in enumerate(old) for below in node.walk() if below.ref}
    partners: dict[int, int] = {}
    position = 0
    for index, node in enumerate(new):
        refs = (below.ref for below in node.walk() if below.ref)
        at = next((owners[ref] for ref in refs if ref in owners), None)
        if at is None or at < position:
            continue
        if old[at].role == node.role or (old[at].ref != node.ref and "generic" in (old[at].role, node.role)):
            partners[index] = at
            position = at + 1
    return partners


def _is_same_section(old: Node, new: Node) -> bool:
    """Return True where two elements with other names or states hold some of the same, and too much to be shown."""
    if min(_weight(old), _weight(new)) <= _SMALL:
        return False
    refs = {below.ref for below in old.walk() if below.ref}
    return any(below.ref in refs for below in new.walk() if below is not new)


def _may_correspond(old: Node, new: Node) -> bool:
    if old.role != new.role:
        return False
    if old.name == new.name:
        return True
    return (
        bool(old.ref) and old.ref == new.ref if new.is_control else new.role in ("text", "heading", "status", "alert")
    )


def _is_leaf(node: Node) -> bool:
    return all(child.role == "text" for child in node.children)
