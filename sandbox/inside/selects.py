"""Selects that do something as soon as an option is chosen, which neither the page nor its form shows.

A script listens at the select itself, or at an element around it, up to the document and the window. What listens
around it listens to all fields; it is told of only where it submits or leaves the page, and for this select: by the
selector that it was bound with, by what it asks of its target, or because it asks nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

_MOST_SELECTS = 16
_MOST_AROUND = 40
_MOST_SELECTORS = 8
_GROUP = "selects"
_LEAVES = re.compile(r"submit\s*\(|location\b|\.href\s*=|\.navigate\s*\(|\.assign\s*\(", re.IGNORECASE)
_ASKED_FOR = re.compile(
    r"(?:(?P<way>matches|closest|is|hasAttribute|getAttribute|contains)\s*\("
    r"|\b(?P<trait>name|id|tagName|nodeName|localName)(?:\.toLowerCase\(\)|\.toUpperCase\(\))?\s*[!=]={1,2})"
    r"\s*(['\"`])(?P<text>(?:(?!\3).){1,200})\3|\.dataset\.(?P<data>\w{1,60})|instanceof\s+HTML(?P<kind>\w{1,30})Element"
)
_CONDITION = re.compile(r"\bif\b|\bswitch\b|\?|&&|\|\||\bincludes\b")
_CALLED = re.compile(r"(?<![.\w$])([A-Za-z_$][\w$]{0,60})\s*\(")
_MOST_CALLED = 8
_LONGEST_NAME = 60
_EVENTS = ("change", "input")
# Those whose attribute does it are shown by their form, if they have one.
_SELECTS = f"""[...document.querySelectorAll('select')].filter((e) => e.checkVisibility({{visibilityProperty: true}})
  && !(e.form && e.hasAttribute('onchange'))).slice(0, {_MOST_SELECTS})"""
_AROUND = f"""(() => {{
  const around = new Set([document, window]);
  for (const select of {_SELECTS}) {{
    if (select.form) around.add(select.form);
    for (let e = select.parentElement; e; e = e.parentElement) around.add(e);
  }}
  return [...around].slice(0, {_MOST_AROUND});
}})()"""
_NAME = """function () {
  return this.name || this.id || this.ariaLabel || (this.labels && this.labels[0] ? this.labels[0].innerText : '');
}"""
# jQuery listens once at each element, and keeps what it calls there.
_JQUERY = """function () {
  const data = window.jQuery && window.jQuery._data, found = [];
  if (typeof data !== 'function') return found;
  for (let e = this; e; e = e === document ? null : e.parentElement || document)
    for (const type of ['change', 'input'])
      for (const each of (data(e, 'events') || {})[type] || [])
        if (e === this ? !each.selector : each.selector && this.matches(each.selector))
          found.push(String(each.origHandler || each.handler));
  return found;
}"""
_MATCHES = """function (selectors) {
  return selectors.some(([selector, around]) => {
    try { return around ? this.closest(selector) !== null : this.matches(selector); } catch { return false; }
  });
}"""
# The code of functions of the page that a listener calls by their names.
_FUNCTIONS = """function (names) {
  return names.map((name) => typeof window[name] === 'function' ? String(window[name]) : '').join('\\n');
}"""
_WITHIN = "function (around) { return around === window || around.contains(this); }"


async def selects_that_act(page: Page) -> list[str]:
    """Return the names of selects with a script that listens for changes, and whether that leaves the page."""
    if not await page.evaluate(f"() => {_SELECTS}.length"):
        return []
    session = await page.context.new_cdp_session(page)
    try:
        around = [
            (each, source) for each in await _objects(session, _AROUND) for source in await _sources(session, each)
            if _LEAVES.search(source)
        ]  # fmt: skip
        told = [await _told(session, each, around) for each in await _objects(session, _SELECTS)]
    finally:
        await session.detach()
    return [text for text in told if text]


async def _objects(session: CDPSession, expression: str) -> list[str]:
    """Return the ids of the objects of an array."""
    found = await session.send("Runtime.evaluate", {"expression": expression, "objectGroup": _GROUP})
    of = {"objectId": found["result"]["objectId"], "ownProperties": True}
    values = (await session.send("Runtime.getProperties", of))["result"]
    return [each["value"]["objectId"] for each in values if each["name"].isdigit()]


async def _told(session: CDPSession, select: str, around: list[tuple[str, str]]) -> str:
    own = await _sources(session, select)
    called = await _call(session, select, _JQUERY)
    leaves = any(map(_LEAVES.search, (*own, *called))) or any(
        [await _concerns(session, select, element, source) for element, source in around]
    )
    if not (own or called or leaves):
        return ""
    name = await _call(session, select, _NAME)
    what = "submits, or leaves the page" if leaves else "a script acts"
    return f"{' '.join(str(name or 'select').split())[:_LONGEST_NAME]}: {what}"


async def _concerns(session: CDPSession, select: str, element: str, source: str) -> bool:
    """Return True where what listens around a select acts for it."""
    if not await _call(session, select, _WITHIN, {"objectId": element}):
        return False
    selectors = [_selector(found) for found in _ASKED_FOR.finditer(source)][:_MOST_SELECTORS]
    if not selectors:
        return "target" not in source or _CONDITION.search(source) is None
    return bool(await _call(session, select, _MATCHES, {"value": selectors}))


def _selector(asked: re.Match[str]) -> tuple[str, bool]:
    """Return what a listener asks of its target as a selector, and True where an element around it may be that.

    >>> _selector(_ASKED_FOR.search("if (e.target.name === 'sort') go()"))
    ('[name="sort"]', False)
    >>> _selector(_ASKED_FOR.search("e.target.closest('form').submit()"))
    ('form', True)
    """
    text = asked["text"]
    if asked["data"]:
        return "[data-" + re.sub("[A-Z]", lambda capital: f"-{capital[0].lower()}", asked["data"]) + "]", False
    if asked["kind"]:
        return asked["kind"].lower(), False
    match asked["way"] or asked["trait"]:
        case "hasAttribute" | "getAttribute":
            return f"[{text}]", False
        case "contains":
            return f".{text}", False
        case "name" | "id":
            return f'[{asked["trait"]}="{text}"]', False
        case "closest":
            return text, True
        case "matches" | "is":
            return text, False
        case _:
            return text.lower(), False


async def _sources(session: CDPSession, element: str) -> list[str]:
    """Return the code of what listens to changes of an element."""
    listening = (await session.send("DOMDebugger.getEventListeners", {"objectId": element}))["listeners"]
    found = [str(each.get("handler", {}).get("description", "")) for each in listening if each["type"] in _EVENTS]
    called = [list(dict.fromkeys(_CALLED.findall(source)))[:_MOST_CALLED] for source in found]
    return [
        source + (str(await _call(session, element, _FUNCTIONS, {"value": names})) if names else "")
        for source, names in zip(found, called, strict=True)
    ]


async def _call(session: CDPSession, element: str, function: str, *values: Any) -> Any:
    asked = {
        "objectId": element, "functionDeclaration": function, "returnByValue": True,
        "arguments": list(values),
    }  # fmt: skip
    return (await session.send("Runtime.callFunctionOn", asked))["result"].get("value")
