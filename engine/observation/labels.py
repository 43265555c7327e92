"""Labels of single elements: short, and so that page text cannot pass for the engine's.

Text between double quotes is the page's. Outside of them are only roles, states, refs in square brackets, and URLs
without spaces, quotes and brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.observation.aria import Node

FOLD = "⋯"
"""Begins every mark for something left out; replaced where page text contains it."""

FENCE = re.compile(r"<(?=\s*/?\s*page\b)", re.IGNORECASE)
"""A tag in page text that could open or close the fence around it."""

_INVISIBLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\U000e0000-\\U000e007f]+"
)
_ICON = re.compile("[\\ue000-\\uf8ff\\U000f0000-\\U0010fffd]+")
_REF = re.compile(r"\[((?:ref=)?(?:f\d+)?e\d+)\]")
_ABSOLUTE = re.compile(r"[/#?.]|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


def neutral(text: str) -> str:
    """Return page text on one line, without invisible characters and anything that reads like the engine's marks."""
    text = _ICON.sub("", _INVISIBLE.sub(" ", text))
    text = _REF.sub(r"(\1)", text.replace(FOLD, "..."))
    return _BLANKS.sub(" ", FENCE.sub("\u2039", text)).strip()


def quote(text: str, limit: int) -> str:
    """Return page text in double quotes, cut at ``limit`` characters.

    >>> quote('a "b" [e5]', 80)
    '"a \\\\"b\\\\" (e5)"'
    """
    text = neutral(text)
    over = len(text) - limit
    if over > 20:
        text = text[:limit]
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"{FOLD}+{over}' if over > 20 else f'"{text}"'


@dataclass(frozen=True)
class LabelStyle:
    """The lengths of an element's parts, and the choice of refs that are shown.

    Args:
        text: Most characters of a text.
        name: Most characters of a name.
        url: Most characters of a URL.
        origin: Origin that is left out of URLs.
        all_refs: Show refs of elements that nobody would click, too.
    """

    text: int = 160
    name: int = 120
    url: int = 120
    origin: str = ""
    all_refs: bool = False

    def label(self, node: Node, *, ref: bool = False) -> str:
        """Return the label without children, ``link "Home" [e4] /``; empty for a mere grouping."""
        if node.role == "text":
            return self._with_note(quote(node.name, self.text), node)
        words = [self._role(node)]
        if node.name:
            words.append(quote(node.name, self.name))
        if node.ref and (ref or self.shows_ref(node)):
            words.append(f"[{node.ref}]")
        words += [state.replace("=", " ") for state in node.states if _shown(state, node)]
        if node.url is not None and (url := self.address(node.url)):
            words.append(url)
        if node.placeholder:
            words.append(f"(placeholder {quote(node.placeholder, self.name)})")
        return self._with_note(" ".join(word for word in words if word), node)

    def shows_ref(self, node: Node) -> bool:
        """Return True if the element's ref is worth its characters."""
        if node.is_control or node.role in _ANCHORS or (node.role == "group" and node.name):
            return True  # a named group may be a <details>, which opens on a click
        return (
            self.all_refs
            and node.role != "paragraph"
            and (node.role != "generic" or bool(node.name))
            and node.role not in _CELLS
        )

    def address(self, url: str) -> str:
        """Return a link's URL, escaped so that it is one word; empty if it says nothing."""
        url = neutral(url)
        if url == "#" or url.lower().startswith("javascript:"):
            return ""
        if self.origin and url.startswith(self.origin + "/"):
            url = url[len(self.origin) :]
        for character, code in ((" ", "%20"), ('"', "%22"), ("[", "%5B"), ("]", "%5D")):
            url = url.replace(character, code)
        if not _ABSOLUTE.match(url):
            url = f"./{url}"  # a link to "checked" must not read like a state
        return url if len(url) <= self.url else f"{url[: self.url]}{FOLD}+{len(url) - self.url}"

    def _role(self, node: Node) -> str:
        if node.role == "heading":
            level = next((state[6:] for state in node.states if state.startswith("level=")), "")
            return f"h{level}"
        if node.role == "generic":
            return "click" if node.pointer else ("group" if node.name else "")
        if node.role == "row" and node.children and all(cell.role == "columnheader" for cell in node.children):
            return "columns"
        if not node.pointer and (node.role in _CELLS or (node.role in _SILENT and not node.name)):
            return ""
        return node.role

    def _with_note(self, label: str, node: Node) -> str:
        return f"{label} ({quote(node.note, 300)})" if node.note else label


_ANCHORS = frozenset(
    {"table", "grid", "treegrid", "form", "search", "dialog", "alertdialog", "iframe", "main", "tabpanel", "listbox"}
    | {"tree", "menu", "region", "progressbar"}
)
_CELLS = frozenset(["cell", "gridcell", "columnheader", "rowheader"])
_SILENT = frozenset(["listitem", "paragraph", "row", "group", "term", "definition"])


def _shown(state: str, node: Node) -> bool:
    if state.startswith("level="):
        return False
    return state != "active" or node.is_control


def origin_of(url: str) -> str:
    """Return the origin of an address, like ``https://example.com:8080``; empty if it has none.

    >>> origin_of("https://example.com/a?b=1")
    'https://example.com'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
