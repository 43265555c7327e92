"""Check that a model can reach every control of a page: the DOM is compared with an observer's texts."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error, Page

from engine.observation.observer import Observer
from sandbox.inside.hints import collect_hints
from sandbox.results import PageSnapshot

MARK = r"""(start) => {
  const controls = [];
  const roles = new RegExp('^(button|link|checkbox|radio|tab|menuitem\\w*|option|slider|switch|textbox|searchbox'
    + '|combobox|spinbutton|treeitem)$');
  const walk = root => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) walk(element.shadowRoot);
      const native = element.matches('a[href], button, input:not([type=hidden]), select, textarea, summary');
      const style = getComputedStyle(element), above = element.parentElement && getComputedStyle(element.parentElement);
      const hand = style.cursor === 'pointer' && above && above.cursor !== 'pointer' && !element.closest('label');
      if (!native && !roles.test(element.getAttribute('role') || '') && !hand) continue;
      const box = element.getBoundingClientRect();
      const seen = element.checkVisibility({visibilityProperty: true}) && box.width > 0 && box.height > 0;
      if (!seen || style.pointerEvents === 'none') continue;
      const name = element.getAttribute('aria-label') || (element.labels && element.labels[0]?.innerText)
        || element.innerText || element.alt || element.placeholder || element.title || element.value || '';
      element.setAttribute('data-probe', start + controls.length);
      controls.push({name: name.replace(/\s+/g, ' ').trim().slice(0, 80), what: element.outerHTML.slice(0, 120)});
    }
  };
  walk(document);
  return controls;
}"""

_NUMBER = "e => (e.localName === 'details' ? e.querySelector('summary') : e)?.getAttribute('data-probe')"
_REF = re.compile(r"\[((?:f\d+)?e\d+)\]")
_FOLDED = re.compile(r"⋯ \d[^\n\"]*? in ([\w]+)|\[((?:f\d+)?e\d+)\][^\n]*: ⋯ ")


@dataclass(frozen=True)
class Reach:
    """The numbers of controls in the look, below its folds, and found only by a search; and the lost ones."""

    look: str
    full: str
    seen: int
    unfolded: int
    searched: int
    lost: tuple[str, ...]

    @property
    def controls(self) -> int:
        return self.seen + self.unfolded + self.searched + len(self.lost)


async def take(page: Page) -> PageSnapshot:
    """Return the page as the sandbox reports it."""
    aria = await page.aria_snapshot(mode="ai")
    return PageSnapshot(page.url, await page.title(), aria, tuple(await collect_hints(page)))


async def reach(page: Page) -> Reach:
    """Mark the controls in the DOM, then look, unfold and search for them."""
    controls: list[dict[str, Any]] = []
    for frame in page.frames:
        controls += await frame.evaluate(MARK, len(controls))
    snapshot = await take(page)
    observer = Observer()
    look = observer.first(snapshot)
    seen = await _probes(page, look)
    unfolded = await _probes(page, unfold_all(observer, snapshot, look)) - seen if len(seen) < len(controls) else set()
    missing = set(range(len(controls))) - seen - unfolded
    searched = set()
    for number in sorted(missing):
        if (name := controls[number]["name"]) and number in await _probes(page, observer.find(snapshot, name)):
            searched.add(number)
    lost = tuple(controls[number]["what"] for number in sorted(missing - searched))
    return Reach(look, snapshot.aria, len(seen), len(unfolded), len(searched), lost)


def unfold_all(observer: Observer, snapshot: PageSnapshot, look: str) -> str:
    """Return the content of all folds of a look."""
    texts = []
    for ref in dict.fromkeys(found[1] or found[2] for found in _FOLDED.finditer(look)):
        texts.append(pages(observer, snapshot, ref))
    return "\n".join(texts)


def pages(observer: Observer, snapshot: PageSnapshot, ref: str) -> str:
    """Return everything below a ref, part by part."""
    texts = [observer.unfold(snapshot, ref)]
    while more := re.search(r"⋯ \d+ lines more: unfold (\S+)$", texts[-1]):
        texts.append(observer.unfold(snapshot, more[1]))
    return "\n".join(texts)


async def _probes(page: Page, text: str) -> set[int]:
    """Return the marked controls that refs in a text lead to; a summary is clicked through its details element."""

    async def probe(ref: str) -> str | None:
        try:
            number: str | None = await page.get_by_ref(ref).evaluate(_NUMBER, timeout=2_000)
        except Error:  # the ref is of an element that has gone, or never was one
            return None
        return number

    refs = list(dict.fromkeys(_REF.findall(text)))
    found: list[str | None] = []
    for start in range(0, len(refs), 40):
        found += await asyncio.gather(*(probe(ref) for ref in refs[start : start + 40]))
    return {int(number) for number in found if number is not None}
