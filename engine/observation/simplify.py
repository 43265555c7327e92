"""Simplification of a page's tree: hints are added, decoration is dropped."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.observation.aria import ENTRY_ROLES, Node
from engine.observation.labels import neutral
from engine.task.text import collapse, comparable

MASK = "••••"

_INLINE = frozenset(
    [
        "strong",
        "emphasis",
        "code",
        "mark",
        "insertion",
        "subscript",
        "superscript",
        "time",
        "abbr",
        "generic",
        "deletion",
    ]
)
_NAMED_BY_CONTENT = frozenset(["cell", "gridcell", "row", "columnheader", "rowheader", "listitem", "treeitem", "group"])
_LABELED = ENTRY_ROLES | {"checkbox", "radio"}
_SEPARATOR = re.compile(r"[|,;/\u00b7\u2022\u2013\u2014\u25be\u25bc]+")
_WORDS = re.compile(r"\w+")
_DECORATION = frozenset(
    ["img", "separator", "generic", "presentation", "none", "paragraph", "listitem", "list", "group"]
)


def annotate(root: Node, hints: Iterable[tuple[str, str]]) -> Node:
    """Add to the tree the hints that its snapshot omits; see `sandbox.inside.hints` for the kinds of hints.

    A hint whose key is a ref, or ``title:`` and the visible text of an element, becomes that element's note. Values of
    password fields are masked.
    """
    by_ref: dict[str, str] = {}
    titles: dict[str, list[str]] = defaultdict(list)
    secrets: set[str] = set()
    for key, text in hints:
        kind, _, subject = key.partition(":")
        if kind == "title":
            titles[collapse(subject)].append(text)
        elif kind == "secret":
            secrets.add(text)
        elif re.fullmatch(r"(f\d+)?e\d+", key):
            by_ref[key] = text
    if not (by_ref or titles or secrets):
        return root
    return _annotate(root, by_ref, _notes_in_order(root, titles), secrets)


def _notes_in_order(root: Node, titles: Mapping[str, list[str]]) -> dict[int, str]:
    """Map nodes to titles: the nth element that shows a text gets the nth title for that text."""
    holders: dict[str, list[Node]] = defaultdict(list)
    for node in root.walk():
        text = collapse(node.name)
        if text in titles and not any(collapse(below.name) == text for below in node.walk() if below is not node):
            holders[text].append(node)
    notes: dict[int, str] = {}
    for text, nodes in holders.items():
        given = titles[text]
        if len(given) != len(nodes):
            if "" in given:
                continue  # it is unknown to which of them it belongs
            together = " / ".join(dict.fromkeys(given))
            given = [together] * len(nodes) if len(set(given)) == 1 else [together]
        for node, title in zip(nodes, given, strict=False):
            if title:
                notes[id(node)] = title
    return notes


def _annotate(node: Node, by_ref: Mapping[str, str], notes: Mapping[int, str], secrets: set[str]) -> Node:
    note = by_ref.get(node.ref, "") or notes.get(id(node), "")
    children = tuple(_annotate(child, by_ref, notes, secrets) for child in node.children)
    if node.role == "textbox":
        hidden = "type=password" in note
        children = tuple(
            replace(child, name=MASK) if child.role == "text" and (hidden or child.name in secrets) else child
            for child in children
        )
    return replace(node, children=children, note=note)


def simplify(node: Node) -> Node:
    """Drop decoration, collapse chains of groupings, and join pieces of text.

    Every control stays, with its ref, name, state and URL.
    """
    children: list[Node] = []
    for child in node.children:
        small = simplify(child)
        if _is_decoration(small):
            continue
        if _dissolves(small):
            only = small.children[0] if len(small.children) == 1 else None
            keeps_ref = only is not None and only.role == "text" and not only.ref
            children.extend([replace(only, ref=small.ref)] if only and keeps_ref else small.children)
        else:
            children.append(small)
    children = _without_labels(_join_text(children))
    if _repeats_name(node, children):
        children = []
    elif node.role in _NAMED_BY_CONTENT and children and _name_is_content(node.name, children):
        return replace(node, name="", children=tuple(children))
    return replace(node, children=tuple(children))


def _is_decoration(node: Node) -> bool:
    if node.role == "text":
        return not neutral(node.name)
    return (
        node.role in _DECORATION and not node.name and not node.children and not node.pointer and not node.note
        and not any(state != "active" for state in node.states)
    )  # fmt: skip


def _dissolves(node: Node) -> bool:
    """Return True for a grouping of one element, or mere emphasis."""
    if node.pointer or node.note or node.name or node.role not in _INLINE:
        return False
    only_text = all(child.role == "text" for child in node.children)
    return only_text and node.role != "deletion" if node.role != "generic" else len(node.children) == 1


def _join_text(children: list[Node]) -> list[Node]:
    joined: list[Node] = []
    for child in children:
        before = joined[-1] if joined else None
        if (
            before and child.role == before.role == "text"
            and not (child.note or before.note or (child.ref and before.ref))
        ):  # fmt: skip
            glue = "" if len(child.name) == 1 and child.name == before.name[-1:] else " "
            joined[-1] = replace(before, name=f"{before.name}{glue}{child.name}", ref=before.ref or child.ref)
        else:
            joined.append(child)
    return joined


def _without_labels(children: list[Node]) -> list[Node]:
    """Drop text beside a field that repeats its name, and separators between controls."""
    kept = []
    for index, child in enumerate(children):
        beside = [*children[max(0, index - 1) : index], *children[index + 1 : index + 2]]
        if child.role == "text" and not child.note:
            if any(other.role in _LABELED and _same(child.name, other.name) for other in beside):
                continue
            if _SEPARATOR.fullmatch(child.name.strip()) and any(other.is_control for other in beside):
                continue
        kept.append(child)
    return kept


def _same(label: str, name: str) -> bool:
    return bool(name) and comparable(label).rstrip(":* ") == comparable(name).rstrip(":* ")


def _name_is_content(name: str, children: list[Node]) -> bool:
    """Return True if the name has just the words of the children."""
    if not name:
        return False
    words = " ".join(collapse(below.name) for child in children for below in child.walk() if below.name)
    return sorted(_WORDS.findall(words)) == sorted(_WORDS.findall(name))


def _repeats_name(node: Node, children: list[Node]) -> bool:
    """Return True if the children only repeat the element's name."""
    if not node.name or not children or node.role in ("textbox", "searchbox", "combobox", "spinbutton"):
        return False
    name = comparable(node.name)
    nodes = [below for child in children for below in child.walk()]
    return all(
        not below.is_control and not below.note and below.role in ("text", "img", "generic", "heading", "paragraph")
        and comparable(below.name) in name
        for below in nodes
    )  # fmt: skip
