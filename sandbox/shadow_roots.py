"""Closed shadow roots: found in all frames of a page, and opened to locators.

A script of a page cannot reach them, nor can Playwright; the browser's debugging protocol can.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

MOST_FRAMES = 12
_SHOW = "function (root) { Object.defineProperty(this, 'shadowRoot', {value: root, configurable: true}); }"


@contextlib.asynccontextmanager
async def debugging_sessions(page: Page) -> AsyncIterator[list[CDPSession]]:
    """Open sessions for a page and for its frames that have a process of their own."""
    from playwright.async_api import Error

    async with contextlib.AsyncExitStack() as stack:
        sessions = []
        for frame in page.frames[:MOST_FRAMES]:
            own = frame is not page.main_frame
            with contextlib.suppress(Error):  # it is in the process of its parent, whose session serves it
                session = await page.context.new_cdp_session(frame if own else page)
                stack.push_async_callback(_detach, session)
                sessions.append(session)
        yield sessions


async def _detach(session: CDPSession) -> None:
    from playwright.async_api import Error

    with contextlib.suppress(Error):  # the frame is gone
        await session.detach()


async def frame_ids(session: CDPSession) -> list[str]:
    """Return the frames that a session serves, the first one first."""
    stack, found = [(await session.send("Page.getFrameTree"))["frameTree"]], list[str]()
    while stack:
        tree = stack.pop(0)
        found.append(tree["frame"]["id"])
        stack += tree.get("childFrames", ())
    return found[:MOST_FRAMES]


async def open_closed_roots(page: Page) -> int:
    """Show the closed shadow roots of a page's elements to its scripts and to locators, and return their number.

    Roots that are made later, and those of the next page, stay closed.
    """
    opened = 0
    async with debugging_sessions(page) as sessions:
        for session in sessions:
            opened += await _open_roots(session)
    return opened


async def _open_roots(session: CDPSession) -> int:
    from playwright.async_api import Error

    worlds: dict[str, list[int]] = {}

    def note(event: Any) -> None:
        context = event["context"]
        worlds.setdefault(context.get("auxData", {}).get("frameId", ""), []).append(context["id"])

    session.on("Runtime.executionContextCreated", note)
    await session.send("Runtime.enable")
    root = (await session.send("DOM.getDocument", {"depth": -1, "pierce": True}))["root"]
    main, opened = (await frame_ids(session))[0], 0
    for frame, host, closed in _closed_roots(root, main):
        for world in worlds.get(frame, ()):
            with contextlib.suppress(Error):  # it went meanwhile
                element, inner = [
                    (await session.send("DOM.resolveNode", {"backendNodeId": node, "executionContextId": world}))[
                        "object"
                    ]
                    for node in (host, closed)
                ]
                asked = {"functionDeclaration": _SHOW, "objectId": element["objectId"]}
                await session.send("Runtime.callFunctionOn", asked | {"arguments": [{"objectId": inner["objectId"]}]})
        opened += 1
    return opened


def _closed_roots(root: dict[str, Any], frame: str) -> Iterator[tuple[str, int, int]]:
    """Yield the frame, the element and the root of each closed shadow root, as the protocol numbers them."""
    stack = [(root, frame)]
    while stack:
        node, within = stack.pop()
        for inner in node.get("shadowRoots", ()):
            if inner.get("shadowRootType") == "closed":
                yield within, node["backendNodeId"], inner["backendNodeId"]
            stack.append((inner, within))
        stack += [(child, within) for child in node.get("children", ())]
        if "contentDocument" in node:
            stack.append((node["contentDocument"], node.get("frameId", within)))
