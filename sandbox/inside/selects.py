"""Selects that do something as soon as an option is chosen, which neither the page nor its form shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

_MOST_SELECTS = 10
_GROUP = "selects"
_LEAVES = re.compile(r"submit\s*\(|location\b|\.href\s*=|\.navigate\s*\(|\.assign\s*\(", re.IGNORECASE)
_LONGEST_NAME = 60
# Those whose attribute does it are shown by their form, if they have one.
_SELECTS = f"""[...document.querySelectorAll('select')].filter((e) => e.checkVisibility({{visibilityProperty: true}})
  && !(e.form && e.hasAttribute('onchange'))).slice(0, {_MOST_SELECTS})"""
_NAME = """function () {
  return this.name || this.id || this.ariaLabel || (this.labels && this.labels[0] ? this.labels[0].innerText : '');
}"""


async def selects_that_act(page: Page) -> list[str]:
    """Return the names of selects with a script that listens for changes, and whether that leaves the page."""
    if not await page.evaluate(f"() => {_SELECTS}.length"):
        return []
    session = await page.context.new_cdp_session(page)
    try:
        found = await session.send("Runtime.evaluate", {"expression": _SELECTS, "objectGroup": _GROUP})
        of = {"objectId": found["result"]["objectId"], "ownProperties": True}
        elements = [e for e in (await session.send("Runtime.getProperties", of))["result"] if e["name"].isdigit()]
        told = [await _told(session, element["value"]["objectId"]) for element in elements]
    finally:
        await session.detach()
    return [text for text in told if text]


async def _told(session: CDPSession, element: str) -> str:
    listening = (await session.send("DOMDebugger.getEventListeners", {"objectId": element}))["listeners"]
    sources = [_source(each) for each in listening if each["type"] in ("change", "input")]
    if not sources:
        return ""
    asked = {"objectId": element, "functionDeclaration": _NAME, "returnByValue": True}
    name = (await session.send("Runtime.callFunctionOn", asked))["result"].get("value")
    what = "submits, or leaves the page" if any(map(_LEAVES.search, sources)) else "a script acts"
    return f"{' '.join(str(name or 'select').split())[:_LONGEST_NAME]}: {what}"


def _source(listener: Any) -> str:
    return str(listener.get("handler", {}).get("description", ""))
