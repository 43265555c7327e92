"""The scroll probe: the list of a page, scrolled to its end, to see whether more rows come.

The host asks for it, for a run whose page is not needed any more: it moves the page, as nothing else of ours does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sandbox.inside.unwatched import unwatched

if TYPE_CHECKING:
    from playwright.async_api import Page

Settled = Callable[[float], Awaitable[bool]]
_SECONDS = 12.0
_LATE_SECONDS = 2.5  # for what the page fetches when the run has ended
_SETTLE_SECONDS = 0.7
_POLL_SECONDS = 0.1
_MOST_STEPS = 120

# The rows of the largest list of like elements, each as a short text, and where the list stands in what scrolls.
_ROWS = r"""async (step) => {
  const plain = (s) => (s || '').replace(/\s+/g, ' ').trim();
  const like = (a, b) => a.tagName === b.tagName && String(a.className).split(/\s/)[0] === String(b.className).split(/\s/)[0];
  const beside = 'nav, header, footer, aside, dialog, select, thead, [role=navigation], [role=dialog]';
  let list = null, most = 0;
  const look = (root) => {
    for (const e of root.querySelectorAll('*')) {
      if (e.shadowRoot) look(e.shadowRoot);
      const n = e.childElementCount;
      if (n <= most || n < 2 || e.closest(beside)) continue;
      const middle = e.children[n >> 1];
      if ([...e.children].filter((c) => like(c, middle)).length >= 0.8 * n && plain(e.textContent)) { list = e; most = n; }
    }
  };
  look(document.querySelector('main, [role=main]') || document);
  if (!list) return null;
  let box = null;
  for (let e = list; e; e = e.parentElement || (e.getRootNode().host || null)) {
    if (e.scrollHeight > e.clientHeight + 4 && /(auto|scroll|overlay)/.test(getComputedStyle(e).overflowY)) { box = e; break; }
  }
  const doc = document.scrollingElement, both = box && box !== doc ? [box, doc] : [doc];
  let moved = false;
  for (const e of both) {
    const before = e.scrollTop;
    if (step) e.scrollTop = before + Math.max(100, e.clientHeight * 0.8);
    moved = moved || e.scrollTop > before + 1;
  }
  // the page hears of it with its next frame
  if (step) await new Promise((done) => { requestAnimationFrame(() => setTimeout(done, 0)); setTimeout(done, 100); });
  const rows = [], middle = list.children[list.children.length >> 1];
  for (const e of list.children) {
    if (!like(e, middle)) continue;
    const text = plain(e.textContent).slice(0, 160), link = e.querySelector('a[href]');
    if (text || link) rows.push(text + '|' + (link ? link.getAttribute('href') : '') + '|' + (e.getAttribute('aria-rowindex') || e.getAttribute('data-index') || ''));
  }
  return [rows, moved, both.map((e) => e.scrollHeight)];
}"""  # noqa: E501  JavaScript


async def scroll_to_end(page: Page, settled: Settled | None = None) -> tuple[int, int, bool] | None:
    """Scroll the page and the box around its largest list to their end.

    Args:
        page: The page.
        settled: Waits until it has settled; None where it fetches nothing: then a list that does not scroll is whole.

    Returns:
        The number of rows at first, of different rows that were shown on the way, and True where the end was reached;
        None where there is no list.
    """
    from playwright.async_api import Error

    evaluate = unwatched(page, "evaluate")
    deadline = time.monotonic() + _SECONDS

    async def look(*, step: bool) -> Any:
        return await asyncio.wait_for(evaluate(_ROWS, step), 2.0)

    try:
        first = await look(step=False)
        if first is None:
            return None
        seen = set(first[0])
        before = len(seen)
        if settled is not None:
            await settled(_LATE_SECONDS)
            seen.update((await look(step=False) or [()])[0])
        for number in range(_MOST_STEPS):
            shown = await look(step=True)
            if shown is None:
                break
            seen.update(shown[0])
            if not shown[1] and number == 0 and settled is None:
                return before, len(seen), True
            if not shown[1]:  # at the end, unless more comes
                until = time.monotonic() + _SETTLE_SECONDS
                grown = False
                while not grown and time.monotonic() < until:
                    await asyncio.sleep(_POLL_SECONDS)
                    later = await look(step=False)
                    grown = later is not None and (later[2] != shown[2] or not set(later[0]) <= seen)
                    seen.update(later[0] if later is not None else ())
                if not grown:
                    return before, len(seen), True
            if time.monotonic() > deadline:
                break
        return before, len(seen), False
    except (Error, TimeoutError, TypeError):
        return None
