"""Workers that send too much, or read no answers, are ended before the host's memory grows."""

from __future__ import annotations

import asyncio
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox import GateDecision, Host, SandboxLimits, WorkerDied
from sandbox.egress.dialer import Dialer
from sandbox.egress.turns import HostTurns
from sandbox.protocol import Channel, Message, ProtocolError, dump_json
from sandbox.workers.job import Job
from sandbox.workers.web_requests import WebRequests
from sandbox.workers.web_rules import WebRules
from sandbox.workers.web_traffic import WebTraffic

LONGEST = 24 << 20


class Patient(Host):
    """Lets gates wait, and answers questions at length."""

    def __init__(self) -> None:
        self.asked = self.at_gates = 0

    async def gate(self, action: str, key: str | None) -> GateDecision:
        self.at_gates += 1
        await asyncio.sleep(60)
        return GateDecision.GO

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        self.asked += 1
        return "x" * 100_000


@dataclass
class Side:
    """The host's side of a worker, and what the worker writes to."""

    channel: Channel
    worker: asyncio.StreamWriter
    answers: asyncio.StreamReader
    serving: asyncio.Task[None]
    host: Patient = field(default_factory=Patient)
    ends: list[BaseException] = field(default_factory=list)

    def say(self, **fields: Any) -> None:
        self.worker.write(dump_json(fields).encode() + b"\n")

    async def gates(self, count: int) -> None:
        """Wait until the host has taken so many requests to pass a gate."""
        async with asyncio.timeout(30):
            while self.host.at_gates < count:
                await asyncio.sleep(0.01)

    async def error(self) -> str:
        with pytest.raises((ProtocolError, WorkerDied)) as caught:
            await asyncio.wait_for(asyncio.shield(self.serving), 30)
        return str(caught.value)


@asynccontextmanager
async def side(limits: SandboxLimits = SandboxLimits()) -> AsyncIterator[Side]:  # noqa: B008  frozen
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST)
    answers, worker = await asyncio.open_connection(sock=theirs, limit=LONGEST)
    jobs: list[Job] = []
    channel = Channel(reader, writer, lambda message: jobs[0].handle(message), hostile=True)
    opened = Side(channel, worker, answers, asyncio.ensure_future(channel.serve()))
    web = WebRequests(Dialer(), limits, WebTraffic(WebRules()), HostTurns())
    jobs.append(Job(opened.host, limits, channel, opened.ends.append, web))
    try:
        yield opened
    finally:
        tasks = (opened.serving, *jobs[0].close())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (writer, worker):
            each.transport.abort()


async def test_worker_that_does_not_read_answers_is_stopped() -> None:
    async with side() as worker:
        worker.answers._transport.pause_reading()  # type: ignore[attr-defined]  # to be a reader that does not read
        for number in range(300):
            worker.say(t="ask", id=number, prompt="", content="")
            await asyncio.sleep(0.001)  # for the answer: there is never more than one that the host works at
        assert "too many requests" in await worker.error()
        assert worker.host.asked < 200


async def test_trace_that_nobody_asked_for_ends_the_worker() -> None:
    async with side() as worker:
        worker.say(t="trace", id=1, data="QUJD")
        while not worker.ends:
            await asyncio.sleep(0.01)
        assert "nobody asked for" in str(worker.ends[0])


async def test_worker_that_reads_answers_goes_on() -> None:
    async with side() as worker:
        for number in range(100):
            worker.say(t="ask", id=number, prompt="", content="")
            assert json.loads(await worker.answers.readuntil(b"\n"))["id"] == number
        assert not worker.serving.done()


@pytest.mark.parametrize("extra", ["x" * 1_000_000, [[]] * 3_000, ["ab"] * 4_000])
async def test_unknown_fields_of_messages_take_no_memory(extra: Any) -> None:
    async with side() as worker:
        worker.say(t="gate", id=0, action="a", extra=extra)
        await worker.gates(1)
        tracemalloc.start()
        try:
            for number in range(1, 30):  # 30 MB and more, of which 4 may be kept
                worker.say(t="gate", id=number, action="a", extra=extra)
                await worker.worker.drain()
            await worker.gates(30)
            assert not worker.serving.done()
            assert tracemalloc.get_traced_memory()[0] < 4 << 20
        finally:
            tracemalloc.stop()


async def test_too_much_text_in_open_requests_is_a_violation() -> None:
    class Waiting(Patient):
        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            await asyncio.sleep(60)

    async with side() as worker:
        worker.host.__class__ = Waiting
        for number in range(8):
            worker.say(t="ask", id=number, prompt="", content="x" * (8 << 20))
        assert "too much in requests" in await worker.error()


@pytest.mark.parametrize(
    ("start", "part", "times", "end", "why"),  # joined in the test: together they are long
    [
        (b'{"t":"reply","id":7,"value":1}', b"", 0, b"", "a reply to no request"),
        (b'{"t":"gate","id":1,"action":"', b"x", 2 << 20, b'"}', "neither a reply nor a question"),
        (b'{"t":"ask","x":"', b"x", 2 << 20, b'","t":"gate","id":1,"action":"a"}', "two kinds"),
        (b'{"t":"reply","id":1,"value":[', b"[],", 7 << 20, b"1]}", "too many parts"),
        (b'{"t":"reply","id":1,"value":[', b'"ab",', 4 << 20, b"1]}", "too many parts"),
        (b'{"t":"reply","id":1,"value":"', b'\\"', 8 << 20, b"", "not JSON"),
        (b'{"t":"ask","id":1,"prompt":"","content":"","schema":{"a":[', b"{},", 20_000, b"1]}}", "too many parts"),
        (b'{"t":"other","id":1}', b"", 0, b"", "unknown message 'other'"),
        (b'{"t":"progress","done":', b"1", 400, b"}", "whole numbers"),
        (b'{"t":"progress","done":1,"total":-1}', b"", 0, b"", "whole numbers"),
    ],
)
async def test_invalid_messages_are_violations(start: bytes, part: bytes, times: int, end: bytes, why: str) -> None:
    async with side() as worker:
        worker.worker.write(start + part * times + end + b"\n")
        assert why in await worker.error()


async def test_a_second_reply_is_a_violation() -> None:
    async with side() as worker:
        asking = asyncio.ensure_future(worker.channel.request("run"))
        await asyncio.sleep(0)
        worker.worker.write(b'{"t":"reply","id":1,"value":1}\n' * 2)
        assert "a reply to no request" in await worker.error()
        assert await asking == 1


@pytest.mark.parametrize(("part", "times"), [("[],", 8 << 20), ("\U0001f600", 5 << 20), ('"\\', 5 << 20)])
async def test_a_long_result_is_accepted(part: str, times: int) -> None:
    """Its value is a text here, whatever is in it."""
    text = (part * times)[: 23 << 20]
    async with side() as worker:
        asking = asyncio.ensure_future(worker.channel.request("run"))
        worker.say(t="reply", id=1, value=text)
        assert await asyncio.wait_for(asking, 30) == text


async def test_a_trusted_peer_may_reply_late_and_at_length() -> None:
    ours, theirs = socket.socketpair()
    seen: list[Message] = []
    near = Channel(*await asyncio.open_connection(sock=ours, limit=LONGEST), seen.append)
    _, writer = await asyncio.open_connection(sock=theirs)
    serving = asyncio.ensure_future(near.serve())
    writer.write(b'{"t":"reply","id":5,"value":1}\n')
    writer.write(dump_json({"t": "run", "parameters": [[]] * 200_000}).encode() + b"\n")
    writer.close()
    await asyncio.wait_for(serving, 30)
    assert [message["t"] for message in seen] == ["run"]
    near.close()
