"""The examples in the docstrings of `web`, each run as the body of an automation on a site in memory."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import pytest

from sandbox.web.client import Web
from sandbox.web.elements import WebForm
from sandbox.web.transport import WebAnswer
from tests.unit.web.sites import html, site, web_on

JSON = ("Content-Type", "application/json")
SEARCH = """<title>Books</title><form action="/search"><label>Title <input name="q"></label>
<label>Language <select name="l"><option>English<option value="de">German</select></label>
<label><input type="checkbox" name="s"> In stock</label><button>Search</button></form>
<table><tr><th>Title<th>Price<tr><td>Dune<td>5 €<tr><td>Ulysses<td>7 €</table>"""
PAGES = [html('<p>1</p><a href="/items?page=2">Next</a>'), html("<p>2</p>")]
# What each example leaves: the address of its last request, and the value of a name in it.
LEFT: dict[str, tuple[str, str, Any]] = {
    "Web": ("GET http://shop.test/search?q=dune", "", ["5 €", "7 €"]),
    "Web.get": ("GET http://shop.test/items?page=2", "page.status", 200),
    "Web.post": ("POST http://shop.test/api/search", "rows", ["Dune"]),
    "Web.request": ("PUT http://shop.test/api/rows/7", "web.cookies.header('http://shop.test/')", ""),
    "Web.follow": ("GET http://shop.test/items?page=2", "page.text", "2"),
    "Web.gather": ("GET http://shop.test/", "[page.title for page in pages]", ["Books", "Books"]),
    "WebForm.submit": ("GET http://shop.test/search?q=Dune&l=de&s=on", "page.title", "Books"),
}


def examples() -> dict[str, str]:
    """Return the code of the examples of public methods, by their names."""
    found = {"Web": example(Web)}
    for owner in (Web, WebForm):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_") and (code := example(method)):
                found[f"{owner.__name__}.{name}"] = code
    return found


def example(documented: Any) -> str:
    """Return the indented lines of a docstring ahead of its sections."""
    text = re.split(r"^(?:Args|Raises|Attributes):$", inspect.getdoc(documented) or "", flags=re.MULTILINE)[0]
    return textwrap.dedent("\n".join(line for line in text.splitlines() if line.startswith("    ")))


def test_every_method_that_sends_has_an_example() -> None:
    assert examples().keys() == LEFT.keys()


@pytest.mark.parametrize("name", LEFT)
async def test_example_runs_as_it_stands(name: str) -> None:
    there = site(
        index=html(SEARCH),
        search=html(SEARCH),
        items=PAGES if name == "Web.follow" else html("<p>2</p>"),
        api_search=WebAnswer(200, (JSON,), b'{"rows": ["Dune"]}'),
        api_rows_7=WebAnswer(204),
    )
    web, (asked, expression, value) = web_on(there), LEFT[name]
    space = {"web": web, "parameters": {"title": "dune"}, "urls": ["/", "/"]}
    if name in ("Web.follow", "WebForm.submit"):
        space["page"] = await web.get("/items" if name == "Web.follow" else "/")
    body = examples()[name] + (f"\nreturn {expression}" if expression else "")
    exec(f"async def example(page=None):\n{textwrap.indent(body, '    ')}", space)
    assert await space["example"](space.get("page")) == value  # type: ignore[operator]  the function just defined
    assert f"{there.last.method} {there.last.url}" == asked
