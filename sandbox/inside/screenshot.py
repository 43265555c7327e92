"""Screenshots of a page, together with all text that may be legible on them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Frame, Locator, Page

_SCREENSHOT_TIMEOUT_MS = 5_000
_TEXT_TIMEOUT = 3.0
_LEGIBLE_LIMIT = 500_000
_PICTURE_TIMEOUT_MS = 2_000
_PICTURE_QUALITY = 45
_MASK_COLOR = "#808080"
_WIDEST, _HIGHEST = 2_000, 4_000  # CSS pixels of a picture
_HOLDING = """(fields, secrets) => fields.flatMap((field, at) =>
  secrets.some((secret) => field.value && field.value.includes(secret)) ? [[at, field.value]] : [])"""

# Shadow roots hold text of their own, and the text of an element does not include the value of a field.
_LEGIBLE = """() => {
  const texts = [];
  const collect = (root) => {
    texts.push(root.innerText ?? [...root.children].map((e) => e.innerText ?? e.textContent).join('\\n'));
    for (const e of root.querySelectorAll('*')) {
      if ((e.matches('input:not([type=password]):not([type=hidden])') || e.matches('textarea')) && e.value)
        texts.push(e.value);
      if (e.shadowRoot) collect(e.shadowRoot);
    }
  };
  if (document.body) collect(document.body);
  return texts.join('\\n');
}"""

# The place of each text: of the text node that has it, else of the smallest element that does; in CSS pixels.
_BOXES = """(texts) => {
  const plain = (s) => (s || '').replace(/\\s+/g, ' ').trim();
  const nodes = [], elements = [], root = document.body || document.documentElement;
  for (const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT); nodes.length < 50000 && walk.nextNode();)
    if (plain(walk.currentNode.data)) nodes.push([plain(walk.currentNode.data), walk.currentNode.parentElement]);
  for (const e of root.querySelectorAll('*')) if (elements.length < 20000) elements.push(e);
  return texts.map(plain).map((wanted) => {
    const same = nodes.filter(([text]) => text === wanted), part = nodes.filter(([text]) => text.includes(wanted));
    const whole = same.length || part.length ? [] : elements.filter((e) => plain(e.textContent) === wanted).reverse();
    for (const e of [...same, ...part].map(([, e]) => e).concat(whole)) {
      const r = e.getBoundingClientRect();
      if (!wanted || !r.width || !r.height || r.left + scrollX < 0 || r.top + scrollY < 0) continue;
      return [r.left + scrollX, r.top + scrollY, r.width, r.height].map(Math.round);
    }
    return null;
  });
}"""


async def stop_loading(page: Page) -> None:
    """Stop whatever the page is loading, as the browser's stop button does."""
    client = await page.context.new_cdp_session(page)
    await client.send("Page.stopLoading")
    await client.detach()


async def take_screenshot(page: Page) -> dict[str, Any]:
    """Return ``screenshot`` and ``legible`` of `Evidence`, as JSON; empty where the page gives no image."""
    from playwright.async_api import Error

    try:
        image = base64.b64encode(await page.screenshot(timeout=_SCREENSHOT_TIMEOUT_MS)).decode()
    except Error:
        return {}
    return {"screenshot": image, "legible": await _legible(page)}


async def _legible(page: Page) -> str | None:
    texts = await asyncio.gather(*(_text(frame) for frame in page.frames))
    legible = "\n".join(map(str, texts))
    return legible if None not in texts and len(legible) < _LEGIBLE_LIMIT else None


async def take_picture(
    page: Page | None, secrets: Sequence[str], *, whole: bool = False, texts: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a small JPEG of what the window shows, with elements that hold secrets covered; empty where there is none.

    ``legible`` is the text that is not covered.

    Args:
        whole: Show the whole page, or as much from its top as a picture holds, and tell its ``url``.
        texts: Texts whose places to tell, as ``boxes``.
    """
    from playwright.async_api import Error

    if page is None:
        return {}
    covered: list[Locator] = []
    hidden: list[str] = []
    try:
        for frame in page.frames if secrets else ():
            found, held = await _holding(frame, secrets)
            covered += found
            hidden += held
        image = await page.screenshot(
            type="jpeg", quality=_PICTURE_QUALITY, scale="css", timeout=_PICTURE_TIMEOUT_MS, mask=covered,
            mask_color=_MASK_COLOR, **(await _whole(page) if whole else {}),
        )  # fmt: skip
        boxes = await page.evaluate(_BOXES, list(texts)) if texts else []
    except Error:
        return {}
    place = {"url": page.url, "boxes": boxes} if whole else {}
    if not secrets:
        return {"image": base64.b64encode(image).decode(), "legible": None, **place}
    legible = await _legible(page)
    for text in sorted(hidden, key=len, reverse=True):  # one may be a part of another
        legible = legible.replace(text, "", 1) if legible is not None else None
    return {"image": base64.b64encode(image).decode(), "legible": legible, **place}


async def _whole(page: Page) -> dict[str, Any]:
    """Return the arguments of a screenshot of the whole page, but for what is far down."""
    width, height = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": min(width, _WIDEST), "height": max(1, min(height, _HIGHEST))}
    return {"full_page": True, "clip": clip}


async def _holding(frame: Frame, secrets: Sequence[str]) -> tuple[list[Locator], list[str]]:
    """Return the elements of a frame whose text or value holds a secret, and these texts."""
    covered, texts = [], []
    fields = frame.locator("input, textarea")
    for at, value in await fields.evaluate_all(_HOLDING, list(secrets)):
        covered.append(fields.nth(at))
        texts.append(str(value))
    for secret in secrets:
        elements = frame.get_by_text(secret)
        covered.append(elements)
        texts += await elements.all_inner_texts()
    return covered, texts


async def _text(frame: Frame) -> str | None:
    from playwright.async_api import Error

    try:
        return str(await asyncio.wait_for(frame.evaluate(_LEGIBLE), _TEXT_TIMEOUT))
    except (Error, TimeoutError):
        return None
