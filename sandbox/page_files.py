"""Files that a page hands out: downloads, the targets of links, and documents that the browser shows.

A site counts on being asked once: a form makes the file of a POST, a link works one time, a click may order something.
So what a click brings is taken from the browser. Only where the browser did not keep it is it asked for again, and only
by a GET.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import binascii
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from sandbox import file_names
from sandbox.errors import SandboxError
from sandbox.page_watch import PageWatch
from sandbox.protocol import CHUNK_BYTES
from sandbox.sites import origin_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Download, Frame, Locator, Page, Response

_POLL_SECONDS = 0.25
_LOOK_SECONDS = 1.0
_LANDED_SECONDS = 12.0  # after which a page that was opened in place of a file begins no download by itself
_BODY_SECONDS = 10.0
_VIEWER_SECONDS = 5.0
_NO_LINK = (400, 403, 404, 405, 406, 415)  # a script handles the link: a GET of its target is not what a click does

# The address that an element leads to or shows, and the name that a link gives its file; null where only a click tells.
_TARGET = r"""(element) => {
  const link = element.closest('a[href], area[href]');
  if (link) {
    const methods = /^(data-(turbo-)?method|data-remote|(data-)?hx-)/;
    const own = /return false|preventDefault|submit|location|window\.open|postback/i;
    const scripted = [...link.attributes].some((a) => methods.test(a.name)) || own.test(link.getAttribute('onclick'));
    return scripted ? null : {url: String(link.href), name: link.getAttribute('download') || '', shown: false};
  }
  if (element.closest('button, [role=button]')) return null;
  if (!element.matches('embed, object, iframe, frame, img, video, audio, source')) return null;
  const url = element.currentSrc || element.src || element.data;
  return url ? {url: String(url), name: '', shown: true} : null;
}"""
_EMBEDDED = r"""() => [...document.querySelectorAll('embed, object, iframe')]
  .map((e) => [String(e.src || e.data || ''), e.type || ''])
  .filter(([url, type]) => /^(https?|blob|data):/.test(url)
    && (type === 'application/pdf' || /^data:application\/pdf/.test(url) || /\.pdf([?#]|$)/i.test(url)))
  .map(([url]) => url)"""
_SAVE = """(url) => {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  document.documentElement.append(link);
  link.click();
  link.remove();
}"""
_BYTES = (
    "application/octet-stream",
    file_names.PDF,
    "application/zip",
    "application/vnd.",
    "image/",
    "audio/",
    "video/",
)
_VIEWER_SAVES = "cr-icon-button#save, cr-icon-button#download"


@dataclass(frozen=True)
class PageFile:
    """A file that a page handed out.

    Args:
        name: Its name, as `file_names.presentable` returns it.
        content_type: Its type.
        url: The address that it came from, if that is one.
        content: What it contains, or the path of the browser's copy.
    """

    name: str
    content_type: str
    url: str | None
    content: bytes | Path

    def chunks(self) -> Iterator[bytes]:
        """Yield what it contains."""
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
            return
        for start in range(0, len(self.content), CHUNK_BYTES):
            yield self.content[start : start + CHUNK_BYTES]


class _IsPageError(Exception):
    """A link whose target was to be downloaded leads to a page."""


class _AnsweredError(SandboxError):
    """A file's address was answered with an error; ``status`` is the answer's."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"the download of {url} was answered with HTTP {status}")
        self.status = status


@asynccontextmanager
async def open_file(
    page: Page, source: Locator | str, timeout: float, began: Callable[[str], Download | None]
) -> AsyncIterator[PageFile]:
    """Yield the file at an address, that a link or an embedded document names, or that a click on an element brings.

    Args:
        page: The page.
        source: The address or the element.
        timeout: Seconds.
        began: Returns the download that the browser itself began of what an element shows, as of a frame's document.

    Raises:
        SandboxError: There is no file.
    """
    deadline = time.monotonic() + timeout
    if isinstance(source, str):
        target: dict[str, Any] = {"url": source, "name": "", "shown": True, "pages": True}
    else:
        target = await source.evaluate(_TARGET) or {"url": "", "name": "", "shown": False}
    kept = None if isinstance(source, str) or not target["shown"] else began(target["url"])
    file = await _complete(kept, timeout) if kept is not None else None
    file = file or await _named(page, target, timeout)
    if file is not None:
        yield file
        return
    async with _watching(page.context) as watch:
        if isinstance(source, str) or (target["shown"] and target["url"].startswith("blob:")):
            yield await _save_blob(page, target["url"], watch, deadline)
        else:
            yield await _click(page, source, watch, timeout)


async def _named(page: Page, target: dict[str, Any], timeout: float) -> PageFile | None:
    """Return the file that an element names by its address; None where only a click can bring it."""
    url, name, shown = target["url"], target["name"], target["shown"]
    scheme = urlsplit(url).scheme
    if scheme == "data":
        return _from_data(url, name)
    if scheme not in ("http", "https") or (not shown and _same_document(url, page.url)):
        return None
    try:
        return await _get(page, url, timeout, pages="pages" in target, name=name)
    except _IsPageError:
        return None  # a page or a script handles the link; so it is clicked as a user would
    except _AnsweredError as error:
        if shown or error.status not in _NO_LINK:
            raise
        return None


async def _get(page: Page, url: str, timeout: float, *, pages: bool = True, name: str = "") -> PageFile:
    """Ask for a file with the page's cookies."""
    headers = {"Referer": page.url} if page.url.startswith("http") else {}
    response = await page.context.request.get(url, headers=headers, timeout=timeout * 1000)
    try:
        if not response.ok:
            raise _AnsweredError(url, response.status)
        disposition = response.headers.get("content-disposition")
        known = file_names.valid_type(response.headers.get("content-type"))
        if not pages and known == "text/html" and disposition is None:
            raise _IsPageError(url)
        body = await response.body()
    finally:
        await response.dispose()
    named = file_names.from_headers(disposition, response.url, known or "", default=name)
    return PageFile(named, known or file_names.type_of(named), response.url, body)


def _from_data(url: str, name: str) -> PageFile:
    head, _, text = url.removeprefix("data:").partition(",")
    body = unquote_to_bytes(text)
    if head.endswith(";base64"):
        try:
            body = base64.b64decode(body + b"=" * (-len(body) % 4))
        except binascii.Error as error:
            raise SandboxError(f"a data: URL is not base64: {error}") from None
    known = file_names.valid_type(head) or ("text/plain" if not head else file_names.type_of(name))
    return PageFile(file_names.presentable(name, known), known, None, body)


async def _click(page: Page, source: Locator, watch: PageWatch, timeout: float) -> PageFile:
    """Click, and return the first file that comes of it."""
    before, deadline, address = await _embedded(page.context), time.monotonic() + timeout, page.url
    await source.click()
    while True:
        watch.changed.clear()
        file = await _found(page, watch, before, deadline)
        if file is not None:
            break
        if watch.refused is not None and watch.refused_for() > _LOOK_SECONDS:
            status, url = watch.refused
            raise SandboxError(f"the click on {selector(source)} was answered with HTTP {status} at {url}")
        if watch.landed is not None and watch.quiet_for() > _LANDED_SECONDS:
            raise SandboxError(
                f"the click on {selector(source)} led to a page, {watch.landed}, and no download came of that within"
                f" {_LANDED_SECONDS:g} s"
            )
        if time.monotonic() > deadline:
            opened = "" if page.url == address and not watch.opened else f"; it opened {watch.last_page() or page.url}"
            raise SandboxError(f"the click on {selector(source)} started no download within {timeout:g} s{opened}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch.changed.wait(), _POLL_SECONDS)
    if page.url != address and page.url == file.url:
        await _quickly(page.go_back())  # the document took the page's place, in some browsers: let the code go on
    return file


async def _found(page: Page, watch: PageWatch, before: set[tuple[Frame, str]], deadline: float) -> PageFile | None:
    if watch.downloads:
        return await _downloaded(page, watch, deadline)
    if (shown := watch.shown()) is not None:
        return await _shown(page, shown, watch, deadline)
    for frame, url in await _embedded(page.context) - before:
        if urlsplit(url).scheme == "blob":
            return await _save(frame, url, watch, deadline)
        if urlsplit(url).scheme == "data":
            return _from_data(url, "")
        return await _get(page, url, max(0.1, deadline - time.monotonic()))
    if (fetched := watch.fetched()) is not None:  # by a script, which draws the document itself
        return await _body(fetched)
    return None


async def _downloaded(page: Page, watch: PageWatch, deadline: float) -> PageFile:
    from playwright.async_api import Error

    download: Download = watch.downloads[0]
    try:
        path = Path(await asyncio.wait_for(download.path(), max(0.1, deadline - time.monotonic())))
    except TimeoutError:
        raise SandboxError(f"the download of {_short(download.url)} was not complete in time") from None
    except Error:
        if watch.is_safe(download.url):
            return await _get(page, download.url, max(0.1, deadline - time.monotonic()))
        raise SandboxError(
            f"the download of {_short(download.url)} broke off ({await download.failure()}); it is not asked for again,"
            " because that could do twice what the click did"
        ) from None
    known = watch.type_of(download.url)
    name = file_names.suggested(download.suggested_filename, download.url, known or "")
    url = None if download.url.startswith("data:") else download.url
    return PageFile(name, known or file_names.type_of(name), url, path)


async def _complete(download: Download, timeout: float) -> PageFile | None:
    """Return the file of a download; None where it broke off."""
    path = await _quickly(download.path(), timeout)
    name = file_names.suggested(download.suggested_filename, download.url, "")
    return None if path is None else PageFile(name, file_names.type_of(name), download.url, Path(path))


async def _shown(page: Page, response: Response, watch: PageWatch, deadline: float) -> PageFile:
    """Return a document that the browser shows instead of saving it."""
    url = response.url
    file = await _body(response)
    if file is not None:
        return file
    if watch.type_of(url) == file_names.PDF and await _press_save(page.context, url):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch.downloaded.wait(), _VIEWER_SECONDS)
            return await _downloaded(page, watch, deadline)
    if url.startswith("http") and watch.is_safe(url):
        return await _get(page, url, max(0.1, deadline - time.monotonic()))
    raise SandboxError(
        f"the browser shows {_short(url)} and does not give it out; it is not asked for again, because that could do"
        " twice what the click did"
    )


async def _press_save(context: BrowserContext, url: str) -> bool:
    """Press the button of the viewer in which full Chromium shows a PDF; return False where there is none."""
    until = time.monotonic() + _VIEWER_SECONDS
    while time.monotonic() < until:
        for frame in [frame for page in context.pages for frame in page.frames]:
            parent = frame.parent_frame
            if frame.url.startswith("chrome-extension:") and parent is not None and parent.url == url:
                button = frame.locator(_VIEWER_SAVES).first
                if await _quickly(button.count()):
                    await _quickly(button.dispatch_event("click"))
                    return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def _body(response: Response) -> PageFile | None:
    """Return the document that a response brought, if the browser still has every byte of it."""
    known = file_names.valid_type(response.headers.get("content-type"))
    body: bytes | None = await _quickly(response.body(), _BODY_SECONDS)
    if body is not None and known is not None and not known.startswith(_BYTES):
        body = _original(body, response.headers)
    if body is None or (known == file_names.PDF and b"%PDF" not in body[:1024]):
        return None
    name = file_names.from_headers(response.headers.get("content-disposition"), response.url, known or "")
    return PageFile(name, known or file_names.type_of(name), response.url, body)


def _original(body: bytes, headers: dict[str, str]) -> bytes | None:
    """Return the bytes of a text, which the browser decoded and wrote as UTF-8; None where that is not certain."""
    length = headers.get("content-length", "")
    charset = headers.get("content-type", "").lower().partition("charset=")[2].strip("\"' ;")
    if "content-encoding" in headers or not length.isdecimal():
        return body if charset in ("utf-8", "utf8") else None
    for encoding in ("utf-8", "cp1252", charset):
        with contextlib.suppress(UnicodeError, LookupError):
            original = body.decode().encode(encoding)
            if len(original) == int(length):
                return original
    return None


async def _save_blob(page: Page, url: str, watch: PageWatch, deadline: float) -> PageFile:
    origin = url.removeprefix("blob:")
    frames = [frame for each in page.context.pages for frame in each.frames]
    for frame in [each for each in frames if origin_of(each.url) == origin_of(origin)] or [page.main_frame]:
        with contextlib.suppress(SandboxError):
            return await _save(frame, url, watch, min(deadline, time.monotonic() + _VIEWER_SECONDS))
    raise SandboxError(f"no page has {_short(url)} any more")


async def _save(frame: Frame, url: str, watch: PageWatch, deadline: float) -> PageFile:
    """Have a frame save an address that only its page knows."""
    await frame.evaluate(_SAVE, url)
    try:
        await asyncio.wait_for(watch.downloaded.wait(), max(0.1, deadline - time.monotonic()))
    except TimeoutError:
        raise SandboxError(f"{_short(url)} gives no file") from None
    return await _downloaded(frame.page, watch, deadline)


async def _embedded(context: BrowserContext) -> set[tuple[Frame, str]]:
    """Return the addresses of documents that pages show in a part of themselves."""
    found: set[tuple[Frame, str]] = set()
    for frame in [frame for page in context.pages for frame in page.frames]:
        if not frame.url.startswith("chrome"):
            found |= {(frame, url) for url in await _quickly(frame.evaluate(_EMBEDDED)) or ()}
    return found


@asynccontextmanager
async def _watching(context: BrowserContext) -> AsyncIterator[PageWatch]:
    """Watch what a context's pages receive; in the end, close pages that were opened for a file alone."""
    watch = PageWatch(context)
    try:
        yield watch
    finally:
        watch.stop()
        for page in context.pages:
            if page not in watch.before and page.url in ("", "about:blank", *watch.documents):
                await _quickly(page.close())
        for download in watch.downloads:
            await _quickly(download.delete())


def selector(locator: Locator) -> str:
    """Return a locator's selector, as ``page.locator`` takes it. Playwright has it in the representation only."""
    shown = repr(locator)
    quoted = shown.partition("> selector=")[2].removesuffix(">")
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return shown


async def _quickly(call: Any, seconds: float = _LOOK_SECONDS) -> Any:
    """Return the answer of a call to the browser, or None if it fails or takes long."""
    from playwright.async_api import Error

    try:
        return await asyncio.wait_for(call, seconds)
    except (Error, TimeoutError):
        return None


def _same_document(href: str, page_url: str) -> bool:
    return href.partition("#")[0] == page_url.partition("#")[0]


def _short(url: str) -> str:
    return url if len(url) <= 200 else f"{url[:200]}…"
