"""The text of elements that hold one text and nothing else, which is read without a walk."""

from __future__ import annotations

import pytest

from sandbox.web.inner_text import inner_text
from sandbox.web.trees import Tree


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<a class=x href=/b id=q>  t  u\n</a>", "t u"),
        ("<a style='white-space: pre'>a  b</a>", "a  b"),
        ("<a style='visibility: hidden'>a</a>", ""),
        ("<details>closed</details>", ""),
        ("<details class=x>closed</details>", ""),
        ("<details open>shown</details>", "shown"),
        ("<pre class=x>a  b</pre>", "a  b"),
        ("<b title=x></b>", ""),
    ],
)
def test_one_text_is_read_as_it_is_shown(html: str, text: str) -> None:
    node = Tree(f"<body>{html}", "http://site.test/").root.css_first("a, details, pre, b")
    assert node is not None
    assert inner_text(node) == text
