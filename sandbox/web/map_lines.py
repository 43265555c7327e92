"""Lines of a preformatted listing, such as a web server's of a directory: each with a link is an item."""

from __future__ import annotations

from sandbox.web.trees import Node, tag_of

_LEAST_LINKS = 2

Line = list[Node | str]


def is_listing(tag: str, elements: list[Node]) -> bool:
    """Return True for preformatted text in which most elements are links."""
    if tag != "pre":
        return False
    links = sum(tag_of(each) == "a" for each in elements)
    return links >= _LEAST_LINKS and 2 * links >= len(elements)


def lines_of(nodes: list[Node]) -> list[Line]:
    """Return the elements and the texts of each line that has some."""
    lines: list[Line] = [[]]
    for node in nodes:
        if node.is_element_node:
            lines[-1].append(node)
        elif node.is_text_node:
            first, *others = (node.text_content or "").split("\n")
            lines[-1].append(first)
            lines += ([other] for other in others)
    return [line for line in lines if any(not isinstance(part, str) or part.strip() for part in line)]


def has_link(line: Line) -> bool:
    """Return True for a line that has a link of its own."""
    return any(not isinstance(part, str) and tag_of(part) == "a" for part in line)
