"""An MCP client's session with the server, in one process; sandbox and model are scripted.

The SDK is imported by what uses it, for it takes 0.4 s in each process that collects the tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from engine import AsyncEngine
from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from sandbox import Evidence, Host, Outcome, ScriptError
from tests.support.saved import save

if TYPE_CHECKING:
    from mcp.client.client import Client

ROWS = [{"name": "Alder"}, {"name": "Birch"}]
PAGE = Evidence(url="http://127.0.0.1:9/list", text="Prices", status=200)
GIVE_UP = [("give_up", {"reason": "not-a-web-task", "message": "A poem is no web task."})]

Session = Callable[..., AbstractAsyncContextManager["tuple[Client, ScriptedSandbox]"]]


@pytest.fixture
def session(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A client of a store with the automation ``businesses``."""
    from mcp.client.client import Client

    from engine.mcp.server import McpServer

    save(
        tmp_path, "businesses", "code", parameters={"category": "Surveying"}, schema=infer([ROWS]),
        start_url="http://127.0.0.1:9/list", contract=learn([Observed(ROWS, PAGE)]),
    )  # fmt: skip

    @asynccontextmanager
    async def start(
        *steps: Any, mode: str = "auto", on_message: Any = None, **options: Any
    ) -> AsyncIterator[tuple[Client, ScriptedSandbox]]:
        scripted = ScriptedSandbox(*steps or [outcome(ROWS, evidence=PAGE)])
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        model = ScriptedModel(GIVE_UP)
        async with AsyncEngine(store=tmp_path, model=model, allow_hosts=["http://127.0.0.1:9"]) as engine:
            server = McpServer(engine, poll=0.05, **options)
            async with Client(server.make(), mode=mode, message_handler=on_message) as client:
                yield client, scripted

    return start


def said(result: Any) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_saved_automation_is_a_tool_that_replays_it(session: Session, mode: str) -> None:
    async with session(mode=mode) as (client, scripted):
        (tool,) = (await client.list_tools()).tools
        result = await client.call_tool(tool.name, {"category": "Thatching"})
    assert (tool.name, tool.title) == ("businesses", "businesses")
    assert tool.annotations is not None
    assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
    assert not result.is_error, said(result)
    assert result.structured_content == {"output": ROWS}
    assert scripted.calls[0].parameters == {"category": "Thatching"}


async def test_a_call_that_does_not_fit_runs_nothing_and_says_why(session: Session) -> None:
    async with session() as (client, scripted):
        wrong = await client.call_tool("businesses", {"kategorie": "x"})
        unknown = await client.call_tool("towns", {})
    assert wrong.is_error
    assert "'category' is a required property" in said(wrong)
    assert "there is no tool 'towns'; there are: businesses" in said(unknown)
    assert scripted.calls == []


async def test_a_failed_replay_is_an_error_with_its_reason_and_asks_no_model(session: Session) -> None:
    broken = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)
    async with session(broken, broken) as (client, _):
        result = await client.call_tool("businesses", {"category": "Thatching"})
    assert result.is_error
    assert "no such button" in said(result)
    assert "run again with `webtasks mcp --allow-ai`" in said(result), "a tool's call has no argument `ai`"


async def test_a_large_output_is_a_resource(session: Session) -> None:
    rows = [{"name": f"Shop number {number}"} for number in range(6_000)]
    async with session(outcome(rows, evidence=PAGE), allow_ai=False) as (client, _):
        result = await client.call_tool("businesses", {"category": "Thatching"})
        assert result.structured_content is not None, said(result)
        uri = result.structured_content["resource"]
        (contents,) = (await client.read_resource(uri)).contents
    from mcp_types import TextResourceContents

    assert isinstance(contents, TextResourceContents)
    assert json.loads(contents.text) == rows


async def test_progress_is_told_while_a_task_runs(session: Session) -> None:
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async with session() as (client, _):
        await client.call_tool("businesses", {"category": "Thatching"}, progress_callback=note)
    assert [number for number, _ in told] == sorted({number for number, _ in told})
    assert any("replay" in (message or "") for _, message in told), told


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_canceled_call_cancels_its_task(session: Session, mode: str) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(host: Host) -> Outcome:
        begun.set()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with session(endless, mode=mode) as (client, _):
        call = asyncio.create_task(client.call_tool("businesses", {"category": "Thatching"}))
        async with asyncio.timeout(30):
            await begun.wait()
            call.cancel()
            await ended.wait()


async def test_new_tasks_are_offered_only_where_money_may_be_spent(session: Session) -> None:
    async with session(allow_ai=True) as (client, _):
        names = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("web_task", {"task": "Write a poem"})
    assert names == ["businesses", "web_task"]
    assert "rejected: A poem is no web task." in said(result)


async def test_a_tool_that_comes_is_told_to_clients(session: Session, tmp_path: Path) -> None:
    changed = asyncio.Event()

    async def heard(message: Any) -> None:
        from mcp_types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            changed.set()

    async with session(mode="legacy", on_message=heard) as (client, _):
        await client.list_tools()
        save(tmp_path, "towns", "code", parameters={"county": "Kent"})
        await asyncio.wait_for(changed.wait(), 30)
        names = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
    assert names == ["businesses", "towns"]
