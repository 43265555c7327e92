"""What an automation may import: `TaskContext`, its door to the host, and the errors that it may meet.

from sandbox.toolkit import AskRefused
"""

from __future__ import annotations

import ast
import asyncio
import base64
import mimetypes
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import asynccontextmanager
from email.message import Message as Header
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from sandbox.errors import AskRefused, SandboxError
from sandbox.protocol import CHUNK_BYTES, Channel, RemoteError, is_whole

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Download, Locator, Page, Response

__all__ = ["AskRefused", "GateRefused", "RehearsalComplete", "SandboxError", "TaskContext"]

_VISIBLE_WITHIN_MS = 2_000
_LINK = "element => { const link = element.closest('a[href]'); return link ? link.href : null; }"


class RehearsalComplete(BaseException):
    """The run stops before an irreversible action, as the host asked. Not an `Exception`: ``except Exception``
    lets it pass."""


class GateRefused(BaseException):
    """The host refused an irreversible action. The run stops."""


class _Done:
    """So that ``task.log(…)`` and ``await task.log(…)`` are both right."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class TaskContext:
    """An automation's one door to the host; it gets it as ``task``.

    Attributes:
        start_url: Where the page was opened, or None.
    """

    def __init__(self, channel: Channel, page: Page, start_url: str | None, resources: Path) -> None:
        self.start_url = start_url
        self._channel = channel
        self._page = page
        self._resources = resources
        self._stopped: BaseException | None = None
        self._empty: list[tuple[str, Locator]] = []

    def log(self, *parts: object) -> _Done:
        """Tell the user something. Takes what ``print`` takes."""
        self._channel.notify("log", message=" ".join(map(str, parts))[:CHUNK_BYTES])
        return _Done()

    def progress(self, done: int, total: int | None = None) -> _Done:
        """Say how far the work is: ``task.progress(3, 20)``.

        Raises:
            ValueError: More is done than there is in all: paging that never ends shows here.
        """
        if total is not None and int(done) > int(total):
            raise ValueError(f"{done} rows read where the page says {total}: does the paging end, are rows read twice?")
        if not is_whole(int(done)):
            raise ValueError(f"{done} is not how many are done")
        self._channel.notify("progress", done=int(done), total=None if total is None else int(total))
        return _Done()

    def resource(self, name: str) -> Path:
        """Path of one of the automation's data files: ``task.resource("codes.csv").read_text()``.

        Raises:
            FileNotFoundError: The automation has no such file.
        """
        path = (self._resources / name).resolve()
        if not (path.is_relative_to(self._resources.resolve()) and path.is_file()):
            raise FileNotFoundError(f"this automation has no resource {name!r}")
        return path

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None = None) -> Any:
        """Ask the model about ``content``; its answer fits ``schema``. For reading text, not for finding one's way.

        Raises:
            AskRefused: No model answers here.
        """
        try:
            return await self._channel.request("ask", prompt=prompt, content=content, schema=schema)
        except RemoteError as error:
            raise (AskRefused if error.kind == "AskRefused" else SandboxError)(str(error)) from None

    async def empty(self, locator: Locator) -> None:
        """Point out the element by which the site says that there is nothing to return.

        Raises:
            SandboxError: It is not visible.
        """
        text = _selector(locator)
        self._empty.append((text, locator))
        try:
            await locator.first.wait_for(state="visible", timeout=_VISIBLE_WITHIN_MS)
        except Exception as error:
            raise SandboxError(
                f"task.empty: {text} is not visible, so it does not show that there is nothing"
            ) from error

    @asynccontextmanager
    async def irreversible(self, action: str, key: str | None = None) -> AsyncIterator[None]:
        """Guard an order, payment, message or post: ``async with task.irreversible("place the order", key=item): …``

        Args:
            action: What is about to be done.
            key: Tells the items of a loop apart.
        """
        decision = await self._channel.request("gate", action=action, key=key)
        if decision == "rehearse":
            self._stopped = RehearsalComplete(f"stopped before: {action}")
            raise self._stopped
        if decision != "go":
            self._stopped = GateRefused(f"refused: {action}")
            raise self._stopped
        try:
            yield
        except BaseException as error:
            await self._channel.request(
                "gate_closed", action=action, key=key, error=f"{type(error).__name__}: {error}"[:2000]
            )
            raise
        await self._channel.request("gate_closed", action=action, key=key, error=None)

    async def attach(self, path: str | Path, name: str | None = None) -> dict[str, Any]:
        """Hand a file that the automation wrote to the user. Returns its attachment, to be put into the result.

        Args:
            path: The file.
            name: What to call it; default its own name.
        """
        source = Path(path)
        return await self._send(name or source.name, _guess_type(name or source.name), None, _read(source))

    async def download(
        self, source: Locator | str, *, name: str | None = None, timeout: float = 60.0
    ) -> dict[str, Any]:
        """Download a file and hand it to the user. Returns its attachment, to be put into the result.

        A URL, or a link's, is fetched with the page's cookies; anything else is clicked, and the download that
        it starts is taken.

        Args:
            source: A link or button, or a URL (relative ones count from the page's).
            name: What to call it; default as the site does.
            timeout: Seconds.
        """
        if isinstance(source, str):
            return await self._fetch(urljoin(self._page.url, source), name, timeout, pages=True)
        href = await source.evaluate(_LINK)
        if href and urlsplit(href).scheme in ("http", "https") and not _same_document(href, self._page.url):
            try:
                return await self._fetch(href, name, timeout, pages=False)
            except _IsPageError:
                pass  # the link leads to a page or to a script; so click it as a user would
        return await self._click(source, name, timeout)

    async def _fetch(self, url: str, name: str | None, timeout: float, *, pages: bool) -> dict[str, Any]:
        headers = {"Referer": self._page.url} if self._page.url.startswith("http") else {}
        response = await self._page.context.request.get(url, headers=headers, timeout=timeout * 1000)
        try:
            if not response.ok:
                raise SandboxError(f"the download of {url} was answered with HTTP {response.status}")
            content_type = response.headers.get("content-type", "").partition(";")[0].strip()
            if not pages and content_type == "text/html" and "content-disposition" not in response.headers:
                raise _IsPageError(url)
            body = await response.body()
        finally:
            await response.dispose()
        name = name or _file_name(response.headers.get("content-disposition"), response.url)
        chunks = (body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))
        return await self._send(name, content_type or _guess_type(name), response.url, chunks)

    async def _click(self, source: Locator, name: str | None, timeout: float) -> dict[str, Any]:
        async with _first_file(self._page.context) as found:
            await source.click()
            try:
                file = await asyncio.wait_for(found, timeout)
            except TimeoutError:
                raise SandboxError(f"the click on {source} started no download within {timeout:g} s") from None
        if isinstance(file, str):
            return await self._fetch(file, name, timeout, pages=True)
        path = Path(await file.path())  # waits for the end; raises if the download failed
        name = name or file.suggested_filename
        try:
            return await self._send(name, _guess_type(name), file.url, _read(path))
        finally:
            await file.delete()

    async def _send(self, name: str, content_type: str, url: str | None, chunks: Iterable[bytes]) -> dict[str, Any]:
        try:
            stream = await self._channel.request("download", name=name, type=content_type, url=url)
            for chunk in chunks:
                data = base64.b64encode(chunk).decode()
                await self._channel.request("chunk", stream=stream, data=data)
            attachment: dict[str, Any] = await self._channel.request("downloaded", stream=stream)
        except RemoteError as error:
            raise SandboxError(f"the file {name!r} was not taken: {error}") from None
        return attachment


class _IsPageError(Exception):
    """A link that was to be downloaded leads to a page."""


@asynccontextmanager
async def _first_file(context: BrowserContext) -> AsyncIterator[asyncio.Future[Download | str]]:
    """The first download in any page of the context; or the URL of a document that is shown instead, such as a PDF."""
    found: asyncio.Future[Download | str] = asyncio.get_running_loop().create_future()

    def take(file: Download | str) -> None:
        if not found.done():
            found.set_result(file)

    def on_response(response: Response) -> None:
        content_type = response.headers.get("content-type", "")
        if response.request.is_navigation_request() and content_type.startswith("application/pdf"):
            take(response.url)

    watched: list[Page] = []

    def watch(page: Page) -> None:
        watched.append(page)
        page.on("download", take)

    for page in context.pages:
        watch(page)
    context.on("page", watch)
    context.on("response", on_response)
    try:
        yield found
    finally:
        context.remove_listener("page", watch)
        context.remove_listener("response", on_response)
        for page in watched:
            page.remove_listener("download", take)


def _selector(locator: Locator) -> str:
    """The selector of a locator, as ``page.locator`` takes it. Only its representation tells."""
    shown = repr(locator)
    quoted = shown.partition("> selector=")[2].removesuffix(">")
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return shown


def _same_document(href: str, page_url: str) -> bool:
    return href.partition("#")[0] == page_url.partition("#")[0]


def _file_name(disposition: str | None, url: str) -> str:
    if disposition:
        header = Header()
        header["Content-Disposition"] = disposition
        given = header.get_filename()
        if given:
            return given
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or "download"


def _guess_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _read(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
