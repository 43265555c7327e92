"""Snapshots of a page for the model, bounded in time and size: a part of a page that is too large, with a word on it.

Playwright reads some 5,000 elements a second on a busy machine, and cannot be interrupted. So on a page with more
elements than `MOST_ELEMENTS`, the middle of its longest lists is hidden while it reads: by a style sheet that no
element refers to, and by `visibility`, so that the layout stays, and scripts that watch the page notice nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sandbox.inside.hints import collect_hints
from sandbox.inside.selects import selects_that_act
from sandbox.inside.shadow import closed_shadow_roots

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

MOST_ELEMENTS = 6_000
"""Elements up to which a frame's snapshot has all of them."""

MOST_CHARACTERS = 1 << 20
"""Characters of a snapshot; further lines are left out."""

_FEWEST_ELEMENTS = 600  # that are tried where more took too long
_MAX_FRAMES = 12
_SNAPSHOT_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
MOST_TITLE = 1_000
MOST_URL = 8_000
_MAX_PARTIAL = 6

_HIDE = r"""budget => {
  const size = element => element.getElementsByTagName('*').length + 1;
  const path = element => {
    const steps = [];
    for (let e = element; e.parentElement; e = e.parentElement)
      steps.unshift(`:nth-child(${[...e.parentElement.children].indexOf(e) + 1})`);
    return [':root', ...steps].join('>');
  };
  const rules = [], told = [];
  const plan = (element, room) => {
    const children = [...element.children], sizes = children.map(size);
    const total = sizes.reduce((sum, one) => sum + one, 0);
    if (total <= room || !children.length) return;
    if (children.length === 1) return plan(children[0], room - 1);
    let share = Math.max(1, Math.floor(room / children.length)), spare = room;
    for (const one of sizes) spare -= Math.min(one, share);
    if (children.length > room / 4 || children.length > 60) {
      const fits = (from, step, limit) => {
        let used = 0, count = 0;
        for (let at = from; at >= 0 && at < sizes.length && used + sizes[at] <= limit; at += step, count++)
          used += sizes[at];
        return count;
      };
      const first = fits(0, 1, room * .8), last = Math.min(fits(sizes.length - 1, -1, room * .2), sizes.length - first);
      const hidden = children.length - first - last;
      if (hidden < 1) return;
      const range = `${path(element)}>:nth-child(n+${first + 1}):nth-last-child(n+${last + 1})`;
      rules.push(`${range}, ${range} * {visibility: hidden !important; transition: none !important}`);
      const tag = children[first].localName, within = element.localName;
      const kept = `the first ${first} and last ${last} are shown`;
      told.push([hidden, `${hidden} of ${children.length} ${tag} in ${within} (${kept})`]);
      return;
    }
    const large = sizes.filter(one => one > share).length;
    share += Math.floor(Math.max(0, spare) / Math.max(1, large));
    children.forEach((child, at) => { if (sizes[at] > share) plan(child, share); });
  };
  plan(document.documentElement, budget);
  if (!rules.length) return [];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules.join('\n'));
  document.adoptedStyleSheets.push(sheet);
  globalThis[Symbol.for('partial look')] = sheet;
  return told.sort((a, b) => b[0] - a[0]).map(pair => pair[1]);
}"""
_SHOW = r"""() => {
  const key = Symbol.for('partial look'), sheet = globalThis[key];
  delete globalThis[key];
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter(one => one !== sheet);
}"""
_COUNT = "() => document.getElementsByTagName('*').length"


async def snapshot(page: Page, notices: Iterable[str] = ()) -> dict[str, Any]:
    """Return a page's `PageSnapshot`, as JSON, of a part of the page where it is too large or too slow.

    What is left out is told in hints with the key ``partial``, notices in those with the key ``notice``.
    """
    sizes = await asyncio.gather(*(_answer(frame.evaluate(_COUNT), None) for frame in page.frames[:_MAX_FRAMES]))
    aria, partial = None, list[str]()
    if sizes[0] is not None:
        whole = max(filter(None, sizes), default=0) <= MOST_ELEMENTS
        aria = await _read(page) if whole else None
        for most in (_FEWEST_ELEMENTS,) if whole else (MOST_ELEMENTS, _FEWEST_ELEMENTS):
            if aria is None:
                aria, partial = await _read_part(page, most)
    if aria is None:
        aria, partial = (
            "(no content: the page gave no answer in time)",
            ["all of the page, which gave no answer in time"],
        )
    if len(aria) > MOST_CHARACTERS:
        aria = (
            aria[: aria.rfind("\n", 0, MOST_CHARACTERS)] if "\n" in aria[:MOST_CHARACTERS] else aria[:MOST_CHARACTERS]
        )
        partial.append(f"what follows the first {MOST_CHARACTERS:,} characters")
    hints = [("partial", text) for text in partial] + [("notice", text) for text in notices]
    hints += [("shadow", text) for text in await _answer(closed_shadow_roots(page), [])]
    hints += [("select", text) for text in await _answer(selects_that_act(page), [])]
    hints += await _answer(collect_hints(page), [])
    title = str(await _answer(page.title(), ""))[:MOST_TITLE]
    return {"url": page.url[:MOST_URL], "title": title, "aria": aria, "hints": hints}


async def _read(page: Page) -> str | None:
    from playwright.async_api import TimeoutError as PlaywrightTimeout

    try:
        return await page.aria_snapshot(mode="ai", timeout=_SNAPSHOT_SECONDS * 1000)
    except PlaywrightTimeout:
        return None


async def _read_part(page: Page, most: int) -> tuple[str | None, list[str]]:
    """Return a snapshot with about so many elements of each frame, and what is left out of it."""
    frames = page.frames[:_MAX_FRAMES]
    left_out = await asyncio.gather(*(_hide(frame, most) for frame in frames))
    try:
        aria = await _read(page)
    finally:
        await asyncio.gather(*(_answer(frame.evaluate(_SHOW), None) for frame in frames))
    return aria, [text for texts in left_out for text in texts][:_MAX_PARTIAL]


async def _hide(frame: Frame, most: int) -> list[str]:
    found = await _answer(frame.evaluate(_HIDE, most), [])
    return [str(text)[:200] for text in found] if isinstance(found, list) else []


async def _answer(call: Any, otherwise: Any) -> Any:
    """Return a page's answer, or another value if it gives none in time."""
    from playwright.async_api import Error

    try:
        return await asyncio.wait_for(call, _ANSWER_SECONDS)
    except (Error, TimeoutError):
        return otherwise
