"""The part of ``task`` by which an automation points out what the site says: nothing, done before, refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from sandbox.errors import SandboxError
from sandbox.nothing_words import plain_lines
from sandbox.page_files import selector
from sandbox.protocol import Channel

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from sandbox.web.elements import WebElement
    from sandbox.web.found import Found
    from sandbox.web.pages import WebPage

_VISIBLE_WITHIN_MS = 2_000
_SETTLES_WITHIN = 5.0  # seconds; some pages never do
_SAID = 300  # characters of what an element says


class SiteWords:
    """The words of the site that an automation points out.

    Args:
        channel: The channel to the host.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._empty: list[tuple[str, Locator]] = []
        self._said_empty: list[tuple[str, str]] = []  # in a run without a browser: what was sought, and what it says
        self._web_page: Callable[[], WebPage | None] = lambda: None
        self._settled: Callable[[float], Awaitable[bool]] | None = None

    async def empty(self, locator: Locator | Found[WebElement] | WebElement) -> None:
        """Show that there is nothing to return, by the element in which the site says so.

            await task.empty(page.get_by_text("No orders match your search"))
            return []

        Where it is not there and another short message plainly says so ("No results"), that one counts.

        Args:
            locator: A short visible message, found by its words or its role, not by something that every page has.

        Raises:
            SandboxError: The element is not visible within two seconds, or goes away while the page loads on.
        """
        if not _in_browser(locator):
            sought, said = _said_by(locator)
            page = self._web_page()
            said = said or next(plain_lines(page.text if page is not None else ""), "")
            if not said:
                raise SandboxError(
                    f"task.empty: {sought} is not on the page, so it does not show that there is nothing"
                )
            self._said_empty.append((sought, said if len(said) <= _SAID else ""))
            return
        text = selector(locator)
        self._empty.append((text, locator))
        try:
            await locator.first.wait_for(state="visible", timeout=_VISIBLE_WITHIN_MS)
        except Exception as error:  # a timeout or a page that is gone: either shows nothing
            found = await _plain_words(locator)
            if found is None:
                raise SandboxError(
                    f"task.empty: {text} is not visible, so it does not show that there is nothing"
                ) from error
            locator = found  # code that was written before the site said so can only guess how it does
            self._empty[-1] = selector(locator), locator
        if self._settled is not None:  # what is shown while a page loads says nothing of what will be there
            await self._settled(_SETTLES_WITHIN)
            if not await locator.first.is_visible():
                raise SandboxError(f"task.empty: {text} went away while the page loaded on; wait for the rows, too")

    async def outcome(
        self,
        *,
        success: Locator | Found[WebElement] | WebElement,
        failure: Locator | Found[WebElement] | WebElement,
        timeout: float = 30.0,
    ) -> str:
        """Wait for the site's answer to a submission, whichever it is, and return the words of its success.

            async with task.irreversible("place the order"):
                await page.get_by_role("button", name="Place order").click()
                await task.outcome(success=page.get_by_text("Thank you"), failure=page.get_by_role("alert"))

        Args:
            success: The element by which the site confirms.
            failure: The element by which it refuses: an alert, a list of errors.
            timeout: Seconds.

        Raises:
            SandboxError: The site refused it; the message has its words.
            TimeoutError: Neither is visible in time; Playwright's.
        """
        if not _in_browser(success) or not _in_browser(failure):
            confirmed, refused = _said_by(success)[1], _said_by(failure)[1]
            if refused and not confirmed:
                raise SandboxError(f"the site refused it: {refused[:_SAID]}")
            if not confirmed:
                raise SandboxError(f"the site says neither {_said_by(success)[0]} nor {_said_by(failure)[0]}")
            return confirmed[:_SAID]
        waits = [asyncio.ensure_future(_visible(locator, timeout)) for locator in (success, failure)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not any(map(_seen, waits)):  # one has timed out, and the other is about to
                await asyncio.wait(waits)
            if _seen(waits[0]) or not _seen(waits[1]):
                return await waits[0]
            raise SandboxError(f"the site refused it: {await waits[1]}")
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def already_done(self, locator: Locator | Found[WebElement] | WebElement) -> None:
        """Show that the site has the effect of an earlier run, by the element in which it says so.

            applied = page.get_by_text("You have already applied")
            if await applied.count():
                await task.already_done(applied)
                return {"reference": await page.get_by_test_id("reference").inner_text()}

        The run then ends as a success of its own kind: nothing was done, because it was done before.

        Args:
            locator: A visible element.

        Raises:
            SandboxError: The element is not visible within two seconds.
        """
        if not _in_browser(locator):
            sought, said = _said_by(locator)
            if not said:
                raise SandboxError(
                    f"task.already_done: {sought} is not on the page, so it does not show that it was done"
                )
        else:
            try:
                await locator.first.wait_for(state="visible", timeout=_VISIBLE_WITHIN_MS)
                said = await locator.first.inner_text()
            except Exception as error:  # a timeout or a page that is gone: either shows nothing
                raise SandboxError(
                    f"task.already_done: {selector(locator)} is not visible, so it does not show that it was done"
                ) from error
        await self._channel.request("already_done", said=" ".join(said.split())[:_SAID])


def _in_browser(found: Locator | Found[WebElement] | WebElement) -> TypeGuard[Locator]:
    """Return True for a locator of Playwright; what `web` finds is there, or not, and shows at once."""
    return hasattr(type(found), "wait_for")


def _said_by(found: Any) -> tuple[str, str]:
    """Return what was sought by `web`, and the text of the first visible element; empty where there is none."""
    elements: Any = found if isinstance(found, list) else [found]
    sought: str = found.sought if elements is found else found.describe()
    return sought, next((text for each in elements if not each.hidden and (text := " ".join(each.text.split()))), "")


async def _plain_words(beside: Locator) -> Locator | None:
    """Return the element in whose words a page plainly says that there is nothing; None where there is none."""
    page = beside.page
    said = next(plain_lines(await page.locator("body").inner_text()), None)
    if said is None:
        return None
    found = page.get_by_text(said, exact=True).filter(visible=True)
    return found if await found.count() else None


async def _visible(locator: Locator, timeout: float) -> str:
    shown = locator.filter(visible=True).first
    await shown.wait_for(timeout=timeout * 1000)
    return " ".join((await shown.inner_text()).split())[:_SAID]


def _seen(wait: asyncio.Future[str]) -> bool:
    return wait.done() and wait.exception() is None
