"""The walk through a parsed page that makes its map."""

from __future__ import annotations

import re
import time

from sandbox.web.map_alike import Kind, kind_of, pattern_of
from sandbox.web.map_fields import add_field
from sandbox.web.map_labels import Labels, cells_of, may_be_secret, whole
from sandbox.web.map_lines import has_link, is_listing, lines_of
from sandbox.web.map_tags import LANDMARK_ROLES, Tag, tag_named
from sandbox.web.map_texts import short, start_of, unmarked
from sandbox.web.map_units import BESIDE, INLINE, Around, Box, MapUnits
from sandbox.web.page_styles import PageStyles
from sandbox.web.trees import Attributes, Node, Tree, attribute, children, lineage, tag_of, text_of

_SOFT_SECONDS, _HARD_SECONDS = 0.015, 0.04
_DEEPEST = 250
_MOST_ITEMS = 3_500
_SAMPLED_FROM = 24
_DIGIT = re.compile(r"\d")
_CURRENT = frozenset({"aria-selected", "aria-pressed", "aria-current", "aria-checked"})
_TELLING = _CURRENT | {
    "role",
    "class",
    "aria-label",
    "itemtype",
    "aria-sort",
    "aria-live",
    "aria-rowcount",
    "aria-setsize",
}
_IS_CURRENT = frozenset({"true", "page", "step", "location", "date", "time", "mixed"})
_CURRENT_CLASS = re.compile(r"(?:^|[\s_-])(?:active|selected|current)(?:$|[\s_-])", re.I)
_SAYING_CLASS = re.compile(
    r"(?:^|[\s_-])(?:empty|no-?(?:results?|data|items|matches)|nothing|alert|notice|message)(?:$|[\s_-])", re.I
)
_TRAIL = "breadcrumb"
_OLD_CLASS = re.compile(
    r"old|was|strike|struck|through|del|before|list|rrp|uvp|regular|origin|compare|discount|cross", re.I
)
_SOURCES = frozenset({"src", "srcset", "data-src", "data-srcset"})
_VALUED = frozenset({"data", "meter", "progress", "li", "option"})
_GROUPS = frozenset({"tablist", "listbox", "radiogroup", "toolbar", "menu"})
_SAYING_ROLES = frozenset({"status", "alert", "log"})
_NO_ROLE = frozenset({"", "presentation", "none"})
_CELL_ROLES = frozenset({"cell", "gridcell", "rowheader"})
_TABLE_CELLS = frozenset({"td", "th"})


class MapWalk(MapUnits):
    """The walk, and what it has found.

    Args:
        tree: The page.
        attributes: The attributes whose values are units, in the order in which they come.
        read: Those of them that the automation reads.
    """

    def __init__(self, tree: Tree, attributes: list[str], read: frozenset[str]) -> None:
        super().__init__()
        self.items: list[list[int]] = []
        self.boxes: list[Box] = []
        self.h1: list[str] = []
        self.crumbs: list[str] = []
        self.counts: list[int] = []
        self._attributes = {name: order for order, name in enumerate(attributes)}
        self._read = read
        self._tree = tree
        self._styles = PageStyles.of(tree)
        self._labels = Labels(tree)
        self._classes: dict[str, tuple[bool, bool, bool]] = {}
        self._steps = 0
        self._over = False
        self._began = time.thread_time()

    def start(self, node: Node) -> None:
        """Walk an element."""
        around = Around()
        self._walk(node, around, Box(), None, 0)
        self.flush(around)

    def _walk(self, node: Node, around: Around, box: Box, alike: Kind | None, depth: int) -> None:
        if self._over or depth > _DEEPEST:
            self.cut += 1
            return
        self._steps += 1
        if not self._steps & 63:
            passed = time.thread_time() - self._began
            self.tight, self._over = passed > _SOFT_SECONDS, passed > _HARD_SECONDS
        tag = tag_named(tag_of(node))
        if tag.skip:
            return
        if tag.name == "svg":
            self._draw(node, around)
            return
        known = node.attributes
        role, aria = (known.get("role") or "", known.get("aria-label") or "") if known else ("", "")
        block = tag.block or role not in _NO_ROLE
        mine = self._shown(node, tag, known, around)
        if tag.field:
            self.flush(around)
            add_field(self, self._tree, self._labels, node, known, mine.copy())
            return
        cells = cells_of(node) if tag.name == "tr" else []
        item = self._is_item(node, tag, role, cells, alike)
        if block:
            self.flush(around)
        before = self.heads if item or tag.scope else None
        mine = mine.copy() if mine is around else mine
        if item:
            self._begin_item(mine, around, box)
        self._find_place(node, tag, role, aria, around, mine, block)
        if cells:
            mine.labels = self._labels.of_row(node, cells)
        if known and not _TELLING.isdisjoint(known):
            self._note_state(node, tag, known, role, aria, mine)
        nodes = list(children(node))
        elements = [each for each in nodes if each.is_element_node]
        if mine.hidden and not around.hidden and not block:
            self.flush(around)
        struck = not around.struck and (tag.struck or self._is_lined(node, known, len(elements)))
        if struck or (block and around.struck == 1):
            mine.struck = 2 if block else 1
        if not block:
            self.buffer.append(INLINE + "\x01" if struck else INLINE)
        if not elements and len(nodes) == 1 and nodes[0].is_text_node:
            self._take_text(nodes[0].text_content or "", mine)
        elif is_listing(tag.name, elements):
            self._walk_lines(nodes, mine, depth)
        else:
            self._walk_inner(nodes, elements, mine, depth)
        if not block:
            self.buffer.append("\x02" + INLINE if struck else INLINE)
        if known:
            self._add_attributes(tag, known, mine, around, block)
        if block or (mine.hidden and not around.hidden):
            self._end(tag, known, role, mine)
        if before is not None:
            self.heads = before

    def _begin_item(self, mine: Around, around: Around, box: Box) -> None:
        if len(self.items) >= _MOST_ITEMS:
            return
        if box.id < 0:
            box.id = len(self.boxes)
            self.boxes.append(box)
        mine.heads = self.heads if around.item < 0 else around.heads
        mine.item = len(self.items)
        self.items.append([around.item, box.id, box.n])

    def _shown(self, node: Node, tag: Tag, known: Attributes, around: Around) -> Around:
        """Return what is around an element's content in so far as it hides it; the same object where it does not."""
        mine = around
        if around.folded or (not around.hidden and self._styles.hides(node, tag.name, known)):
            mine = around.copy()
            mine.hidden = around.hidden or not around.folded or tag.name != "summary"
            mine.folded = False
        if tag.name == "details" and "open" not in known:
            mine = mine.copy()
            mine.folded = True
        return mine

    def _end(self, tag: Tag, known: Attributes, role: str, mine: Around) -> None:
        """Take up the text of an element that ends, which may be a heading."""
        text = self.flush(mine)
        level = tag.level or (whole(known.get("aria-level") or "") or 2 if role == "heading" else 0)
        if level and text and not mine.hidden:
            self._add_heading(level, short(text, 120))

    def _walk_inner(self, nodes: list[Node], elements: list[Node], mine: Around, depth: int) -> None:
        count = len(elements)
        alike = pattern_of(elements) if count >= 2 else None
        keep = None
        if count > _SAMPLED_FROM:
            size = sum(1 for _ in elements[1].traverse()) - 1
            keep = self.sample(count, max(1, int(size * 0.8 + 0.5)))
        box = Box()
        if keep is None:
            for each in nodes:
                if each.is_element_node:
                    self._visit(each, mine, box, alike, depth)
                elif each.is_text_node:
                    self._take_text(each.text_content or "", mine)
            return
        others = 0  # such as a row of heads; the texts between many elements are left out, too
        for at in keep:
            had = len(self.items)
            box.n = at - others
            self._visit(elements[at], mine, box, alike, depth)
            others += len(self.items) == had
        box.n = count - others
        self.cut += count - len(keep)

    def _walk_lines(self, nodes: list[Node], mine: Around, depth: int) -> None:
        """Walk the lines of a listing, those with a link as items."""
        lines, box, rows = lines_of(nodes), Box(), 0
        kept = self.sample(len(lines), 2) if len(lines) > _SAMPLED_FROM else None
        walked = set(range(len(lines)) if kept is None else kept)
        self.cut += len(lines) - len(walked)
        for at, parts in enumerate(lines):
            linked = has_link(parts)
            if at in walked:
                line = mine.copy()
                if linked:
                    box.n = rows
                    self._begin_item(line, mine, box)
                for part in parts:
                    if isinstance(part, str):
                        self._take_text(part, mine)
                    else:
                        self._visit(part, line, Box(), None, depth)
                self.flush(line)
            rows += linked
        box.n = rows

    def _take_text(self, text: str, mine: Around) -> None:
        text = unmarked(text)
        self.buffer.append(f"\x01{text}\x02" if mine.struck == 2 and not text.isspace() else text)

    def _visit(self, node: Node, mine: Around, box: Box, alike: Kind | None, depth: int) -> None:
        if tag_of(node) == "br":
            self.buffer.append(" ")
            return
        had = len(self.items)
        self._walk(node, mine, box, alike, depth + 1)
        if len(self.items) > had and self.items[had][1] == box.id:
            box.n += 1

    def _is_item(self, node: Node, tag: Tag, role: str, cells: list[Node], alike: Kind | None) -> bool:
        if tag.name == "tr":
            above = node.parent
            inside = above is not None and tag_of(above) not in ("thead", "tfoot")
            return inside and any(tag_of(cell) == "td" for cell in cells)
        if role == "row":
            return node.css_first("[role=columnheader]") is None
        if tag.item or role in ("listitem", "article"):
            return True
        return alike is not None and tag.card and kind_of(node) == alike

    def _find_place(
        self, node: Node, tag: Tag, role: str, aria: str, around: Around, mine: Around, block: bool
    ) -> None:
        land = LANDMARK_ROLES.get(role) or tag.landmark
        if not land and aria and tag.name == "section":
            land = "region"
        if land and not (land == "header" and around.region) and (aria or land != "region"):
            mine.region = f"{land}: {short(aria, 60)}" if aria else land
        elif aria and block:
            mine.label = short(aria, 60)
        if tag.path:
            mine.path = around.path + tag.path
        if not (tag.placed or role):
            return
        if tag.name in _TABLE_CELLS:
            if (label := around.labels.get(node.mem_id)) is not None:
                mine.label = label
        elif tag.name == "table":
            caption = next((each for each in node.iter() if tag_of(each) == "caption"), None)
            mine.caption = start_of(caption, 80) if caption is not None else short(aria, 80)
        elif tag.name == "figure":
            caption = node.css_first("figcaption")
            mine.caption = start_of(caption, 80) if caption is not None else ""
        elif tag.name == "dd":
            mine.label = self._labels.of_definition(node)
        elif role in _CELL_ROLES:
            self._find_grid_place(node, role, aria, around, mine)
        if role == "row" or tag.name == "tr":
            mine.cells = [0]
            if role == "row":
                mine.path = around.path + ">row"

    def _find_grid_place(self, node: Node, role: str, aria: str, around: Around, mine: Around) -> None:
        row = next((each for each in lineage(node.parent) if attribute(each, "role") == "row"), None)
        position = whole(attribute(node, "aria-colindex") or "")
        if not position:
            around.cells[0] += 1
            position = around.cells[0]
        head = row.css_first("[role=rowheader]") if row is not None and role != "rowheader" else None
        parts = [self._labels.of_grid(node, position), start_of(head, 60) if head is not None else ""]
        mine.label = " / ".join(filter(None, parts)) or short(aria, 60)
        mine.path = around.path + ">cell"

    def _note_state(self, node: Node, tag: Tag, known: Attributes, role: str, aria: str, mine: Around) -> None:
        name = known.get("class") or ""
        current, saying, trail = self._told_by(name)
        if not _CURRENT.isdisjoint(known) and any(known.get(each) in _IS_CURRENT for each in _CURRENT):
            self.note("current", short(_group_name(node), 60), aria or start_of(node, 80))
        elif current and tag.current and len(text := text_of(node)) <= 80:
            self.note("current", "", short(text, 80))
        if not mine.trail and (trail or _TRAIL in aria.lower() or _TRAIL in (known.get("itemtype") or "").lower()):
            self._add_trail(node, mine)
        sorted_by = known.get("aria-sort")
        if sorted_by and sorted_by != "none":
            self.note("sort", start_of(node, 60), sorted_by)
        if saying or role in _SAYING_ROLES or known.get("aria-live") in ("polite", "assertive"):
            mine.said = True
        rows = whole(known.get("aria-rowcount") or "")
        if (rows or whole(known.get("aria-setsize") or "")) and len(self.counts) < 5:
            self.counts.append(rows - _head_rows(node) if rows else whole(known.get("aria-setsize") or ""))

    def _told_by(self, name: str) -> tuple[bool, bool, bool]:
        """Return True each where a class says that an element is the current one, says something, or is a trail."""
        if (told := self._classes.get(name)) is None:
            current, saying = _CURRENT_CLASS.search(name), _SAYING_CLASS.search(name)
            told = self._classes[name] = current is not None, saying is not None, _TRAIL in name.lower()
        return told

    def _is_lined(self, node: Node, known: Attributes, inner: int) -> bool:
        """Return True for an element whose style strikes through what may be an old price."""
        if not self._styles.lines(node, known):
            return False
        if not inner:
            return _DIGIT.search(text_of(node)) is not None
        return inner < 6 and _OLD_CLASS.search(known.get("class") or "") is not None

    def _add_heading(self, level: int, text: str) -> None:
        levels, texts = self.heads
        above = [at for at, each in enumerate(levels) if each < level]
        self.heads = (*(levels[at] for at in above), level), (*(texts[at] for at in above), text)
        if level == 1 and len(self.h1) < 5:
            self.h1.append(text)

    def _add_trail(self, node: Node, mine: Around) -> None:
        if len(self.crumbs) >= 2:
            return
        mine.trail = True
        inner = [each for each in node.traverse() if each.mem_id != node.mem_id][:60]
        parts = [start_of(each, 60) for each in inner if next(each.iter(), None) is None]
        parts = [part for part in parts if part]
        self.crumbs.append(short(" > ".join(parts) or text_of(node), 200))

    def _draw(self, node: Node, around: Around) -> None:
        if label := attribute(node, "aria-label"):
            self.push(around, short(label, 120), ">svg@aria-label")
        for number, each in enumerate(node.css("text, title")):
            if number >= 60:
                self.cut += 1
                break
            if said := start_of(each, 120):
                self.push(around, said, f">svg>{tag_of(each)}")

    def _add_attributes(self, tag: Tag, known: Attributes, mine: Around, around: Around, block: bool) -> None:
        names = [name for name in known if name in self._attributes]
        for name in sorted(names, key=self._attributes.__getitem__) if len(names) > 1 else names:
            value = known[name]
            if not value or len(value) > 4000:
                continue
            if name not in self._read:
                if name == "value" and tag.name not in _VALUED:
                    continue
                if name in _SOURCES and mine.item < 0:
                    continue
            if name == "href":
                if tag.name not in ("a", "area") or (mine.item < 0 and BESIDE.match(mine.region)):
                    continue
            elif name == "content":
                if tag.name != "meta" or may_be_secret(known.get("name") or ""):
                    continue
            elif name == "aria-label" and block and (around.label != mine.label or around.region != mine.region):
                continue  # told already
            self.push(mine, short(value, 240), "@" + name)


def _group_name(node: Node) -> str:
    for each in lineage(node):
        if tag_of(each) == "nav" or attribute(each, "role") in _GROUPS:
            return attribute(each, "aria-label") or ""
    return ""


def _head_rows(table: Node) -> int:
    """Return the number of rows of heads that a table counts among its rows."""
    rows = set()
    for head in table.css("[role=columnheader], thead th"):
        for each in lineage(head):
            if "aria-rowindex" in each.attributes:
                rows.add(each.mem_id)
                break
            if each.mem_id == table.mem_id:
                break
    return len(rows)
