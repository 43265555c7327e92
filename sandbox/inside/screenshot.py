"""Screenshots of a page, together with all text that may be legible on them."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

_SCREENSHOT_TIMEOUT_MS = 5_000
_TEXT_TIMEOUT = 3.0
_LEGIBLE_LIMIT = 500_000

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
    texts = await asyncio.gather(*(_text(frame) for frame in page.frames))
    legible = "\n".join(map(str, texts))
    known = None not in texts and len(legible) < _LEGIBLE_LIMIT
    return {"screenshot": image, "legible": legible if known else None}


async def _text(frame: Frame) -> str | None:
    from playwright.async_api import Error

    try:
        return str(await asyncio.wait_for(frame.evaluate(_LEGIBLE), _TEXT_TIMEOUT))
    except (Error, TimeoutError):
        return None
