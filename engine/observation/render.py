"""Rendering of a simplified tree as text: folded to a size, or unfolded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.observation.aria import ENTRY_ROLES, Node
from engine.observation.folding import Folded, Shapes, plan, says_next, says_total
from engine.observation.labels import FOLD, LabelStyle, quote

LINE = 200
_BIG = frozenset(
    {"main", "navigation", "banner", "contentinfo", "complementary", "form", "search", "region", "dialog"}
    | {"alertdialog", "iframe", "table"}
)
_OWN_LINE = frozenset(["heading", "row", "listitem", "article", "paragraph", "list"])
_ASIDE = frozenset(["navigation", "banner", "contentinfo", "complementary"])
_PLURALS = {"textbox": "textboxes", "searchbox": "searchboxes", "checkbox": "checkboxes", "combobox": "comboboxes",
            "text": "texts", "switch": "switches"}  # fmt: skip


@dataclass
class Block:
    """One element as text, with the blocks of its children."""

    head: str
    node: Node
    within: str
    children: list[Block] = field(default_factory=list)
    bullet: bool = False
    is_fold: bool = False
    closed: bool = False

    def lines(self) -> list[str]:
        """Return the text, on one line if it fits."""
        if self.closed or not self.children:
            return [self.head] if self.head else []
        if (line := self.inline()) is not None and len(line) <= LINE:
            return [f"- {line}" if self.node.role == "listitem" and not self.head else line]
        below = [line for child in self.children for line in child.lines()]
        if self.head:
            return [f"{self.head}:", *(f" {line}" for line in below)]
        if self.bullet:
            mark = "- " if self.node.role == "listitem" else "* "  # an item of a list, or one of several like it
            return [f"{mark if index == 0 else '  '}{line}" for index, line in enumerate(below)]
        return below

    def inline(self) -> str | None:
        """Return the element on one line, or None if it needs several."""
        if self.closed or not self.children:
            return self.head or ("-" if self.node.role in ("cell", "gridcell", "columnheader", "rowheader") else "")
        if self.node.role in _BIG or any(
            child.is_fold or child.bullet or child.node.role in _OWN_LINE for child in self.children
        ):
            return None
        parts = []
        for child in self.children:
            part = child.inline()
            if part is None:
                return None
            parts.append(part)
        line = (" | " if self.node.role == "row" else " ").join(part for part in parts if part)
        return f"{self.head}: {line}" if self.head else line

    def size(self) -> int:
        return sum(len(line) + 1 for line in self.lines())


class Renderer:
    """Renderer of a simplified tree as text.

    Args:
        style: Lengths of texts, names and URLs.
        tight: 0 to 3; the higher, the more is folded. None folds nothing.
    """

    def __init__(self, style: LabelStyle, tight: int | None = 0) -> None:
        self._style = style
        self._tight = tight
        self._shapes = Shapes()

    def blocks(self, parent: Node, within: str) -> list[Block]:
        """Return the blocks of an element's children.

        Args:
            within: The ref that unfolds them.
        """
        within = parent.ref or within
        if self._tight is None:
            return [block for child in parent.children for block in self._render(child, within, item=_is_item(child))]
        planned = plan(parent.children, self._shapes, self._tight)
        folded = any(isinstance(entry, Folded) for entry in planned)
        blocks: list[Block] = []
        seen: set[int] = set()
        for entry in planned:
            if isinstance(entry, Folded):
                blocks.append(self._fold(entry, within))
                continue
            shape = self._shapes.exact(entry)
            first = folded and shape not in seen
            seen.add(shape)
            blocks += self._render(entry, within, item=folded or _is_item(entry), anchor=first)
        return blocks

    def fold_nodes(self, nodes: Sequence[Node], within: str) -> list[Block]:
        """Return the blocks of some neighbors, folded among themselves."""
        return self.blocks(Node("generic", children=tuple(nodes)), within)

    def _render(self, node: Node, within: str, *, item: bool, anchor: bool = False) -> list[Block]:
        if options := _plain_options(node):
            return [Block(self._choice(node, options), node, within)]
        anchor = anchor and node.role in ("row", "listitem", "article", "generic") and bool(node.children)
        head = self._style.label(node, ref=anchor and bool(node.role != "generic" or node.name))
        if node.role in ("textbox", "searchbox", "spinbutton", "slider") and len(node.children) == 1:
            value = node.children[0]
            if value.role == "text":
                return [Block(f"{head} = {quote(value.name, self._style.text)}", node, within)]
        children = self.blocks(node, within)
        if node.role in ("list", "rowgroup") and not node.name and not node.pointer and not node.note:
            return children
        if not head and not item:
            return [Block("", node, within, children)]
        bullet = item and not head
        return [Block(head, node, node.ref or within, children, bullet=bullet and bool(children))]

    def _choice(self, node: Node, options: list[Node]) -> str:
        chosen = [option.name for option in options if "selected" in option.states]
        head = self._style.label(node)
        if chosen:
            head += " = " + ", ".join(quote(name, 60) for name in chosen[:5])
        if self._tight is None:
            return f"{head} options: " + ", ".join(quote(option.name, 100) for option in options)
        most = (10, 6, 4, 3)[self._tight]
        shown = options if len(options) <= most + 2 else options[:most]
        text = f"{head} options: " + ", ".join(quote(option.name, 40) for option in shown)
        if len(shown) < len(options):
            text += f", {FOLD} {len(options) - len(shown)} more in {node.ref or within_name(node)}"
        return text

    def _fold(self, folded: Folded, within: str) -> Block:
        refs = [node.ref for top in folded.nodes for node in top.walk() if node.ref]
        span = f" ({refs[0]}-{refs[-1]})" if refs else ""
        head = f"{FOLD} {len(folded.nodes)} more like these in {within}{span}"
        names = self._names(folded.nodes)
        if names:
            head += ": " + names
        elif folded.differing:
            differing = [ref for node in folded.differing if (ref := _first_ref(node))]
            counted = f"{len(folded.differing)} differ"
            head += f"; {counted}: {' '.join(differing[:4])}{' …' if len(differing) > 4 else ''}"
        return Block(head, folded.nodes[0], within, is_fold=True)

    def _names(self, nodes: Sequence[Node]) -> str:
        """Return the names of folded items that consist of little else, as far as there is room."""
        room = (240, 160, 80, 0)[self._tight or 0]
        names: list[str] = []
        for node in nodes:
            named = [below for below in node.walk() if below.name]
            if len(named) != 1 or len(named[0].name) > 32:
                return ""
            name = quote(named[0].name, 32)
            room -= len(name) + 2
            if room < 0:
                break
            names.append(name)
        return ", ".join(names) + (" …" if names and len(names) < len(nodes) else "")


def within_name(node: Node) -> str:
    return node.ref or "page"


def _first_ref(node: Node) -> str:
    return next((below.ref for below in node.walk() if below.ref), "")


def _is_item(node: Node) -> bool:
    return node.role in ("listitem", "row", "article", "option")


def _plain_options(node: Node) -> list[Node]:
    """Return the options of a native select element, which have no refs."""
    if node.role not in ("combobox", "listbox"):
        return []
    below = [inner for child in node.children for inner in child.walk()]
    if any(inner.ref or inner.role not in ("option", "group", "text") for inner in below):
        return []
    return [inner for inner in below if inner.role == "option"]


def folded_look(root: Node, style: LabelStyle, goal: int, cap: int) -> str:
    """Return the page folded: loosely if that is within ``goal`` characters, else as tightly as needed for ``cap``.

    If that is not enough, parts are closed: the largest first, those with forms, totals and "next" controls last.
    """
    blocks: list[Block] = []
    for tight in range(4):
        short = replace(style, text=(160, 120, 90, 60)[tight], name=(120, 100, 80, 60)[tight],
                        url=(120, 100, 70, 50)[tight])  # fmt: skip
        blocks = Renderer(short, tight).blocks(root, "page")
        size = sum(block.size() for block in blocks)
        if size <= (goal if tight < 2 else cap):
            break
    _close_to_fit(blocks, cap)
    lines = [line for block in blocks for line in block.lines()]
    return "\n".join(lines)


def _close_to_fit(blocks: list[Block], cap: int) -> None:
    """Close blocks until all fit into ``cap`` characters."""
    excess = sum(block.size() for block in blocks) - cap
    for guarded in (True, False):
        while excess > 0:
            open_blocks = [b for b in _open_blocks(blocks) if b.children and not b.closed and b.size() > 150]
            candidates = [b for b in open_blocks if b.node.ref and not (guarded and _is_guarded(b.node))]
            if not candidates:
                break
            enough = [b for b in candidates if b.size() - 100 >= excess]
            asides = [b for b in candidates if b.node.role in _ASIDE]
            chosen = min(enough, key=Block.size) if enough else max(asides or candidates, key=Block.size)
            _close_block(chosen)
            excess = sum(block.size() for block in blocks) - cap


def _close_block(block: Block) -> None:
    head = block.head or block.node.role
    if f"[{block.node.ref}]" not in head:
        head += f" [{block.node.ref}]"
    block.head = f"{head}: {FOLD} {summary(block.node)}"
    block.closed = True


def _is_guarded(node: Node) -> bool:
    return any(n.role in ENTRY_ROLES or says_next(n) or says_total(n) for n in node.walk())


def _open_blocks(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if not block.closed:
            yield from _open_blocks(block.children)


def summary(node: Node) -> str:
    """Return counts of an element's content: ``34 links, 5 headings, 210 words``."""
    below = [inner for child in node.children for inner in child.walk()]
    roles = Counter(
        "clickable" if inner.role == "generic" else inner.role
        for inner in below
        if inner.is_control or inner.role in ("heading", "row", "listitem")
    )
    words = sum(len(inner.name.split()) for inner in below)
    counted = [
        f"{count} {_PLURALS.get(role, role + 's') if count > 1 else role}" for role, count in roles.most_common(5)
    ]
    return ", ".join([*counted, f"{words} words"])


def unfolded_lines(node: Node, style: LabelStyle) -> list[str]:
    """Return everything below an element, unfolded, as lines."""
    renderer = Renderer(style, tight=None)
    parent = Node("generic", ref=node.ref, children=(node,)) if node.role != "page" else node
    return [line for block in renderer.blocks(parent, node.ref) for line in block.lines()]
