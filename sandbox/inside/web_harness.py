"""The harness that runs automations without a browser, one job after another."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.http_login import split_userinfo
from sandbox.inside.loading import DataFiles, dump_value, loaded
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.run_trace import RunTrace
from sandbox.inside.script_errors import describe, forget_sources
from sandbox.inside.stdout import CapturedStdout
from sandbox.inside.web_transport import host_client
from sandbox.protocol import CHUNK_BYTES, Channel, Message, ProtocolError
from sandbox.toolkit import TaskContext

if TYPE_CHECKING:
    from sandbox.web.client import Web
    from sandbox.web.transport import WebAnswer, WebRequest

_TEXT_LIMIT = 3_000
_MAX_URL = 1 << 16
_MAX_TITLE = 1_000


class WebReads:
    """The record of what an automation sends and reads by ``web``: the observer of its client.

    Args:
        trace: Takes what it gives and gets.

    Attributes:
        page: The page that was read last.
    """

    def __init__(self, trace: RunTrace) -> None:
        self.trace = trace
        self.page: Any = None
        self._last: tuple[WebRequest, WebAnswer] | None = None

    def requested(self, request: WebRequest) -> None:
        """Note what a request carries."""
        place = request.url.partition("?")[0]
        self.trace.note("url", request.method, place, request.body.decode("utf-8", "replace"), request.url)

    def answered(self, request: WebRequest, answer: WebAnswer) -> None:
        """Keep the last answer, which no code may read if it is an error."""
        self._last = (request, answer)

    def page_read(self, page: Any) -> None:
        """Note a page that is read."""
        self.page = page
        self.trace.note_read(page.source)

    def submitted(self, form: Any, values: Mapping[str, Any]) -> None:
        """Note what is put into a form."""
        for value in values.values():
            self.trace.note_typed(str(value))

    def shown(self, web: Web) -> Any:
        """Return the page of the last answer, read or not; None where there is none."""
        if self._last is None:
            return self.page
        request, answer = self._last
        if self.page is not None and self.page.url.partition("#")[0] == request.url:
            return self.page
        from sandbox.web import codings
        from sandbox.web.errors import WebError
        from sandbox.web.pages import WebPage

        try:
            body = codings.unpacked(answer.body, answer.header("content-encoding"), request.url)
        except WebError:
            return self.page
        page = WebPage(web, request.method, request.url, answer.status, answer.headers, body)
        return page if page.is_html or self.page is None else self.page


class WebHarness:
    """The runs of one worker.

    Args:
        channel: The channel to the host.
        scratch: The directory in which automations may write.
        baseline: The state of the process before the first run, if it is known already.
    """

    def __init__(self, channel: Channel, scratch: Path, baseline: ProcessBaseline) -> None:
        self._channel = channel
        self._scratch = scratch
        self._baseline = baseline
        self._forget()

    def _forget(self) -> None:
        self._files = DataFiles(self._scratch / "resources")
        self._stdout = CapturedStdout(lambda line: self._channel.notify("log", message=line[:CHUNK_BYTES]))
        sys.stdout = self._stdout

    def take_resource(self, message: Message) -> None:
        """Take a part of one of the automation's data files."""
        self._files.take(message)

    async def renew(self) -> list[str]:
        """Remove the traces of a run, and return descriptions of those that stay."""
        self._forget()
        forget_sources()
        return list(await self._baseline.restore())

    async def run(self, message: Message) -> dict[str, Any]:
        """Run an automation, and return its value, error and evidence."""
        self._files.write()
        self._channel.allow_notices(message["output_bytes"])
        start_url = message["start_url"]
        reads = WebReads(RunTrace(reads=message["reads"]))
        web = host_client(self._channel, start_url, message["context"], reads)
        shown_start = None if start_url is None else split_userinfo(start_url)[0]
        task = TaskContext(self._channel, None, shown_start, self._files.directory)
        task._web, task._web_page = web, lambda: reads.page
        value, returned, error = await self._call(message, web, task)
        self._stdout.finish()
        return {"value": value, "error": error, "evidence": self._evidence(reads, web, task, returned)}

    async def _call(
        self, message: Message, web: Web, task: TaskContext
    ) -> tuple[str | None, Any, dict[str, Any] | None]:
        name = message["name"]
        try:
            returned = await loaded(name, message["code"], "web")(web, message["parameters"], task)
            if task._stopped is not None:  # the automation caught it
                raise task._stopped
            return dump_value(returned, task, self._channel, message["output_bytes"]), returned, None
        except ProtocolError as error:
            problem = TypeError(f"what run returned is not JSON: {error}")
            return None, None, describe(problem, (name,), crashed=False)
        except BaseException as error:  # noqa: BLE001  SystemExit, too, ends only the automation
            return None, None, describe(error, (name,), crashed=False)

    def _evidence(self, reads: WebReads, web: Web, task: TaskContext, returned: Any) -> dict[str, Any]:
        """Return the worker's part of `Evidence`; the host has the requests."""
        page = reads.shown(web)
        text = page.text if page is not None else ""
        return {
            "url": split_userinfo(page.url)[0][:_MAX_URL] if page is not None else "",
            "title": page.title[:_MAX_TITLE] if page is not None and page.is_html else "",
            "text": text[:_TEXT_LIMIT],
            "examined": task._examined,
            "empty": [(name, bool(said)) for name, said in task._said_empty],
            "messages": [said for _, said in task._said_empty if said],
            "inputs": list(reads.trace.inputs),
            "output_read": reads.trace.has_read(returned, text),
        }
