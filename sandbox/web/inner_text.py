"""The text of an element as a browser's ``innerText`` gives it, as far as HTML without style sheets tells."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from sandbox.web.hidden import first_summary, is_absent, takes_no_room, visibility
from sandbox.web.trees import Node, children, tag_of, text_of
from sandbox.web.words import words

BLOCKS = words(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li legend listing main menu nav ol p plaintext pre "
    "search section summary table caption ul xmp optgroup option"
)
_APART = frozenset({"p"})  # an empty line before and after
_UNREAD = words("textarea input select iframe object video audio canvas svg math img progress meter")
_TABLE_PARTS = ("thead", "tbody", "tfoot")
_KEPT = words("pre listing xmp plaintext textarea")
_NO_TEXT = frozenset({"input", "textarea", "br"})
_NOT_PLAIN = _KEPT | {"details"}  # the text of one that is closed is not shown
_PRE_STYLE = re.compile(r"white-space\s*:\s*(pre|pre-wrap|break-spaces)\b", re.IGNORECASE)
_DISPLAY = re.compile(
    r"(?:^|;)\s*display\s*:\s*(block|inline-block|inline|flex|grid|flow-root|list-item)\b", re.IGNORECASE
)
_BLOCK_DISPLAYS = words("block flex grid flow-root list-item")
_SPACES = re.compile(r"[ \t\n\r\f]+")


def inner_text(node: Node, *, hides: Callable[[Node], bool] = is_absent, most: int = sys.maxsize) -> str:
    """Return an element's text: blocks on lines of their own, white space as single blanks, ``pre`` as it stands.

    Cells of a row are parted by tabs and paragraphs by empty lines; what is not shown is left out. An element that is
    itself not shown gives all its text, as in browsers.

    Args:
        node: The element.
        hides: Tells what is left out.
        most: Characters after which no more is read.
    """
    tag, known = tag_of(node), node.attributes
    if tag in _NO_TEXT:
        return ""
    if takes_no_room(tag, known):
        return text_of(node)
    only = _only_text(node)
    if only is not None and tag not in _NOT_PLAIN and not (known and known.get("style")):
        return _collapsed(only).strip(" ")[:most]  # as most cells and links have it
    writer = _Writer(hides, most)
    writer.read(node)
    return writer.text()[:most]


def _only_text(node: Node) -> str | None:
    """Return the text of an element that holds one text and nothing else."""
    only = node.first_child
    return (only.text_content or "") if only is not None and only.is_text_node and only.next is None else None


def _collapsed(text: str) -> str:
    """Return a text with single blanks for its white space; most texts are so already."""
    return text if text.isprintable() and "  " not in text else _SPACES.sub(" ", text)


class _Writer:
    """Collects texts and required line breaks, as the standard's algorithm for ``innerText`` has it."""

    def __init__(self, hides: Callable[[Node], bool], most: int) -> None:
        self._hides = hides
        self._room = most
        self._out: list[str] = []
        self._breaks = 0
        self._blank = False  # a collapsed blank is due
        self._at_start = True  # of a line

    def read(self, node: Node) -> None:
        # Entries: a node with its inherited (preserved, visible); or what is to be written where an element ends.
        stack: list[tuple[Node | None, bool, bool, int | str]] = []
        self._begin(node, stack, preserved=False, visible=True, outermost=True)
        while stack and self._room > 0:
            each, preserved, visible, ending = stack.pop()
            if each is None:
                self._end(ending)
            elif each.is_text_node:
                if visible:
                    self._write(each.text_content or "", preserved=preserved)
            elif each.is_element_node and not self._hides(each):
                self._begin(each, stack, preserved=preserved, visible=visible)

    def text(self) -> str:
        return "".join(self._out)

    def _begin(
        self,
        node: Node,
        stack: list[tuple[Node | None, bool, bool, int | str]],
        *,
        preserved: bool,
        visible: bool,
        outermost: bool = False,
    ) -> None:
        tag, known = tag_of(node), node.attributes
        style = (known.get("style") or "") if known else ""
        if style and (own := visibility(node)) is not None:
            visible = own
        if tag == "br":
            self._line_break()
            return
        if tag in _UNREAD and not outermost:
            self._inline(node, visible=visible)
            return
        preserved = preserved or tag in _KEPT or bool(style and _PRE_STYLE.search(style))
        breaks = 0 if outermost else _breaks(tag, style)
        if breaks:
            self._end(breaks)
            stack.append((None, False, False, breaks))
        elif tag in ("td", "th") and not outermost and _has_next(node, ("td", "th")):
            stack.append((None, False, False, "\t"))
        elif tag == "tr" and not outermost and _has_next_row(node):
            stack.append((None, False, False, "\n"))
        if tag == "details" and "open" not in known:
            inside = [first_summary(node)]
        elif (only := _only_text(node)) is not None:
            if visible:
                self._write(only, preserved=preserved)
            return
        else:
            inside = list(children(node))
        stack += [(child, preserved, visible, "") for child in reversed(inside) if child is not None]

    def _end(self, ending: int | str) -> None:
        """Require line breaks, or write what ends a cell or a row."""
        if isinstance(ending, int):
            self._breaks = max(self._breaks, ending)
        else:
            self._put(ending)
        self._blank, self._at_start = False, True

    def _inline(self, node: Node, *, visible: bool) -> None:
        """Take note of an element that stands in the line without text: blanks around it stay; a select has options."""
        if not visible:
            return
        if self._blank:
            self._put(" ")
            self._blank = False
        if node.tag == "select":
            for option in node.css("option"):
                self._end(1)
                self._write(text_of(option), preserved=False)
                self._end(1)
        self._at_start = False

    def _line_break(self) -> None:
        self._put("\n")
        self._blank, self._at_start = False, True

    def _put(self, text: str) -> None:
        """Write a text after the line breaks that blocks require; none before the first text."""
        if self._breaks and self._out:
            self._out.append("\n" * self._breaks)
        self._breaks = 0
        self._out.append(text)

    def _write(self, text: str, *, preserved: bool) -> None:
        if preserved:
            self._room -= len(text)
            if text:
                self._put(text)
                self._blank, self._at_start = False, text.endswith("\n")
            return
        collapsed = _collapsed(text)
        said = collapsed.strip(" ")
        blank = (self._blank or collapsed.startswith(" ")) and not self._at_start
        if not said:
            self._blank = blank
            return
        self._room -= len(said)
        self._put(" " + said if blank else said)
        self._blank, self._at_start = collapsed.endswith(" "), False


def _breaks(tag: str, style: str) -> int:
    """Return how many line breaks an element requires before and after it."""
    display = _DISPLAY.search(style) if style else None
    if display is not None:
        return (2 if tag in _APART else 1) if display[1].lower() in _BLOCK_DISPLAYS else 0
    return 2 if tag in _APART else 1 if tag in BLOCKS else 0


def _has_next(node: Node, tags: tuple[str, ...]) -> bool:
    after = node.next
    while after is not None and not (after.tag in tags and not is_absent(after)):
        after = after.next
    return after is not None


def _has_next_row(row: Node) -> bool:
    if _has_next(row, ("tr",)):
        return True
    part = row.parent
    after = part.next if part is not None and part.tag in _TABLE_PARTS else None
    while after is not None:
        if after.tag == "tr" or (after.tag in _TABLE_PARTS and after.css_first("tr") is not None):
            return True
        after = after.next
    return False


def lines(text: str) -> list[str]:
    """Return the lines of a text that say something, each with single blanks.

    >>> lines(" a \\tb\\n\\n c")
    ['a b', 'c']
    """
    return [line for line in (" ".join(each.split()) for each in text.split("\n")) if line]
