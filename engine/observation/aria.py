"""Playwright's accessibility snapshot (``page.aria_snapshot(mode="ai")``) as a tree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

MAX_DEPTH = 60
"""Deepest level of nodes; deeper ones are attached there, since walks over the tree recurse."""

MAX_LINES = 60_000

CONTROL_ROLES = frozenset(
    {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab", "option", "slider", "switch"}
    | {"menuitem", "menuitemcheckbox", "menuitemradio", "spinbutton", "treeitem"}
)
ENTRY_ROLES = frozenset(["textbox", "searchbox", "combobox", "spinbutton", "slider", "switch", "listbox"])


@dataclass(frozen=True, slots=True)
class Node:
    """One element of a page, or a piece of its text.

    Args:
        role: ARIA role; ``text`` for a piece of text, ``generic`` for an element without a role.
        name: Accessible name; of a ``text`` node, the text.
        states: As in the snapshot: ``checked``, ``disabled``, ``level=2``.
        ref: The argument of `page.get_by_ref`; empty if the snapshot has none.
        pointer: The cursor over the element is a pointer, so it is probably clickable.
        url: The ``href`` of a link, as written in the page.
        placeholder: Placeholder of a text field, if it is not its name.
        note: Text from the snapshot's hints, which is not part of the accessibility tree.
    """

    role: str
    name: str = ""
    states: tuple[str, ...] = ()
    ref: str = ""
    pointer: bool = False
    url: str | None = None
    placeholder: str | None = None
    children: tuple[Node, ...] = ()
    note: str = ""

    @property
    def is_control(self) -> bool:
        """True for an element that a person can act on."""
        return self.pointer or self.role in CONTROL_ROLES

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def parse(aria: str) -> Node:
    """Read a snapshot; the root's role is ``page``.

    A line in an unknown form becomes a piece of text, so that nothing is lost and no page can make this fail.

    >>> parse('- link "Home" [ref=e2] [cursor=pointer]:\\n  - /url: /').children[0].url
    '/'
    """
    root = _Draft(Node("page"))
    stack = [root]
    for number, line in enumerate(aria.split("\n")):
        if number >= MAX_LINES:
            root.children.append(_Draft(Node("text", f"(more than {MAX_LINES} elements; the rest is left out)")))
            break
        body = line.lstrip(" ")
        if not body:
            continue
        depth = min((len(line) - len(body)) // 2, len(stack) - 1, MAX_DEPTH)
        del stack[depth + 1 :]
        draft = _read_line(body.removeprefix("- "), stack[-1])
        if draft is not None:
            stack[-1].children.append(draft)
            stack.append(draft)
    return root.freeze()


def replace_texts(root: Node, new: Callable[[Sequence[str]], list[str]]) -> Node:
    """Return the tree with other texts, which the function gives for all of them at once, in their order.

    >>> replace_texts(Node("link", "Home", url="/"), lambda texts: [text.upper() for text in texts]).name
    'HOME'
    """
    texts = [text for node in root.walk() for text in _texts(node)]
    changed = new(texts)
    return root if changed == texts else _with_texts(root, iter(changed))


def _texts(node: Node) -> tuple[str, ...]:
    return node.name, node.note, node.url or "", node.placeholder or ""


def _with_texts(node: Node, texts: Iterator[str]) -> Node:
    name, note, url, placeholder = (next(texts) for _ in range(4))
    return replace(
        node,
        name=name,
        note=note,
        url=url if node.url is not None else None,
        placeholder=placeholder if node.placeholder is not None else None,
        children=tuple(_with_texts(child, texts) for child in node.children),
    )


class _Draft:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.url: str | None = None
        self.placeholder: str | None = None
        self.children: list[_Draft] = []

    def freeze(self) -> Node:
        node = self.node
        return Node(
            node.role, node.name, node.states, node.ref, node.pointer, self.url, self.placeholder,
            tuple(child.freeze() for child in self.children),
        )  # fmt: skip


_KEY = re.compile(r'([A-Za-z][\w-]*)(?: ("(?:[^"\\]|\\.)*"))?((?: \[[\w-]+(?:=[^\]]*)?\])*)')
_ATTRIBUTE = re.compile(r" \[([\w-]+(?:=[^\]]*)?)\]")
_YAML_HEX = re.compile(r"\\(?:x([0-9a-fA-F]{2})|.)", re.DOTALL)
_PROPERTY = re.compile(r"/(url|placeholder): ?(.*)", re.DOTALL)


def _read_line(body: str, parent: _Draft) -> _Draft | None:
    """Return the element of a line, or None if the line only adds a property to its parent."""
    if found := _PROPERTY.fullmatch(body):
        setattr(parent, found[1], _scalar(found[2]))
        return None
    key, value = _split(body)
    match = _KEY.fullmatch(key)
    if match is None or (match[1] == "text" and value is None):
        return _Draft(Node("text", body))
    role, name, attributes = match.groups()
    if role == "text":
        return _Draft(Node("text", _scalar(value or "")))
    states, ref, pointer = [], "", False
    for attribute in _ATTRIBUTE.findall(attributes):
        if attribute.startswith("ref="):
            ref = attribute[4:]
        elif attribute == "cursor=pointer":
            pointer = True
        elif not attribute.startswith("box="):
            states.append(attribute)
    draft = _Draft(Node(role, _unquote(name) if name else "", tuple(states), ref, pointer))
    if value:
        draft.children.append(_Draft(Node("text", _scalar(value))))
    return draft


def _split(body: str) -> tuple[str, str | None]:
    """Return key and value of a YAML mapping entry; the value is None if there is no colon."""
    if body.startswith("'"):
        match = re.match(r"'((?:[^']|'')*)'", body)
        if match is None:
            return body, None
        key, rest = match[1].replace("''", "'"), body[match.end() :]
    else:
        match = _KEY.match(body)
        if match is None:
            return body, None
        key, rest = match[0], body[match.end() :]
    if not rest:
        return key, None
    if not rest.startswith(":"):
        return body, None
    return key, rest[1:].removeprefix(" ")


def _scalar(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _unquote(_YAML_HEX.sub(lambda found: f"\\u00{found[1]}" if found[1] else found[0], value))
    return value


def _unquote(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]
