"""Accessible names, as Playwright computes them for `get_by_role`, but for what style sheets add."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sandbox.web.hidden import SILENT, first_summary, is_hidden_from_roles
from sandbox.web.inner_text import BLOCKS
from sandbox.web.labels import labels_of, referred
from sandbox.web.roles import NAMELESS, PRESENTATION, input_type, role_of
from sandbox.web.trees import Node, Tree, attribute, children, elements_in, text_of
from sandbox.web.words import words

_FROM_CONTENT = words(
    "button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio option "
    "radio row rowheader switch tab tooltip treeitem"
)
_FROM_CONTENT_WITHIN = words(
    "caption code contentinfo definition deletion emphasis insertion list listitem mark none paragraph "
    "presentation region row rowgroup section strong subscript superscript table term time"
) | {""}
_RANGES = words("progressbar scrollbar slider spinbutton meter")
_PLACEHOLDERS = words("text password number search tel email url")
_APART = BLOCKS | words("button input select textarea meter progress td th tr thead tbody tfoot marquee rt")
_LINE_ENDS = re.compile(r"[\r\n]+")  # which fields of one line drop
_SPACES = re.compile(r"\s+")
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_DEEPEST = 25  # levels of nested elements whose parts are weighed; what is below counts with all its text
_LONGEST = 100_000


@dataclass(frozen=True)
class _Way:
    """The way by which a name's computation came to an element."""

    target: str = "self"  # "self", "descendant", or "" within a label
    labelled: bool = False
    label: bool = False
    native: bool = False  # a caption, a legend
    reference_hidden: bool = False
    level: int = 0

    def inner(self) -> _Way:
        return replace(self, target="descendant" if self.target == "self" else self.target, level=self.level + 1)


def name_of(tree: Tree, node: Node) -> str:
    """Return an element's accessible name, empty if it has none."""
    return tree.fact("name", node, lambda each: _name(tree, each))


def _name(tree: Tree, node: Node) -> str:
    if (role_of(tree, node) or "") in NAMELESS:
        return ""
    return _flat(_Naming(tree).text(node, _Way()))


def _flat(text: str) -> str:
    plain = text[:_LONGEST].replace("\u200b", "").replace("\u00ad", "")
    return "\xa0".join(_SPACES.sub(" ", part) for part in plain.split("\xa0")).strip()


class _Naming:
    """One computation of a name; no element counts twice."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._seen: set[int] = set()
        self._length = 0

    def text(self, node: Node, way: _Way) -> str:
        key = node.mem_id
        if key in self._seen or self._length > _LONGEST:
            return ""
        if node.tag in SILENT or (not way.reference_hidden and is_hidden_from_roles(self._tree, node)):
            self._seen.add(key)
            return ""
        labelling = referred(self._tree, attribute(node, "aria-labelledby"))
        if labelling and not way.labelled:
            found = " ".join(self._from_reference(each) for each in labelling)
            if found.strip():
                return found
        role = role_of(self._tree, node) or ""
        if way.label or way.labelled or way.target == "descendant":
            own = key in [each.mem_id for each in [*labelling, *labels_of(self._tree, node)]]
            value = None if own else self._value(node, role, way)
            if value is not None:
                self._seen.add(key)
                return value
        said = attribute(node, "aria-label") or ""
        if said.strip():
            self._seen.add(key)
            return said
        if role not in PRESENTATION:
            native = self._native(node, way, labelled=bool(labelling))
            if native is not None:
                return native
        if self._is_named_by_content(node, role, way):
            self._seen.add(key)
            content = self._content(node, way.inner())
            if content.strip() if way.target == "self" else content:
                return content
        self._seen.add(key)
        title = attribute(node, "title") or ""
        return title if title.strip() and (role not in PRESENTATION or node.tag in ("iframe", "frame")) else ""

    def _is_named_by_content(self, node: Node, role: str, way: _Way) -> bool:
        return (
            role in _FROM_CONTENT
            or (way.target == "descendant" and role in _FROM_CONTENT_WITHIN)
            or (node.tag == "summary" and role not in PRESENTATION)
            or way.labelled
            or way.label
            or way.native
        )

    def _from_reference(self, node: Node) -> str:
        hidden = is_hidden_from_roles(self._tree, node)
        return self.text(node, _Way(target="", labelled=True, reference_hidden=hidden))

    def _value(self, node: Node, role: str, way: _Way) -> str | None:
        """Return the value of a control that stands within a label or a name; None for no control."""
        tag = node.tag
        if role in ("textbox", "searchbox"):
            return value_of(node) if tag in ("input", "textarea") else text_of(node)
        if role in ("combobox", "listbox"):
            if tag == "input":
                return value_of(node)
            chosen = selected(node) if tag == "select" else self._chosen(node, role)
            return " ".join(self.text(option, way.inner()) for option in chosen)
        if role in _RANGES:
            said = [attribute(node, name) for name in ("aria-valuetext", "aria-valuenow", "value")]
            return next((each for each in said if each is not None), "")
        return "" if role == "menu" else None

    def _chosen(self, node: Node, role: str) -> list[Node]:
        box: Node | None = node
        if role == "combobox":
            inside = [each for each in self._tree.select(node, "[role]") if role_of(self._tree, each) == "listbox"]
            owned = referred(self._tree, attribute(node, "aria-owns"))
            box = next(iter([*inside, *[each for each in owned if role_of(self._tree, each) == "listbox"]]), None)
        if box is None:
            return []
        found = self._tree.select(box, '[aria-selected="true" i]')
        return [each for each in found if role_of(self._tree, each) == "option"]

    def _from_labels(self, labels: list[Node]) -> str:
        found = [
            self.text(each, _Way(target="", label=True, reference_hidden=is_hidden_from_roles(self._tree, each)))
            for each in labels
        ]
        return " ".join(each for each in found if each)

    def _native(self, node: Node, way: _Way, *, labelled: bool) -> str | None:
        """Return the name that HTML gives an element of its kind; None where it gives none."""
        tag, key = node.tag, node.mem_id
        title = attribute(node, "title") or ""
        labels = labels_of(self._tree, node)
        kind = input_type(node) if tag == "input" else ""
        if kind in ("button", "submit", "reset"):
            value = attribute(node, "value") or ""
            named = {"submit": "Submit", "reset": "Reset"}.get(kind, title)
            found: str | None = value if value.strip() else named
        elif kind in ("file", "image"):
            if labels and not way.labelled:
                found = self._marked(node, labels)
            elif kind == "file":
                found = "Choose File"
            else:
                found = next((each for each in (attribute(node, "alt") or "", title) if each.strip()), "Submit")
        elif not labelled and tag in ("button", "output", "input", "select", "textarea", "meter", "progress"):
            if tag == "button" and not labels:
                return None
            found = self._marked(node, labels) if labels else title or self._placeholder(node, kind)
        elif not labelled and tag in ("fieldset", "figure"):
            found = self._part(node, "legend" if tag == "fieldset" else "figcaption", way)
            found = title if found is None else found
        elif tag in ("img", "area"):
            alt = attribute(node, "alt") or ""
            found = alt if alt.strip() else title
        elif tag == "table":
            found = self._part(node, "caption", way)
            found = found if found is not None else attribute(node, "summary") or None
        elif key in self._tree.once("svg", _drawn):
            found = self._svg(node, way)
        else:
            return None
        if found is not None:
            self._seen.add(key)
        return found

    def _marked(self, node: Node, labels: list[Node]) -> str:
        self._seen.add(node.mem_id)
        return self._from_labels(labels)

    def _placeholder(self, node: Node, kind: str) -> str:
        return attribute(node, "placeholder") or "" if kind in _PLACEHOLDERS or node.tag == "textarea" else ""

    def _part(self, node: Node, tag: str, way: _Way) -> str | None:
        part = next((child for child in elements_in(node) if child.tag == tag), None)
        if part is None:
            return None
        self._seen.add(node.mem_id)
        hidden = is_hidden_from_roles(self._tree, part)
        return self.text(part, replace(way.inner(), native=True, reference_hidden=way.reference_hidden or hidden))

    def _svg(self, node: Node, way: _Way) -> str | None:
        self._seen.add(node.mem_id)
        title = next((child for child in elements_in(node) if child.tag == "title"), None)
        if title is not None:
            return self.text(title, replace(way.inner(), labelled=True, reference_hidden=True))
        if node.tag == "a" and (said := attribute(node, "xlink:title") or "").strip():
            return said
        return None

    def _content(self, node: Node, way: _Way) -> str:
        if way.level > _DEEPEST:
            return text_of(node)[:_LONGEST]
        parts: list[str] = []
        closed = node.tag == "details" and "open" not in node.attrs and not way.reference_hidden
        inside = [*children(node), *referred(self._tree, attribute(node, "aria-owns"))]
        for child in inside:
            if child.is_element_node:
                if closed and child != first_summary(node):
                    continue
                part = self.text(child, way)
                parts.append(part if _is_inline(child) else f" {part} ")
            elif child.is_text_node and not closed:
                parts.append(child.text_content or "")
            self._length += len(parts[-1]) if parts else 0
            if self._length > _LONGEST:
                break
        return "".join(parts)


def _is_inline(node: Node) -> bool:
    """Return True for an element that stands in a line of text; not for a line break."""
    style = attribute(node, "style")
    display = _DISPLAY.search(style) if style else None
    inline = display[1].lower() == "inline" if display is not None else node.tag not in _APART
    return inline and node.tag != "br"


def _drawn(tree: Tree) -> set[int]:
    """Return all elements of pictures."""
    return {each.mem_id for each in tree.root.css("svg,svg *")}


def value_of(node: Node) -> str:
    """Return the value that a text field shows."""
    if node.tag == "textarea":
        return text_of(node)
    value = attribute(node, "value") or ""
    return value if node.tag != "input" or input_type(node) == "hidden" else _LINE_ENDS.sub("", value)


def selected(select: Node) -> list[Node]:
    """Return the options that a ``select`` has chosen as the page came."""
    options = select.css("option")
    chosen = [each for each in options if "selected" in each.attrs]
    if "multiple" in select.attrs:
        return chosen
    if chosen:
        return chosen[-1:]
    size = attribute(select, "size") or ""
    if size.isdecimal() and size.strip("0") not in ("", "1"):
        return []
    free = [each for each in options if "disabled" not in each.attrs and not _in_disabled_group(each)]
    return (free or options)[:1]


def _in_disabled_group(option: Node) -> bool:
    parent = option.parent
    return parent is not None and parent.tag == "optgroup" and "disabled" in parent.attrs
