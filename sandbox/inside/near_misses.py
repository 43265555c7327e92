"""Near misses: what a page has in place of an element that an automation waited for in vain."""

from __future__ import annotations

import ast
import asyncio
import difflib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

_SECONDS = 2.0
_LONGEST = 80  # characters; longer names are left out, since the redactor would not know a part of a secret
_SHOWN = 3
_LIKE = 0.5  # of two names; see `difflib`
_LIKE_MARK = 0.6
_OPTIONS = 12
_READ = 50_000  # characters of a page that a regular expression is held against
_WAITED = re.compile(r"^\s*- waiting for (?P<locator>.*?)(?: to be \w+)?$", re.MULTILINE)
_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_ROLE = re.compile(rf"get_by_role\((?P<role>{_STRING}), name=(?P<name>{_STRING})")
_NAMED = re.compile(rf"get_by_(?:text|label|placeholder|title|alt_text)\((?P<name>{_STRING})")
_PATTERN = re.compile(
    rf"(?:get_by_text\(|has_text=|has_not_text=)re\.compile\(r?(?P<source>{_STRING})(?P<flags>[^)]*)\)"
)
_CSS = re.compile(rf"(?:locator|get_by_test_id)\((?P<selector>{_STRING})")
# What a selector asks for by a name of the page's: #id, .class, [attribute="value"]
_MARK = re.compile(r"[#.](?P<name>-?[A-Za-z_][\w-]*)|\[(?P<attribute>[\w-]+)[~|^$*]?=\s*[\"']?(?P<value>[^\"'\]]+)")
_ESCAPES = re.compile(r"\\.|\(\?P?<\w+>")  # \d, \s, and names of groups
_WORDS = re.compile(r"[^\W\d_]{3,}")
_ARIA = re.compile(r"^\s*- '?(?P<role>\w+) (?P<name>\"(?:[^\"\\]|\\.)*\")", re.MULTILINE)
_ARIA_TEXT = re.compile(r"^\s*- '?(?P<role>\w+)(?: \[[^\]]*\])*: (?P<name>.+?)'?$", re.MULTILINE)

# Where a text stands that is not shown: an option of a select, or an element that a widget opens.
_HIDDEN = """wanted => {
  const plain = text => (text || '').replace(/\\s+/g, ' ').trim().toLowerCase();
  const name = e => e.getAttribute('name') || e.id || e.getAttribute('aria-label') || '';
  for (const e of document.querySelectorAll('body *')) {
    if (e.childElementCount || plain(e.textContent) !== plain(wanted)) continue;
    const select = e.closest('select');
    if (select) return `an option of <select name="${name(select)}">`;
    if (e.matches('script, style, template') || e.checkVisibility({visibilityProperty: true})) continue;
    const list = e.closest('[role=listbox], [role=menu], ul, ol, dialog, [role=dialog]');
    return `a hidden <${e.localName}>` + (list ? ` in <${list.localName} ${name(list)}>`.replace(' >', '>') : '');
  }
  return null;
}"""
_LINES = """([word, longest, most]) => [...new Set((document.body ? document.body.innerText : '').split('\\n')
  .map(line => line.replace(/\\s+/g, ' ').trim())
  .filter(line => line.length <= longest && line.toLowerCase().includes(word.toLowerCase())))].slice(0, most)"""
_MARKS = """most => {
  const found = new Set();
  for (const e of [...document.querySelectorAll('body *')].slice(0, most)) {
    if (e.id) found.add('#' + e.id);
    for (const name of e.classList) found.add('.' + name);
    for (const {name, value} of e.attributes)
      if (/^(data-|aria-|name$|type$|role$|itemprop$|rel$)/.test(name)) found.add(`[${name}="${value}"]`);
  }
  return [...found];
}"""
_SELECTS = """most => [...document.querySelectorAll('select')].slice(0, 3).map(select => [
  select.getAttribute('name') || select.id || '', [...select.options].slice(0, most).map(option => option.label)])"""


async def add_near_misses(page: Page | None, error: dict[str, Any] | None) -> None:
    """Add to the message of an error what the page has in place of the element that was waited for in vain."""
    if error is not None and page is not None and error["kind"] in ("timeout", "script"):
        error["message"] += await near_misses(page, error["message"])


async def near_misses(page: Page, message: str) -> str:
    """Return what the page has in place of the element that a timeout was about, as lines to add to its message.

    Every line was checked on the page; empty where there is nothing to say.
    """
    from playwright.async_api import Error

    waited = [found["locator"] for found in _WAITED.finditer(message)]
    try:
        async with asyncio.timeout(_SECONDS):
            if "did not find some options" in message:
                return await _options(page)
            if not waited:
                return ""
            if "resolved to" in message:
                return await _out_of_sight(page, waited[-1]) if "not visible" in message else ""
            return await _like(page, waited[-1])
    except (Error, TimeoutError):
        return ""


async def _options(page: Page) -> str:
    found = await page.evaluate(_SELECTS, _OPTIONS)
    return "".join(f"\nOptions of {name or 'a select'}: {', '.join(map(repr, labels))}" for name, labels in found)


async def _like(page: Page, locator: str) -> str:
    """Look for the last part of a locator that has a name."""
    if (pattern := _last(_PATTERN, locator)) is not None:
        return await _texts_like(page, pattern)
    by_role, named = _last(_ROLE, locator), _last(_NAMED, locator)
    found = by_role or named
    if found is None:
        return await _marks_like(page, locator)
    role, wanted = (_text(by_role["role"]) if by_role else ""), _text(found["name"])
    aria = await page.locator("body").aria_snapshot(timeout=_SECONDS * 1000)
    names = [(each["role"], _unquoted(each["name"])) for each in _ARIA.finditer(aria)]
    if not role:
        names += [("text", each["name"].strip("\"'")) for each in _ARIA_TEXT.finditer(aria)]
    line = f"\nNot on the page: {role or 'text'} {wanted!r}"
    if close := nearest(role, wanted, names):
        line += "; there is " + ", ".join(f"{each} {name!r}" for each, name in close)
    return line + await _out_of_sight(page, locator)


async def _marks_like(page: Page, locator: str) -> str:
    """Name the id, class or attribute of a selector that nothing on the page has, and those that are like it."""
    selector = _last(_CSS, locator)
    if selector is None:
        return ""
    text = _text(selector["selector"])
    of_test = "get_by_test_id" in selector[0]
    wanted = [f'[data-testid="{text}"]'] if of_test else [_mark(found) for found in _MARK.finditer(text)]
    known = [each for each in await page.evaluate(_MARKS, _READ) if len(each) <= _LONGEST]
    missing = next((each for each in wanted if len(each) <= _LONGEST and each not in known), None)
    if missing is None:
        return ""
    beginning = re.match(r"[#.]|\[[\w-]+=", missing)
    same = [each for each in known if beginning is not None and each.startswith(beginning[0])]
    near = difflib.get_close_matches(missing, same, n=_SHOWN, cutoff=_LIKE_MARK)
    return f"\nNot on the page: {missing}" + (f"; there is {', '.join(near)}" if near else "")


def _mark(found: re.Match[str]) -> str:
    """Return what a selector asks for as `_MARKS` writes it.

    >>> [_mark(found) for found in _MARK.finditer("td.price > a[data-id=p7]")]
    ['.price', '[data-id="p7"]']
    """
    return f'[{found["attribute"]}="{found["value"]}"]' if found["attribute"] else found[0]


async def _out_of_sight(page: Page, locator: str) -> str:
    """Say where a text stands that a locator names and that is not shown."""
    found = _last(_ROLE, locator) or _last(_NAMED, locator)
    wanted = _text(found["name"]) if found is not None else ""
    hidden = await page.evaluate(_HIDDEN, wanted) if wanted else None
    return f"\nNot shown: {wanted!r} is {hidden}" if hidden else ""


def nearest(role: str, wanted: str, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the elements of a role that are called most nearly so, then those that are called just so.

    >>> nearest("radio", "Size: XL", [("radio", "Size: M"), ("radio", "Blue"), ("link", "Size: XL")])
    [('radio', 'Size: M'), ('link', 'Size: XL')]
    """
    short = [each for each in dict.fromkeys(names) if len(each[1]) <= _LONGEST]
    same = [(each, name) for each, name in short if not role or each == role]
    likeness = {each: difflib.SequenceMatcher(None, wanted.casefold(), each[1].casefold()).ratio() for each in same}
    close = sorted((each for each in same if likeness[each] >= _LIKE), key=lambda each: -likeness[each])
    return close[:_SHOWN] + [(each, name) for each, name in short if role and each != role and name == wanted][:1]


async def _texts_like(page: Page, pattern: re.Match[str]) -> str:
    """Say what a regular expression meets: blanks that are line breaks, or texts with the longest of its words."""
    source, flags = _text(pattern["source"]), re.IGNORECASE if "IGNORECASE" in pattern["flags"] else 0
    text = await page.evaluate("document.body ? document.body.textContent : ''")
    try:
        as_it_is, with_any = (re.search(each, text[:_READ], flags) for each in (source, source.replace(" ", r"\s+")))
    except (re.error, RecursionError):
        return ""
    if as_it_is is None and with_any is not None:
        return "\nThe text is there, with line breaks or non-breaking spaces: write \\s+ for a blank."
    word = max(_WORDS.findall(_ESCAPES.sub(" ", source)), key=len, default="")
    lines = await page.evaluate(_LINES, [word, _LONGEST, _SHOWN]) if word else []
    return f"\nOn the page with {word!r}: {', '.join(map(repr, lines))}" if lines else ""


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(reversed(list(pattern.finditer(text)))), None)


def _text(quoted: str) -> str:
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return quoted[1:-1]


def _unquoted(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])
