"""The harness that runs automations without a browser, one job after another."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.http_login import split_userinfo
from sandbox.inside.loading import DataFiles, dump_value, loaded
from sandbox.inside.overrun import Overrun
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.run_trace import RunTrace
from sandbox.inside.script_errors import describe, forget_sources
from sandbox.inside.stdout import CapturedStdout
from sandbox.inside.stopping import until_stopped
from sandbox.inside.web_reads import WebReads
from sandbox.inside.web_transport import host_client
from sandbox.protocol import CHUNK_BYTES, Channel, Message, ProtocolError
from sandbox.toolkit import TaskContext

if TYPE_CHECKING:
    from sandbox.web.client import Web


class WebHarness:
    """The runs of one worker.

    Args:
        channel: The channel to the host.
        scratch: The directory in which automations may write.
        baseline: The state of the process before the first run.
    """

    def __init__(self, channel: Channel, scratch: Path, baseline: ProcessBaseline) -> None:
        self._channel = channel
        self._scratch = scratch
        self._baseline = baseline
        self._begun = False
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
        if message["reusable"] and not self._begun:
            self._begun = True
            self._baseline.begin()
        self._files.write()
        self._channel.allow_notices(message["output_bytes"])
        start_url = message["start_url"]
        reads = WebReads(RunTrace(reads=message["reads"]), message["parameters"], maps=message["maps"])
        web = host_client(self._channel, start_url, message["context"], reads)
        shown_start = None if start_url is None else split_userinfo(start_url)[0]
        task = TaskContext(self._channel, None, shown_start, self._files.directory)
        task._web, task._web_page = web, lambda: reads.page
        task._maps, task._map_pages = reads, partial(reads.of_open_pages, web)
        value, returned, error = await self._call(message, web, task, reads)
        self._stdout.finish()
        return {"value": value, "error": error, "evidence": self._evidence(reads, web, task, returned)}

    async def _call(
        self, message: Message, web: Web, task: TaskContext, reads: WebReads
    ) -> tuple[str | None, Any, dict[str, Any] | None]:
        name = message["name"]
        try:
            returned = await self._ended(message, web, task, reads)
            if task._stopped is not None:  # the automation caught it
                raise task._stopped
            return dump_value(returned, task, self._channel, message["output_bytes"]), returned, None
        except ProtocolError as error:
            problem = TypeError(f"what run returned is not JSON: {error}")
            return None, None, describe(problem, (name,), crashed=False)
        except BaseException as error:  # noqa: BLE001  SystemExit, too, ends only the automation
            return None, None, describe(error, (name,), crashed=False)

    async def _ended(self, message: Message, web: Web, task: TaskContext, reads: WebReads) -> Any:
        """Return what the code returns; end it where it neither asks for a page nor comes to an end in its time."""
        name, code, seconds = message["name"], message["code"], message.get("idle_seconds")
        if seconds is None:
            return await loaded(name, code, "web", message["context"].get("tape"))(web, message["parameters"], task)
        reads.overrun = overrun = Overrun(seconds, lambda file: file == name)
        never = asyncio.Event()
        with overrun.interrupting():
            running = loaded(name, code, "web", message["context"].get("tape"))(web, message["parameters"], task)
            return await until_stopped(running, never, never, overrun.error, overrun)

    def _evidence(self, reads: WebReads, web: Web, task: TaskContext, returned: Any) -> dict[str, Any]:
        """Return the worker's part of `Evidence`; the host has the requests."""
        seen = reads.evidence(reads.shown(web))
        return {
            **seen,
            "examined": task._examined,
            "empty": [(name, bool(said)) for name, said in task._said_empty],
            "messages": [said for _, said in task._said_empty if said],
            "inputs": list(reads.trace.inputs),
            "output_read": reads.trace.has_read(returned, seen["text"]),
        }
