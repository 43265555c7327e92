"""Inside the jail: screenshots of a page, together with all that can be read on them."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

_SCREENSHOT_TIMEOUT_MS = 5_000
_TEXT_TIMEOUT = 3.0
_LEGIBLE_LIMIT = 500_000

# Shadow roots hold text of their own; what is typed into a field is none of its text.
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
    client = await page.context.new_cdp_session(page)
    await client.send("Page.stopLoading")
    await client.detach()


async def take_picture(page: Page) -> dict[str, Any]:
    """A screenshot, and all text that may be legible on it."""
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
