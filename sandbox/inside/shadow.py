"""Closed shadow roots: text that a page shows, and that neither its snapshot nor a locator reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.shadow_roots import MOST_FRAMES, debugging_sessions, frame_ids

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Frame, Page

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
    """Return the tag and the first words of elements whose text is in a closed shadow root, in all frames."""
    from playwright.async_api import Error

    async def number(frame: Frame) -> int:
        try:
            return int(await frame.evaluate(f"() => {_HOSTS}.length"))
        except Error:
            return 0  # it navigates, or is gone

    if not any(await asyncio.gather(*map(number, page.frames[:MOST_FRAMES]))):
        return []
    told: list[str] = []
    async with debugging_sessions(page) as sessions:
        for session in sessions:
            for frame in await frame_ids(session):
                told += await _of_frame(session, frame)
    return list(dict.fromkeys(told))[:_MOST_TOLD]


async def _of_frame(session: CDPSession, frame: str) -> list[str]:
    told: list[str] = []
    world = await session.send("Page.createIsolatedWorld", {"frameId": frame})
    asked = {"expression": _HOSTS, "objectGroup": _GROUP, "contextId": world["executionContextId"]}
    hosts = (await session.send("Runtime.evaluate", asked))["result"].get("objectId")
    if hosts is None:
        return told
    of = {"objectId": hosts, "ownProperties": True}
    for each in (await session.send("Runtime.getProperties", of))["result"]:
        if len(told) < _MOST_TOLD and (element := each.get("value", {}).get("objectId")) is not None:
            described = await session.send("DOM.describeNode", {"objectId": element, "depth": -1, "pierce": True})
            if text := _closed_text(described["node"]):
                told.append(f"<{described['node']['localName']}> {text}")
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
