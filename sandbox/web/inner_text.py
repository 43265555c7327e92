"""The text of an element as a browser's ``innerText`` gives it, as far as HTML without style sheets tells."""

from __future__ import annotations

import re

from sandbox.web.hidden import first_summary, is_absent, visibility
from sandbox.web.trees import Node, children, text_of
from sandbox.web.words import words

BLOCKS = words(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li legend listing main menu nav ol p plaintext pre "
    "search section summary table caption ul xmp optgroup option tr thead tbody tfoot"
)
_APART = frozenset({"p"})  # an empty line before and after
_UNREAD = words("textarea input select iframe object video audio canvas svg math img progress meter")
_KEPT = words("pre listing xmp plaintext textarea")
_PRE_STYLE = re.compile(r"white-space\s*:\s*(pre|pre-wrap|break-spaces)\b", re.IGNORECASE)
_DISPLAY = re.compile(
    r"(?:^|;)\s*display\s*:\s*(block|inline-block|inline|flex|grid|flow-root|list-item)\b", re.IGNORECASE
)
_BLOCK_DISPLAYS = words("block flex grid flow-root list-item")
_SPACES = re.compile(r"[ \t\n\r\f]+")


def inner_text(node: Node) -> str:
    """Return an element's text: blocks on lines of their own, white space as single blanks, ``pre`` as it stands.

    Cells of a row are parted by tabs and paragraphs by empty lines; what is not shown is left out. An element that is
    itself not shown gives all its text, as in browsers.
    """
    if node.tag == "input":
        return ""
    if node.tag == "textarea":
        return text_of(node)
    if is_absent(node):
        return text_of(node)
    writer = _Writer()
    writer.read(node)
    return writer.text()


class _Writer:
    """Collects texts and required line breaks, as the standard's algorithm for ``innerText`` has it."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0
        self._blank = False  # a collapsed blank is due
        self._at_start = True  # of a line

    def read(self, node: Node) -> None:
        # Entries: a node with its inherited (preserved, visible); or what is to be written where an element ends.
        stack: list[tuple[Node | None, bool, bool, int | str]] = []
        self._begin(node, stack, preserved=False, visible=True, outermost=True)
        while stack:
            each, preserved, visible, ending = stack.pop()
            if each is None:
                self._end(ending)
            elif each.is_text_node:
                if visible:
                    self._write(each.text_content or "", preserved=preserved)
            elif each.is_element_node and not is_absent(each):
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
        tag, style = node.tag, node.attrs["style"] or "" if "style" in node.attrs else ""
        own = visibility(node) if style else None
        visible = visible if own is None else own
        if tag == "br":
            self._line_break()
            return
        if tag in _UNREAD and not outermost:
            self._inline(visible=visible)
            return
        preserved = preserved or tag in _KEPT or bool(style and _PRE_STYLE.search(style))
        breaks = 0 if outermost else _breaks(tag or "", style)
        if breaks:
            self._breaks = max(self._breaks, breaks)
            self._blank = False
            stack.append((None, False, False, breaks))
        elif tag in ("td", "th") and not outermost and _has_next_cell(node):
            stack.append((None, False, False, "\t"))
        closed = tag == "details" and "open" not in node.attrs
        inside = [first_summary(node)] if closed else list(children(node))
        stack += [(child, preserved, visible, "") for child in reversed(inside) if child is not None]

    def _end(self, ending: int | str) -> None:
        if isinstance(ending, int):
            self._breaks = max(self._breaks, ending)
        else:
            self._flush()
            self._out.append(ending)
            self._at_start = True
        self._blank = False

    def _inline(self, *, visible: bool) -> None:
        """Take note of an element that stands in the line without text: blanks around it stay."""
        if visible and self._blank:
            self._flush()
            self._out.append(" ")
            self._blank = False
        if visible:
            self._at_start = False

    def _line_break(self) -> None:
        self._flush()
        self._out.append("\n")
        self._blank, self._at_start = False, True

    def _flush(self) -> None:
        """Write the line breaks that blocks require; none before the first text."""
        if self._breaks and self._out:
            self._out.append("\n" * self._breaks)
        if self._breaks:
            self._at_start = True
        self._breaks = 0

    def _write(self, text: str, *, preserved: bool) -> None:
        if preserved:
            if text:
                self._flush()
                self._out.append(text)
                self._blank, self._at_start = False, text.endswith("\n")
            return
        words = _SPACES.sub(" ", text)
        if not words:
            return
        if words == " ":
            self._blank = self._blank or not (self._at_start or self._breaks)
            return
        if self._breaks:
            self._flush()
        elif self._blank or (words[0] == " " and not self._at_start):
            self._out.append(" ")
        words_only = words.strip(" ")
        self._out.append(words_only)
        self._blank, self._at_start = words[-1] == " ", False


def _breaks(tag: str, style: str) -> int:
    """Return how many line breaks an element requires before and after it."""
    display = _DISPLAY.search(style) if style else None
    if display is not None:
        return (2 if tag in _APART else 1) if display[1].lower() in _BLOCK_DISPLAYS else 0
    return 2 if tag in _APART else 1 if tag in BLOCKS else 0


def _has_next_cell(node: Node) -> bool:
    after = node.next
    while after is not None:
        if after.is_element_node and after.tag in ("td", "th") and not is_absent(after):
            return True
        after = after.next
    return False


def lines(text: str) -> list[str]:
    """Return the lines of a text that say something, each with single blanks.

    >>> lines(" a \\tb\\n\\n c")
    ['a b', 'c']
    """
    return [line for line in (" ".join(each.split()) for each in text.split("\n")) if line]
