"""The module that automations import: the errors that they may handle, and the type of ``task``.

An automation gets an open page, its parameters, and a `TaskContext` for everything that is neither:

    from sandbox.toolkit import AskRefused

    async def run(page, parameters, task):
        for row in await page.get_by_role("row").all():
            text = await row.inner_text()
            try:
                kind = await task.ask("Is this an invoice or a reminder? One word.", text, {"type": "string"})
            except AskRefused:
                kind = None
            ...
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sized
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import urljoin

from sandbox import file_names
from sandbox.attachments import Attachment, Attachments
from sandbox.errors import AskRefused, SandboxError
from sandbox.page_files import PageFile, open_file
from sandbox.protocol import CHUNK_BYTES, Channel, RemoteError, is_whole
from sandbox.read_notes import ReadNotes, own_requests
from sandbox.shadow_roots import open_closed_roots
from sandbox.site_words import SiteWords
from sandbox.totp import totp

if TYPE_CHECKING:
    from playwright.async_api import Download, Locator, Page

    from sandbox.web.client import Web
    from sandbox.web.elements import WebElement, WebForm
    from sandbox.web.errors import WebError
    from sandbox.web.facade import RequestPage
    from sandbox.web.pages import WebPage

_WEB = {  # where each is; imported when first used, for pages need no parser of HTML
    "RequestPage": "facade",
    "Web": "client",
    "WebElement": "elements",
    "WebError": "errors",
    "WebForm": "elements",
    "WebPage": "pages",
}
__all__ = [
    "AskRefused",
    "Attachment",
    "GateRefused",
    "RehearsalComplete",
    "RequestPage",
    "SandboxError",
    "TaskContext",
    "Web",
    "WebElement",
    "WebError",
    "WebForm",
    "WebPage",
]

_Items = TypeVar("_Items", bound="Sized | int")
_OPEN_SHADOW_ROOTS = """(attach => {
  Element.prototype.attachShadow = function(options) { return attach.call(this, {...options, mode: 'open'}); };
})(Element.prototype.attachShadow)"""


def __getattr__(name: str) -> object:
    if name not in _WEB:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"sandbox.web.{_WEB[name]}"), name)
    return found


class RehearsalComplete(BaseException):
    """The end of a rehearsal: the run stops before an irreversible action, as the host asked.

    Not an `Exception`, so that ``except Exception`` in an automation does not catch it.
    """


class GateRefused(BaseException):
    """The end of a run in which the host refused an irreversible action. Not an `Exception`, either."""


async def _no_pages() -> list[Any]:
    return []


class _Done:
    """A result that may be awaited or not: ``task.log(…)`` and ``await task.log(…)`` are both right."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class _Given(Generic[_Items]):
    """A value that is given back when it is awaited."""

    def __init__(self, value: _Items) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, _Items]:
        yield from ()
        return self._value


class TaskContext(SiteWords):
    """The host, as an automation sees it; it is passed to ``run`` as ``task``.

    Attributes:
        start_url: The URL at which the page was opened, or None: ``await page.goto(task.start_url)`` starts over.
    """

    def __init__(self, channel: Channel, page: Page | None, start_url: str | None, resources: Path) -> None:
        super().__init__(channel)
        self.start_url = start_url
        self._page = page
        self._web: Web | None = None
        self._resources = resources
        self._stopped: BaseException | None = None
        self._examined: tuple[int, int | None] | None = None  # rows handed to `read` so far, and the site's total
        self._note_code: Callable[[str], None] = lambda code: None
        self._began: Callable[[str], Download | None] = lambda url: None
        self._map_pages: Callable[[], Awaitable[list[Any]]] = _no_pages
        self._attachments = Attachments(channel, resources.parent / "files")
        self._maps: ReadNotes | None = None

    def log(self, *parts: object) -> _Done:
        """Show the user a line: ``task.log("page", number, "of", total)``.

        Args:
            parts: As for ``print``: any objects, joined by blanks.
        """
        self._channel.notify("log", message=" ".join(map(str, parts))[:CHUNK_BYTES])
        return _Done()

    def progress(self, done: int, total: int | None = None) -> _Done:
        """Report how many rows were read, of how many that the site states: ``task.progress(3, 20)``.

        Args:
            done: Rows read so far.
            total: Rows in all, where the site states them. The engine compares the last report with the output.

        Raises:
            ValueError: ``done`` is negative, or more than ``total``, as when paging does not end.
        """
        if total is not None and int(done) > int(total):
            raise ValueError(f"{done} rows read where the page says {total}: does the paging end, are rows read twice?")
        if not is_whole(int(done)):
            raise ValueError(f"{done} is no number of rows")
        self._channel.notify("progress", done=int(done), total=None if total is None else int(total))
        return _Done()

    def read(self, items: _Items, total: int | None = None) -> _Given[_Items]:
        """Note rows as read from the site, before code filters them, and give them back.

            rows = await task.read(await page.get_by_role("row").evaluate_all(READ), total)
            return [row for row in rows if row["price"] <= parameters["most"]]

        What code leaves out was still examined: a result with fewer rows than the site states, or none, is then right.

        Args:
            items: Rows, or their number; each row once. What was read before is added.
            total: Rows in all, where the site states them.

        Raises:
            ValueError: More rows were read than ``total``, as when paging does not end.
        """
        count = (self._examined[0] if self._examined else 0) + (items if isinstance(items, int) else len(items))
        self.progress(count, total)
        self._examined = (count, None if total is None else int(total))
        return _Given(items)

    def totp(self, secret: str, *, digits: int = 6, period: int = 30, algorithm: str = "SHA1") -> str:
        """Return the one-time code of this moment, as an authenticator app shows it.

            await page.get_by_label("Code").fill(task.totp(parameters["totp_secret"]))

        Args:
            secret: The secret in base32, or an ``otpauth://`` URL, whose own digits, period and algorithm then count.
            digits: Number of digits.
            period: Seconds for which a code holds.
            algorithm: SHA1, SHA256 or SHA512.

        Raises:
            ValueError: The secret is not base32, or the algorithm is not known.
        """
        code = totp(secret, digits=digits, period=period, algorithm=algorithm)
        self._note_code(code)
        return code

    def resource(self, name: str) -> Path:
        """Return the path of one of the automation's data files: ``task.resource("codes.csv").read_text()``.

        Raises:
            FileNotFoundError: The automation has no such file.
        """
        path = (self._resources / name).resolve()
        if not (path.is_relative_to(self._resources.resolve()) and path.is_file()):
            raise FileNotFoundError(f"this automation has no resource {name!r}")
        return path

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None = None) -> Any:
        """Ask the model about a text that code cannot judge, and return its answer. Not for navigating a page.

            mood = await task.ask("Is the review positive?", text, {"type": "boolean"})

        Args:
            prompt: The question. Word it alike for every content: the engine keeps answers by question and content.
            content: The text to judge.
            schema: JSON Schema of the answer; default any text.

        Raises:
            AskRefused: The host has no model to ask, or may not ask it.
            SandboxError: The question was not answered.
        """
        try:
            return await self._channel.request("ask", prompt=prompt, content=content, schema=schema)
        except RemoteError as error:
            raise (AskRefused if error.kind == "AskRefused" else SandboxError)(str(error)) from None

    async def open_shadow_roots(self) -> None:
        """Load the page again with closed shadow roots open, those of frames, too, so that locators reach into them.

        Those that scripts make stay open on later pages; those that stand in a page's HTML are opened by a call there.
        """
        if self._page is None:
            raise SandboxError("task.open_shadow_roots needs a browser, and this automation has none")
        await self._page.add_init_script(_OPEN_SHADOW_ROOTS)
        await self._page.reload(wait_until="domcontentloaded")
        await open_closed_roots(self._page)

    @asynccontextmanager
    async def irreversible(self, action: str, key: str | None = None) -> AsyncIterator[None]:
        """Guard an order, payment, message or post, so that no task does it twice.

            async with task.irreversible("place the order", key=item):
                await page.get_by_role("button", name="Place order").click()
                await page.get_by_text("Thank you").wait_for()

        A trial run ends before the block. A real run enters it once for each action and key; the block should contain
        the action and the wait for its confirmation, and nothing else.

        Args:
            action: The action, in words: "place the order".
            key: What tells the items of a loop apart.

        Raises:
            RehearsalComplete: This is a trial run.
            GateRefused: The host refuses the action.
        """
        decision = await self._channel.request("gate", action=action, key=key, pages=await self._map_pages())
        if decision == "rehearse":
            self._stopped = RehearsalComplete(f"stopped before: {action}")
            raise self._stopped
        if decision != "go":
            self._stopped = GateRefused(f"refused: {action}")
            raise self._stopped
        try:
            yield
        except BaseException as error:  # the journal has to know of cancelation, too
            await self._channel.request(
                "gate_closed", action=action, key=key, error=f"{type(error).__name__}: {error}"[:2000]
            )
            raise
        await self._channel.request("gate_closed", action=action, key=key, error=None)

    async def attach(self, path: str | Path | WebPage, name: str | None = None) -> Attachment:
        """Give the user a file that the automation wrote, and return its attachment, to be put into the output.

            path = Path("summary.csv")
            path.write_text(text)
            return {"summary": await task.attach(path)}

        Args:
            path: The file, or an answer that `web` got.
            name: Its name for the user; default the file's own.

        Raises:
            SandboxError: The host refuses the file.
        """
        if not isinstance(path, str | Path):
            return await self._attachments.send(path.to_file(), name=name)
        shown = file_names.presentable(name or Path(path).name)
        return await self._attachments.send(PageFile(shown, file_names.type_of(shown), None, Path(path)))

    async def download(
        self, source: Locator | WebElement | str, *, name: str | None = None, timeout: float = 60.0
    ) -> Attachment:
        """Download a file for the user, and return its attachment, to be put into the output.

            report = await task.download(page.get_by_role("link", name="Annual report"))
            rows = list(csv.reader(report.text().splitlines()))

        A URL, the target of a link, or the source of an embedded document is fetched with the page's cookies. Any other
        element is clicked once, and what the click brings is taken: the download, or the document that the browser
        shows, in a new tab, too.

        Args:
            source: A link, button or embedded document, or a URL; a relative one counts from the page's.
            name: Its name for the user; default the site's.
            timeout: Seconds.

        Raises:
            SandboxError: The site does not deliver the file, the click brings none, or the host refuses it.
        """
        if self._page is None:
            return await self._download_by_web(source, name, timeout)
        place = urljoin(self._page.url, source) if isinstance(source, str) else cast("Locator", source)
        link = await self._maps.link(place) if self._maps is not None and not isinstance(place, str) else None
        with own_requests():
            async with open_file(self._page, place, timeout, self._began) as file:
                attachment = await self._attachments.send(file, name=name)
                if self._maps is not None:
                    self._maps.note_file(
                        link, file.url, attachment.get("filename", file.name), next(file.chunks(), b"")
                    )
        return attachment

    async def _download_by_web(self, source: Any, name: str | None, timeout: float) -> Attachment:
        assert self._web is not None
        try:
            async with asyncio.timeout(timeout):
                page = await self._web.get(source if isinstance(source, str) else source.href)
        except TimeoutError:
            raise SandboxError(f"the download was not complete within {timeout:g} s") from None
        file = page.to_file()
        attachment = await self._attachments.send(file, name=name)
        if self._maps is not None:
            self._maps.note_file(
                await self._maps.link(source), file.url, attachment.get("filename", file.name), page.body
            )
        return attachment
