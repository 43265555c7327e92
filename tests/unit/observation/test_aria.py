"""Parsing of Playwright's snapshots: every tree that it can write is parsed back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from engine.observation.aria import MAX_DEPTH, Node, parse

# Playwright quotes what YAML would misread (`yamlStringNeedsQuotes`); quoting more than that must make no difference.
_MISREAD = re.compile(r"""^$|^\s|\s$|[\x00-\x1f\x7f-\x9f]|^-|[\n:](\s|$)|\s#|^[&*\],?!>|@"'#%\[]|[{}`]|^[-+.\d]""")
_CONTROL = re.compile(r'[\\"\x00-\x1f\x7f-\x9f]')
_SHORT = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(node: Node, depth: int = 0) -> Iterator[str]:
    """Return the lines that Playwright writes for a node."""
    pad = "  " * depth
    if node.role == "text":
        yield f"{pad}- text: {scalar(node.name)}"
        return
    key = node.role + (f" {json.dumps(node.name, ensure_ascii=False)}" if node.name else "")
    key += "".join(f" [{state}]" for state in node.states) + (f" [ref={node.ref}]" if node.ref else "")
    key += " [cursor=pointer]" if node.pointer else ""
    if _MISREAD.search(key):
        key = "'" + key.replace("'", "''") + "'"
    properties = [("url", node.url), ("placeholder", node.placeholder)]
    lines = [f"{pad}  - /{name}: {scalar(value)}" for name, value in properties if value is not None]
    if not lines and not node.children:
        yield f"{pad}- {key}"
    elif not lines and len(node.children) == 1 and node.children[0].role == "text":
        yield f"{pad}- {key}: {scalar(node.children[0].name)}"
    else:
        yield f"{pad}- {key}:"
        yield from lines
        for child in node.children:
            yield from write(child, depth + 1)


def scalar(text: str) -> str:
    if not _MISREAD.search(text):
        return text
    return '"' + _CONTROL.sub(lambda found: _SHORT.get(found[0], f"\\x{ord(found[0]):02x}"), text) + '"'


texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['- button "Buy" [ref=e5]', "a: b", "/url: /x", "'", "yes", "[ref=e1] [cursor=pointer]:", "\\x41", "  x", "#"]
)
leaves = st.builds(lambda text: Node("text", text), texts)
trees = st.recursive(
    leaves,
    lambda children: st.builds(
        Node,
        st.sampled_from(["generic", "link", "button", "row", "textbox", "heading"]),
        texts,
        st.lists(st.sampled_from(["checked", "disabled", "level=2"]), unique=True).map(tuple),
        st.sampled_from(["", "e1", "f2e17"]),
        st.booleans(),
        st.none() | texts,
        st.none() | texts,
        st.lists(children, max_size=4).map(tuple),
    ),
    max_leaves=12,
)


@given(st.lists(trees, max_size=3))
def test_a_written_snapshot_is_parsed_back(nodes: list[Node]) -> None:
    aria = "\n".join(line for node in nodes for line in write(node))
    assert parse(aria).children == tuple(nodes)


@given(st.text(max_size=300))
def test_any_text_can_be_parsed(text: str) -> None:
    words = re.findall(r"\w\w+", " ".join(node.name for node in parse(text).walk()))
    assert parse(text) == parse(text)
    assert len(words) <= len(re.findall(r"\w\w+", text))


def test_depth_is_bounded() -> None:
    aria = "\n".join("  " * depth + f'- group "{depth}":' for depth in range(5_000))
    root = parse(aria)
    assert len([node for node in root.walk() if node.role == "group"]) == 5_000
    assert aria_depth(root) <= MAX_DEPTH + 2


def aria_depth(root: Node) -> int:
    depth, level = 0, [root]
    while level := [child for node in level for child in node.children]:
        depth += 1
    return depth
