"""The page as the model sees it.

Pages are long and repetitive, and every character is paid for again with each turn. So a look shows a few of many
equal elements, their number, and where they differ; a later look shows what changed. No control is lost: it is in the
look, below a ref that the look names, or found by searching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.observation.aria import ENTRY_ROLES, Node, parse, replace_texts
from engine.observation.diff import Change, Comparison
from engine.observation.folding import says_next, says_total
from engine.observation.labels import FOLD, LabelStyle, neutral, origin_of, quote
from engine.observation.render import Renderer, folded_look, summary, unfolded_lines
from engine.observation.search import Match, find
from engine.observation.simplify import annotate, simplify

if TYPE_CHECKING:
    from sandbox import PageSnapshot

GOAL = 2_500
"""Characters up to which a look is folded loosely: about 1,000 tokens."""

CAP = 6_000
"""Most characters of any text."""

_FULL = LabelStyle(text=1_000, name=400, url=1_000, all_refs=True)


@dataclass(frozen=True)
class _Page:
    url: str
    title: str
    tree: Node
    notes: tuple[str, ...]
    partial: tuple[str, ...] = ()


class Observer:
    """Snapshots as text for the model, with a memory of the last look.

    Page text is in double quotes, or in URLs without spaces and brackets; the caller fences all of it.

    Args:
        hide: Takes secrets out of the page's texts. Nothing else of a look may hold one: roles, refs and the words
            around them are the engine's own.
        goal: Characters up to which a look is folded loosely.
        cap: Most characters of any text.
    """

    def __init__(self, *, hide: Callable[[Sequence[str]], list[str]] = list, goal: int = GOAL, cap: int = CAP) -> None:
        self._hide = hide
        self._goal = goal
        self._cap = cap
        self._shown: _Page | None = None
        self._last: tuple[PageSnapshot, _Page] | None = None

    def first(self, snapshot: PageSnapshot) -> str:
        """Return the page, folded, in at most ``cap`` characters."""
        page = self._read(snapshot)
        self._shown = page
        top = [f"{_url(page.url)} {quote(page.title, 100)}", *page.notes]
        room = self._cap - sum(len(line) + 1 for line in top) - len(_LEGEND) - 1
        look = folded_look(page.tree, LabelStyle(origin=origin_of(page.url)), self._goal, room)
        if not look:
            look = "(the page shows nothing)"
        look = _cut_lines(look, room)
        return "\n".join([*top, look, *([_LEGEND] if FOLD in look else [])])

    def again(self, snapshot: PageSnapshot) -> str:
        """Return the changes since the last look, or the page if it is another or has mostly changed."""
        before, page = self._shown, self._read(snapshot)
        if before is None or _origin_and_path(before.url) != _origin_and_path(page.url):
            return self.first(snapshot)
        comparison = Comparison(before.tree, page.tree)
        lines = []
        if before.url != page.url:
            lines.append(f"Now at {_url(page.url)}")
        if before.title != page.title:
            lines.append(f"Title: {quote(page.title, 100)}")
        lines += [note for note in page.notes if note not in before.notes]
        if not comparison.changes:
            self._shown = page
            if renewed := comparison.controls_with_new_refs():
                lines.append(f"The same content, but {len(renewed)} controls have new refs:")
                lines += [f" {LabelStyle(origin=origin_of(page.url)).label(node)}" for node in renewed[:20]]
                if len(renewed) > 20:
                    lines.append(f" {FOLD} {len(renewed) - 20} more: find or unfold them")
            return "\n".join(lines) or "Nothing changed; unfold=page shows it whole."
        lines += _describe_changes(comparison.changes, LabelStyle(origin=origin_of(page.url)))
        text = "\n".join(lines)
        if len(text) > 400:
            full = self.first(snapshot)
            if comparison.share() > 0.5 or len(text) > 0.7 * len(full):
                return full
        self._shown = page
        return text

    def find(self, snapshot: PageSnapshot, query: str) -> str:
        """Return the parts of the page that match all words of the query, or a regular expression, and their places."""
        page = self._read(snapshot)
        found = find(page.tree, query)
        if not found.matches:
            return "\n".join([f"Nothing on this page matches {quote(query, 80)}.", *page.partial])
        count = len(found.matches)
        lines = [
            *page.partial,
            f"{count} match{'es' if count > 1 else ''}{'' if found.all_words else ' of some of the words only'}:",
        ]
        style = LabelStyle(origin=origin_of(page.url), all_refs=True)
        size, path = 0, ""
        for number, match in enumerate(found.matches):
            line, where = _describe_match(match, style)
            where = where if where != path else ""
            size += len(line) + len(where) + 3
            if number >= 40 or size > self._cap // 2:
                lines.append(f"{FOLD} {count - number} more: search for something narrower")
                break
            if where:
                path = where
                lines.append(f"in {where}:")
            lines.append(f" {line}")
        return "\n".join(lines)

    def unfold(self, snapshot: PageSnapshot, ref: str) -> str:
        """Return everything below an element, in parts of at most ``cap`` characters.

        Args:
            ref: A ref; ``page`` for all; ``e40-e220`` for the neighbors from one to the other; ``e3@120`` to continue
                at line 120.
        """
        page = self._read(snapshot)
        target, _, start = ref.strip().strip("[]").partition("@")
        node = _target(page.tree, target) or _target(self._tree(snapshot, simple=False), target)
        if node is None:
            return f"There is no {quote(target, 40)} on this page now: refs change with the page. Look or find again."
        lines = unfolded_lines(node, _unlimited(page.url))
        first = int(start) if start.isdigit() else 0
        size, shown = 0, list[str]()
        for line in lines[first:]:
            size += len(line) + 1
            if shown and size > self._cap - 60:
                break
            shown.append(line)
        rest = len(lines) - first - len(shown)
        if rest > 0:
            shown.append(f"{FOLD} {rest} lines more: unfold {target}@{first + len(shown)}")
        return "\n".join(shown) or "(nothing below it)"

    def _read(self, snapshot: PageSnapshot) -> _Page:
        if self._last is None or self._last[0] is not snapshot:
            notes = [_PARTIAL.format(text) for key, text in snapshot.hints if key == "partial"]
            url, title, *others = self._hide([snapshot.url, snapshot.title, *_notes(snapshot.hints)])
            page = _Page(url, title, self._tree(snapshot), (*notes, *others), tuple(notes))
            self._last = (snapshot, page)
        return self._last[1]

    def _tree(self, snapshot: PageSnapshot, *, simple: bool = True) -> Node:
        tree = annotate(parse(snapshot.aria), snapshot.hints)
        return replace_texts(simplify(tree) if simple else tree, self._hide)


_PARTIAL = "(not all of the page is looked at; left out: {}. find and unfold know the rest only; python reads all.)"
_SHADOW = "closed shadow root, which locators reach after `await task.open_shadow_roots()`"
_LEGEND = f"({FOLD} stands for what is left out: unfold=<ref> shows it, find=<words> searches all)"


def _unlimited(url: str) -> LabelStyle:
    return LabelStyle(_FULL.text, _FULL.name, _FULL.url, origin_of(url), all_refs=True)


def _notes(hints: Iterable[tuple[str, str]]) -> list[str]:
    """Return lines for hints that belong to no single element."""
    words = {"form": "form", "next": "rel=next", "editable": "editable", "hidden": "hidden", "scrolls": "scrolls"}
    words |= {"notice": "meanwhile", "spans": "cells that span others", "caption": "caption that is not shown"}
    words |= {"fields": "fields without a label", "frame": "frame", "slots": "slots", "shadow": _SHADOW}
    words |= {"joined": "texts that run together, at |", "select": "select that acts on a choice"}
    notes = [f"{words[key]}: {quote(text, 400)}" for key, text in hints if key in words]
    return list(dict.fromkeys(notes))[:12]


def _url(url: str) -> str:
    return neutral(url).replace(" ", "%20")[:500]


def _origin_and_path(url: str) -> tuple[str, str]:
    try:
        return origin_of(url), urlsplit(url).path
    except ValueError:
        return url, ""


def _cut_lines(look: str, room: int) -> str:
    """Cut lines of a page that no folding brings to size, except those with a total or a "next" control."""
    if len(look) <= room:
        return look
    kept: list[str] = []
    size = cut = 0
    for line in look.split("\n"):
        fits = size + len(line) < room - 600 or (
            len(line) < 100 and size < room - 150 and cut < 2_000 and _must_stay(line)
        )
        if fits and (not cut or _must_stay(line)):
            kept.append(line)
            size += len(line) + 1
        else:
            cut += 1
    return "\n".join([*kept, f"{FOLD} {cut} lines cut: unfold page"])


def _must_stay(line: str) -> bool:
    name = line.split('"')[1] if line.count('"') > 1 else ""
    return says_total(Node("text", name)) or says_next(Node("link", name))


def _describe_changes(changes: Sequence[Change], style: LabelStyle) -> list[str]:
    lines: list[str] = []
    place = ""
    for change in changes:
        where = _path(change.path, style)
        if where != place:
            place = where
            lines.append(f"in {where}:" if where else "on the page:")
        within = next((node.ref for node in reversed(change.path) if node.ref), "page")
        if change.kind == "removed":
            lines.append(f" - {_brief(change.nodes, style)}")
            continue
        blocks = Renderer(style, tight=1).fold_nodes(change.nodes, within)
        mark = "+" if change.kind == "added" else "~"
        shown = [line for block in blocks for line in block.lines()]
        if change.was is not None:
            shown[-1:] = [f"{shown[-1] if shown else ''} (was {_former(change.was, change.nodes[0], style)})"]
        lines += [f" {mark if index == 0 else ' '} {line}" for index, line in enumerate(shown)]
    return lines


def _former(was: Node, now: Node, style: LabelStyle) -> str:
    """Return what an element was: of a field, what stood in it."""
    if was.role not in ENTRY_ROLES or was.role != now.role or was.name != now.name:
        return _brief((was,), style)
    value = " ".join(child.name for child in was.children)
    return quote(value, style.text) if value else "empty"


def _brief(nodes: Sequence[Node], style: LabelStyle) -> str:
    """Return a few words for removed or replaced nodes."""
    node = nodes[0]
    lines = [
        line
        for block in Renderer(style, tight=3).blocks(Node("generic", children=(node,)), "page")
        for line in block.lines()
    ]
    text = lines[0] if len(lines) == 1 and len(lines[0]) < 120 else f"{style.label(node) or node.role}: {summary(node)}"
    return text if len(nodes) == 1 else f"{text} {FOLD} and {len(nodes) - 1} more"


def _path(path: Sequence[Node], style: LabelStyle) -> str:
    """Return the surrounding elements that show the place of a node."""
    landmarks = [node for node in path if node.role not in ("page", "generic", "list", "rowgroup", "text", "paragraph")]
    return " > ".join(_path_part(node, style) for node in landmarks[-3:])


def _path_part(node: Node, style: LabelStyle) -> str:
    name = quote(node.name, 40) if node.name else ""
    if not name and node.role in ("row", "listitem", "article"):
        text = " ".join(below.name for below in node.walk() if below.name)
        name = quote(text, 60) if text else ""
    return " ".join(part for part in (node.role, name, f"[{node.ref}]" if node.ref else "") if part)


def _describe_match(match: Match, style: LabelStyle) -> tuple[str, str]:
    lines = [line for block in Renderer(style, tight=2).blocks(Node("generic", children=(match.node,)), "page")
             for line in block.lines()]  # fmt: skip
    line = lines[0] if len(lines) == 1 else f"{_path_part(match.node, style)}: {summary(match.node)}"
    if match.node.ref and f"[{match.node.ref}]" not in line:
        line += f" [{match.node.ref}]"
    return line, _path(match.path, style)


def _target(root: Node, target: str) -> Node | None:
    """Return the element of a ref, the unfolded_lines page, or the neighbors of a range."""
    if target == "page":
        return root
    first, dash, last = target.replace("\u2013", "-").partition("-")
    path = _locate(root, first)
    if not dash or path is None:
        return path[-1] if path else None
    other = _locate(root, last)
    if other is None:
        return path[-1]
    depth = next((i for i, (a, b) in enumerate(zip(path, other, strict=False)) if a is not b), None)
    if depth is None or depth == 0:
        return path[0] if depth == 0 else min(path, other, key=len)[-1]
    parent = path[depth - 1]
    places = [index for index, child in enumerate(parent.children) if child is path[depth] or child is other[depth]]
    return Node("page", children=parent.children[places[0] : places[1] + 1])


def _locate(root: Node, ref: str) -> list[Node] | None:
    """Return the path from the root to a ref."""
    stack: list[list[Node]] = [[root]]
    while stack:
        path = stack.pop()
        if path[-1].ref == ref:
            return path
        stack.extend([*path, child] for child in reversed(path[-1].children))
    return None
