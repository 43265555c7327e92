"""Closed shadow roots: text that a page shows, and that neither its snapshot nor a locator reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

_MOST_HOSTS = 30
_MOST_TOLD = 3
_LONGEST = 120
_GROUP = "closed shadow roots"
_SILENT = frozenset(["STYLE", "SCRIPT", "TEMPLATE", "NOSCRIPT"])

# Custom elements, and elements that take room although they seem to have no content.
_HOSTS = f"""(() => {{
  const found = [], hosts = /-|^(article|aside|blockquote|div|footer|header|main|nav|p|section|span)$/;
  for (const e of [...document.querySelectorAll('body *')].slice(0, 20000)) {{
    if (e.shadowRoot || !hosts.test(e.localName)) continue;
    if (!e.localName.includes('-') && (e.firstElementChild || e.textContent.trim())) continue;
    const box = e.getBoundingClientRect();
    if (box.width > 8 && box.height > 8 && found.push(e) >= {_MOST_HOSTS}) break;
  }}
  return found;
}})()"""


async def closed_shadow_roots(page: Page) -> list[str]:
    """Return the tag and the first words of elements whose text is in a closed shadow root."""
    if not await page.evaluate(f"() => {_HOSTS}.length"):
        return []
    told: list[str] = []
    browser = await page.context.new_cdp_session(page)
    try:
        hosts = await browser.send("Runtime.evaluate", {"expression": _HOSTS, "objectGroup": _GROUP})
        of = {"objectId": hosts["result"]["objectId"], "ownProperties": True}
        for each in (await browser.send("Runtime.getProperties", of))["result"]:
            if len(told) < _MOST_TOLD and (element := each.get("value", {}).get("objectId")) is not None:
                asked = {"objectId": element, "depth": -1, "pierce": True}
                described = await browser.send("DOM.describeNode", asked)
                if text := _closed_text(described["node"]):
                    told.append(f"<{described['node']['localName']}> {text}")
    finally:
        await browser.detach()
    return told


def _closed_text(node: dict[str, Any]) -> str:
    roots = [root for root in node.get("shadowRoots", ()) if root.get("shadowRootType") == "closed"]
    text = " ".join(" ".join(part.split()) for root in roots for part in _texts(root) if part.strip())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} …"


def _texts(node: dict[str, Any]) -> Iterator[str]:
    stack = [node]
    while stack:
        inner = stack.pop()
        if inner.get("nodeType") == 3:  # a text
            yield inner.get("nodeValue", "")
        if inner.get("nodeName") not in _SILENT:
            stack += reversed([*inner.get("shadowRoots", ()), *inner.get("children", ())])
