"""The host's side of one job of a worker: the automation's calls to the host, its logs, and the limits on both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sandbox.errors import AskRefused, SandboxError, SandboxLimitExceeded, WorkerDied
from sandbox.host import GateDecision, Host
from sandbox.limits import SandboxLimits
from sandbox.page_map import parse_maps
from sandbox.protocol import NOTICE_COST, Channel, Message, ProtocolError, is_whole, optional_text, text_field
from sandbox.workers.downloads import Downloads, from_base64
from sandbox.workers.refusals import Refusal

if TYPE_CHECKING:
    from sandbox.workers.web_requests import WebRequests

_MAX_REQUESTS = 64
_MAX_REQUEST_CHARACTERS = 32 << 20  # of all open requests together, beside one of the greatest length
_FIELDS = {
    "log": ("message",),
    "progress": ("done", "total"),
    "limit": ("limit",),
    "gate": ("action", "key", "pages"),
    "gate_closed": ("action", "key", "error"),
    "already_done": ("said",),
    "ask": ("prompt", "content", "schema"),
    "download": ("name", "type", "url"),
    "chunk": ("stream", "data"),
    "downloaded": ("stream",),
    "trace": ("data",),
    "http": ("method", "url", "headers", "body", "upload"),
    "http_upload": (),
    "http_part": ("upload", "data"),
    "http_read": ("stream",),
    "http_close": ("stream",),
}


class Job:
    """A run or a session.

    Args:
        host: Takes the calls.
        limits: The limits of the job.
        channel: The channel to the worker.
        end: Ends the worker, for a reason.
        web: Sends the requests of ``web``.
        trace_bytes: The most bytes of a trace that it may send.

    Attributes:
        logs: The lines that it logged.
    """

    def __init__(
        self,
        host: Host,
        limits: SandboxLimits,
        channel: Channel,
        end: Callable[[BaseException], None],
        web: WebRequests,
        trace_bytes: int = 0,
    ) -> None:
        self.limits = limits
        self.logs: list[str] = []
        self.web = web
        self._host = host
        self._channel = channel
        self._end = end
        self._downloads = Downloads(host, limits)
        self._output = 0
        self._trace_left = trace_bytes or -1
        self._requests: dict[asyncio.Task[None], int] = {}
        self._notices: asyncio.Queue[Message] = asyncio.Queue()
        self._delivering = asyncio.ensure_future(self._deliver_notices())

    def close(self) -> tuple[asyncio.Task[None], ...]:
        """Cancel unfinished tasks, and return them, so that the caller can wait for them."""
        self._downloads.close()
        self.web.close()
        tasks = (self._delivering, *self._requests)
        current = asyncio.current_task()
        for task in tasks:
            if task is not current:
                task.cancel()
        return tasks

    @property
    def waiting(self) -> int:
        """Number of the worker's requests that are not answered yet."""
        return len(self._requests)

    async def notices_delivered(self) -> None:
        """Wait until the host has taken all logs and progress so far."""
        await self._notices.join()

    def count_output(self, size: int) -> None:
        """Count bytes that the worker logged or wrote, and end it if there are too many."""
        self._output += size
        if self._output > self.limits.output_bytes:
            self._end(SandboxLimitExceeded("output_bytes", self.limits.output_bytes))

    def handle(self, message: Message) -> None:
        """Take a message of the worker other than a reply."""
        kind = message["t"]
        if kind not in _FIELDS:
            raise ProtocolError(f"unknown message {kind!r}")
        message = {
            name: message[name] for name in ("t", "id", *_FIELDS[kind]) if name in message
        }  # other fields would be kept in memory
        if kind == "log":
            self.logs.append(text_field(message, "message"))
            self._notice(message, len(message["message"]))
        elif kind == "progress":
            done, total = message.get("done"), message.get("total")
            if not is_whole(done) or not (total is None or is_whole(total)):
                raise ProtocolError("progress must be whole numbers")
            self._notice(message, 0)
        elif kind == "limit" and message.get("limit") in ("pages", "output_bytes"):
            self._end(SandboxLimitExceeded(message["limit"], getattr(self.limits, message["limit"])))
        else:
            self._begin(message)

    def _notice(self, message: Message, size: int) -> None:
        self.count_output(NOTICE_COST + size)
        self._notices.put_nowait(message)

    def _begin(self, message: Message) -> None:
        size = sum(len(value) for value in message.values() if isinstance(value, str))
        if len(self._requests) >= _MAX_REQUESTS:
            raise ProtocolError("too many requests at one time")
        if sum(self._requests.values()) + size > _MAX_REQUEST_CHARACTERS + self.limits.output_bytes:
            raise ProtocolError("too much in requests at one time")
        task = asyncio.ensure_future(self._serve(message))
        self._requests[task] = size
        task.add_done_callback(self._requests.pop)

    async def _deliver_notices(self) -> None:
        while True:
            message = await self._notices.get()
            async with self._callback(message):
                if message["t"] == "log":
                    await self._host.log(message["message"])
                else:
                    await self._host.progress(message["done"], message.get("total"))
            self._notices.task_done()

    async def _serve(self, message: Message) -> None:
        async with self._callback(message):
            self._channel.reply(message, await self._answer(message))
        await self._channel.drain()  # the request stays open until then, which limits the answers in memory

    async def _answer(self, message: Message) -> Any:
        match message["t"]:
            case "gate":
                pages, _ = parse_maps(message.get("pages", []))
                await self._host.before_gate(text_field(message, "action"), pages)
                decision = GateDecision(
                    await self._host.gate(text_field(message, "action"), optional_text(message, "key"))
                )
                if decision is not GateDecision.GO:
                    self.web.traffic.closed = "the run has ended before an irreversible action"
                return decision.value
            case "gate_closed":
                error = optional_text(message, "error")
                await self._host.gate_closed(text_field(message, "action"), optional_text(message, "key"), error)
                return None
            case "already_done":
                await self._host.already_done(text_field(message, "said"))
                return None
            case "ask":
                schema = message.get("schema")
                if not isinstance(schema, dict | None):
                    raise ProtocolError("a schema must be an object")
                content = text_field(message, "content", self.limits.output_bytes)
                return await self._host.ask(text_field(message, "prompt"), content, schema)
            case "download":
                return self._downloads.begin(message)
            case "chunk":
                return await self._downloads.chunk(message)
            case "downloaded":
                return await self._downloads.end(message)
            case "trace":
                data = from_base64(message, "data")
                self._trace_left -= len(data)
                if self._trace_left < 0:
                    raise ProtocolError("a trace that nobody asked for, or a longer one")
                return await self._host.trace(data)
            case "http" | "http_upload" | "http_part" | "http_read" | "http_close":
                return await self.web.handle(message)
        raise ProtocolError(f"unknown message {message['t']!r}")

    @asynccontextmanager
    async def _callback(self, message: Message) -> AsyncIterator[None]:
        """Handle the errors of a callback.

        Refusals reach the automation, protocol violations end the worker, other exceptions reach the caller of `call`.
        """
        try:
            yield
        except SandboxLimitExceeded as error:
            self._end(error)
        except Refusal as refusal:
            self._channel.reply_error(message, refusal.kind, str(refusal))
        except (AskRefused, SandboxError) as error:
            kind = "AskRefused" if isinstance(error, AskRefused) else "SandboxError"
            self._channel.reply_error(message, kind, str(error))
        except ProtocolError as error:
            self._end(WorkerDied(f"worker protocol violation: {error}"))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  raised again by `call`
            self._end(error)
