"""Roles, accessible names, labels and texts of `web`, held against Playwright's own in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fixtures_sites import serve
from sandbox import Automation, Egress
from sandbox.web.client import Web
from sandbox.web.hidden import is_hidden
from sandbox.web.inner_text import inner_text
from sandbox.web.pages import WebPage
from sandbox.web.roles import ROLES
from sandbox.web.trees import Node, Tree, lineage
from tests.support.loopback import Loopback
from tests.support.pages import pages
from tests.support.warm import LentSandbox

ODD = Path(__file__).with_name("odd_cases.html").read_text()
STYLES_AND_SCRIPTS = re.compile(r"<(style|script)\b.*?</\1>|<link\b[^>]*>", re.DOTALL)
TEXTS = ["one", "label", "a", "Total: 12.50", "send", "x", "In closed", "line two", "noscript", "b", "zerowidth"]
LABELS = [
    "Label",
    "Wrapped",
    "Aria",
    "Pick",
    "In",
    "Amount",
    "Hidden",
    "Out",
    "Two",
    "upload",
    "L",
    "z",
    "Search",
    "Name",
]
IN_BROWSER = """
import json

INDEX = "els => { const all = [...document.querySelectorAll('*')]; return els.map(e => all.indexOf(e)); }"
TEXTS = "[...document.querySelectorAll('*')].map(e => e.innerText ?? null)"


async def run(page, parameters, task):
    async def indexes(locator):
        return await locator.evaluate_all(INDEX)

    found = {"tags": await page.evaluate("[...document.querySelectorAll('*')].map(e => e.localName)")}
    found["texts"] = await page.evaluate(TEXTS)
    found["roles"] = {role: await indexes(page.get_by_role(role)) for role in parameters["roles"]}
    found["names"] = [
        await indexes(page.locator(f"internal:role={role}[name={json.dumps(name, ensure_ascii=False)}s]"))
        for role, name in parameters["names"]
    ]
    for way, texts in (("by_text", parameters["texts"]), ("by_label", parameters["labels"])):
        find = page.get_by_text if way == "by_text" else page.get_by_label
        found[way] = [await indexes(find(text, exact=exact)) for text in texts for exact in (False, True)]
    return json.dumps(found)
"""


async def in_browser(warm: LentSandbox, url: str, ours: WebPage) -> dict[str, Any]:
    """Playwright's results for what `web` is asked, elements by their place in the document."""
    names = sorted({(role, e.name) for role in ROLES for e in ours.get_by_role(role)})
    asked = {"roles": sorted(ROLES), "names": names, "texts": TEXTS, "labels": LABELS}
    egress = Egress(allow=(url.rstrip("/"),))
    outcome = await warm.run(Automation(IN_BROWSER), asked, start_url=url, egress=egress)
    assert outcome.error is None, outcome.error
    found: dict[str, Any] = json.loads(outcome.value)
    return found | {"named": names}


def differences(ours: WebPage, theirs: dict[str, Any]) -> list[str]:
    nodes = ours.tree.root.css("*")
    places = {node.mem_id: at for at, node in enumerate(nodes)}
    assert [node.tag.lower() for node in nodes] == [tag.lower() for tag in theirs["tags"]]

    def shown(at: int) -> str:
        return f"{nodes[at].html[:100]!r}"

    def compare(what: str, mine: Any, found: list[int]) -> list[str]:
        mine = [places[element._node.mem_id] for element in mine]
        return [f"{what}: {shown(at)}" for at in set(mine) ^ set(found)] or [f"{what}: order"] * (mine != found)

    different = []
    for role in sorted(ROLES):
        different += compare(f"role {role}", ours.get_by_role(role), theirs["roles"][role])
    for (role, name), found in zip(theirs["named"], theirs["names"], strict=True):
        named = [element for element in ours.get_by_role(role) if element.name == name]
        different += compare(f"{role} named {name!r}", named, found)
    for way, texts in (("by_text", TEXTS), ("by_label", LABELS)):
        find = ours.get_by_text if way == "by_text" else ours.get_by_label
        asked = [(text, exact) for text in texts for exact in (False, True)]
        for (text, exact), found in zip(asked, theirs[way], strict=True):
            different += compare(f"{way} {text!r} {exact}", find(text, exact=exact), found)
    for at, text in enumerate(theirs["texts"]):
        if text is not None and is_comparable(ours.tree, nodes[at]) and inner_text(nodes[at]) != text:
            different.append(f"text of {shown(at)}: {inner_text(nodes[at])!r}, in the browser {text!r}")
    return different


def is_comparable(tree: Tree, node: Node) -> bool:
    """Elements that a browser renders as they are asked, and not by what stands beside them in the line.

    What is not shown gives its bare text or none in a browser, where a click may open it; `web` has no clicks. A span
    that begins or ends with a blank has it or not by its neighbors.
    """
    within = {each.tag for each in lineage(node)}
    return not is_hidden(tree, node) and not within & {"select", "svg", "iframe", "head", "span"}


async def test_odd_cases_are_found_and_read_as_in_a_browser(warm: LentSandbox) -> None:
    with pages() as site:
        site.html["/"] = ODD
        ours = await Web(Loopback(), site.url).get("/")
        theirs = await in_browser(warm, site.url + "/", ours)
    assert sum(map(len, theirs["roles"].values())) > 200
    assert not differences(ours, theirs)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", ["archive", "directory", "form", "ledger"])
async def test_a_site_is_found_and_read_as_in_a_browser(warm: LentSandbox, name: str, version: str) -> None:
    """Without style sheets and scripts, whose work `web` does not see."""
    with serve(name, version=version) as served, pages() as site:
        source = (await Web(Loopback(), served.url).get("/")).source
        site.html["/"] = STYLES_AND_SCRIPTS.sub("", source)
        ours = await Web(Loopback(), site.url).get("/")
        theirs = await in_browser(warm, site.url + "/", ours)
    assert len(theirs["tags"]) > 15
    assert not differences(ours, theirs)
