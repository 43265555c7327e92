"""The roles of elements, by attribute or by tag, as Playwright's `get_by_role` takes them."""

from __future__ import annotations

import math
from collections.abc import Callable

from sandbox.web.trees import Node, Tree, attribute, children, elements_in, lineage, text_of
from sandbox.web.words import words

ROLES = words(
    "alert alertdialog application article banner blockquote button caption cell checkbox code columnheader "
    "combobox complementary contentinfo definition deletion dialog directory document emphasis feed figure "
    "form generic grid gridcell group heading img insertion link list listbox listitem log main mark marquee "
    "math meter menu menubar menuitem menuitemcheckbox menuitemradio navigation none note option paragraph "
    "presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox "
    "separator slider spinbutton status strong subscript superscript switch tab table tablist tabpanel term "
    "textbox time timer toolbar tooltip tree treegrid treeitem"
)
PRESENTATION = ("none", "presentation")
_BY_TAG = {
    "article": "article",
    "aside": "complementary",
    "blockquote": "blockquote",
    "button": "button",
    "caption": "caption",
    "code": "code",
    "datalist": "listbox",
    "dd": "definition",
    "del": "deletion",
    "details": "group",
    "dfn": "term",
    "dialog": "dialog",
    "dt": "term",
    "em": "emphasis",
    "fieldset": "group",
    "figure": "figure",
    "h1": "heading",
    "h2": "heading",
    "h3": "heading",
    "h4": "heading",
    "h5": "heading",
    "h6": "heading",
    "hr": "separator",
    "html": "document",
    "ins": "insertion",
    "li": "listitem",
    "main": "main",
    "mark": "mark",
    "math": "math",
    "menu": "list",
    "meter": "meter",
    "nav": "navigation",
    "ol": "list",
    "optgroup": "group",
    "option": "option",
    "output": "status",
    "p": "paragraph",
    "progress": "progressbar",
    "search": "search",
    "strong": "strong",
    "sub": "subscript",
    "sup": "superscript",
    "svg": "img",
    "table": "table",
    "tbody": "rowgroup",
    "textarea": "textbox",
    "tfoot": "rowgroup",
    "thead": "rowgroup",
    "time": "time",
    "tr": "row",
    "ul": "list",
}
_INPUTS = {
    "button": "button",
    "checkbox": "checkbox",
    "file": "button",
    "hidden": None,
    "image": "button",
    "number": "spinbutton",
    "radio": "radio",
    "range": "slider",
    "reset": "button",
    "submit": "button",
}
_TYPES = frozenset(
    {*_INPUTS, "text", "search", "tel", "url", "email", "password", "color"}
    | {"date", "datetime-local", "month", "time", "week"}
)
_LISTED = ("email", "search", "tel", "text", "url")
# Elements that a form's header or footer may stand in without being that of the page.
_SECTIONS = ("article", "aside", "main", "nav", "section")
_SECTION_ROLES = ("article", "complementary", "main", "navigation", "region")
_INHERITING = {
    "dd": ("dl", "div"),
    "div": ("dl",),
    "dt": ("dl", "div"),
    "li": ("ol", "ul"),
    "tbody": ("table",),
    "td": ("tr",),
    "tfoot": ("table",),
    "th": ("tr",),
    "thead": ("table",),
    "tr": ("thead", "tbody", "tfoot", "table"),
}
_GLOBAL = [
    "aria-atomic",
    "aria-busy",
    "aria-controls",
    "aria-current",
    "aria-describedby",
    "aria-details",
    "aria-dropeffect",
    "aria-flowto",
    "aria-grabbed",
    "aria-hidden",
    "aria-keyshortcuts",
    "aria-live",
    "aria-owns",
    "aria-relevant",
]
NAMELESS = words(
    "caption code definition deletion emphasis generic insertion mark paragraph presentation strong subscript "
    "suggestion superscript term time"
)
_UNNAMED_BY_ARIA = NAMELESS - {"definition", "mark", "suggestion", "term", "time"}
_FOCUSABLE = frozenset({"button", "details", "select", "textarea"})
_LEVELLED = frozenset({"heading", "listitem", "row", "treeitem"})


def role_of(tree: Tree, node: Node) -> str | None:
    """Return the role of an element; None if it has none."""
    return tree.fact("role", node, lambda each: _role(tree, each))


def candidates(role: str) -> str:
    """Return a CSS selector that finds all elements which may have a role, and few others."""
    tags = [tag for tag, each in _BY_TAG.items() if each == role] + _MORE_TAGS.get(role, [])
    return (
        ",".join([*tags, "[role]"])
        if role not in PRESENTATION
        else "[role],img,li,tr,td,th,dd,dt,tbody,thead,tfoot,div"
    )


_MORE_TAGS = {
    "banner": ["header"],
    "button": ["input"],
    "cell": ["td"],
    "checkbox": ["input"],
    "columnheader": ["th"],
    "combobox": ["select", "input"],
    "contentinfo": ["footer"],
    "form": ["form"],
    "gridcell": ["td"],
    "img": ["img"],
    "link": ["a[href]", "area[href]"],
    "listbox": ["select"],
    "radio": ["input"],
    "region": ["section"],
    "rowheader": ["th"],
    "searchbox": ["input"],
    "slider": ["input"],
    "spinbutton": ["input"],
    "textbox": ["input"],
}


def level_of(tree: Tree, node: Node) -> int:
    """Return the level of a heading or a row; 0 if it has none."""
    tag = node.tag or ""
    if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
        return int(tag[1])
    if role_of(tree, node) in _LEVELLED:
        said = _number(attribute(node, "aria-level"))
        if said is not None and said >= 1 and said == int(said):
            return int(said)
    return 0


def input_type(node: Node) -> str:
    """Return the type of an ``input``, ``text`` where it says none or an unknown one."""
    kind = (attribute(node, "type") or "").lower()
    return kind if kind in _TYPES else "text"


def explicit_role(node: Node) -> str | None:
    """Return the first valid role that an element's attribute says."""
    said = (attribute(node, "role") or "").lower()
    return next((role for role in said.split() if role in ROLES), None) if said else None


def _role(tree: Tree, node: Node) -> str | None:
    said = explicit_role(node)
    if said is None:
        return _implicit(tree, node)
    if said in PRESENTATION:
        implicit = _implicit(tree, node)
        if _keeps_role(node, implicit):
            return implicit
    return said


def _implicit(tree: Tree, node: Node) -> str | None:
    tag = node.tag or ""
    special = _SPECIAL.get(tag)
    role = special(tree, node) if special is not None else _BY_TAG.get(tag)
    if role is None:
        return None
    inner = node
    while (parent := inner.parent) is not None and parent.tag in _INHERITING.get(inner.tag or "", ()):
        said = explicit_role(parent)
        if said in PRESENTATION and not _keeps_role(parent, said):
            return said
        inner = parent
    return role


def _keeps_role(node: Node, role: str | None) -> bool:
    """Return True for an element whose role nobody can take away: it can be focused, or says something about itself."""
    attrs = node.attrs
    if any(name in attrs for name in _GLOBAL) or ("aria-roledescription" in attrs and role != "generic"):
        return True
    if role not in _UNNAMED_BY_ARIA and ("aria-label" in attrs or "aria-labelledby" in attrs):
        return True
    return _is_focusable(node)


def _is_focusable(node: Node) -> bool:
    tag, attrs = node.tag, node.attrs
    if tag in ("button", "input", "select", "textarea") and is_disabled(node):
        return False
    natively = (
        tag in _FOCUSABLE or (tag in ("a", "area") and "href" in attrs) or (tag == "input" and "hidden" not in attrs)
    )
    return natively or _has_tabindex(node)


def is_disabled(node: Node) -> bool:
    """Return True for a control that is disabled, by itself or by a ``fieldset`` outside of whose legend it is."""
    if "disabled" in node.attrs:
        return True
    inner = node
    for each in lineage(node.parent):
        if each.tag == "fieldset" and "disabled" in each.attrs:
            legend = next((child for child in elements_in(each) if child.tag == "legend"), None)
            if legend is None or legend != inner:
                return True
        inner = each
    return False


def _has_tabindex(node: Node) -> bool:
    return _number(attribute(node, "tabindex")) is not None


def _number(text: str | None) -> float | None:
    """Return a text as the number that scripts see in it; None if it is none."""
    if text is None:
        return None
    try:
        found = float(text) if text.strip() else 0.0
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _is_named(tree: Tree, node: Node, role: str) -> str | None:
    return role if "aria-label" in node.attrs or "aria-labelledby" in node.attrs else None


def _of_the_page(node: Node, role: str) -> str | None:
    for each in lineage(node.parent):
        said = attribute(each, "role")
        if said in _SECTION_ROLES or (said is None and each.tag in _SECTIONS):
            return None
    return role


def _image(tree: Tree, node: Node) -> str:
    decorative = attribute(node, "alt") == "" and not attribute(node, "title")
    aria = any(name in node.attrs for name in (*_GLOBAL, "aria-label", "aria-labelledby", "aria-roledescription"))
    return "presentation" if decorative and not aria and not _has_tabindex(node) else "img"


def _input(tree: Tree, node: Node) -> str | None:
    kind = input_type(node)
    if kind in _LISTED:
        listed = tree.by_id((attribute(node, "list") or "").strip()) if "list" in node.attrs else None
        if listed is not None and listed.tag == "datalist":
            return "combobox"
        return "searchbox" if kind == "search" else "textbox"
    return _INPUTS.get(kind, "textbox")


def _select(tree: Tree, node: Node) -> str:
    size = _number(attribute(node, "size")) or 0
    return "listbox" if "multiple" in node.attrs or size > 1 else "combobox"


def _cell(tree: Tree, node: Node) -> str:
    table = next((each for each in lineage(node) if each.tag == "table"), None)
    return "gridcell" if table is not None and explicit_role(table) in ("grid", "treegrid") else "cell"


def _header_cell(tree: Tree, node: Node) -> str | None:
    scope = attribute(node, "scope")
    if scope in ("col", "colgroup"):
        return "columnheader"
    if scope in ("row", "rowgroup"):
        return "rowheader"
    before, after = _beside(node, forward=False), _beside(node, forward=True)
    if before is None and after is None:
        row = node.parent
        table = next((each for each in lineage(row) if each.tag == "table"), None)
        if row is not None and row.tag == "tr" and table is not None and not _has_rows(table):
            return None
        return "columnheader"
    if before is not None and after is not None and before.tag == after.tag == "th":
        return "columnheader"
    return "rowheader" if _is_filled_cell(after) or _is_filled_cell(before) else "columnheader"


def _beside(node: Node, *, forward: bool) -> Node | None:
    """Return the element next to one."""
    other = node.next if forward else node.prev
    while other is not None and not other.is_element_node:
        other = other.next if forward else other.prev
    return other


def _is_filled_cell(node: Node | None) -> bool:
    return (
        node is not None
        and node.tag == "td"
        and (any(child.is_element_node for child in children(node)) or bool(text_of(node).strip()))
    )


def _has_rows(table: Node) -> bool:
    """Return True for a table of several rows."""
    count = 0
    for part in elements_in(table):
        rows = [part] if part.tag == "tr" else elements_in(part) if part.tag in ("tbody", "thead", "tfoot") else ()
        for row in rows:
            count += row.tag == "tr"
            if count > 1:
                return True
    return False


_SPECIAL: dict[str, Callable[[Tree, Node], str | None]] = {
    "a": lambda tree, node: "link" if "href" in node.attrs else None,
    "area": lambda tree, node: "link" if "href" in node.attrs else None,
    "footer": lambda tree, node: _of_the_page(node, "contentinfo"),
    "form": lambda tree, node: _is_named(tree, node, "form"),
    "header": lambda tree, node: _of_the_page(node, "banner"),
    "img": _image,
    "input": _input,
    "section": lambda tree, node: _is_named(tree, node, "region"),
    "select": _select,
    "td": _cell,
    "th": _header_cell,
}
