"""An MCP server over one engine: its saved automations as tools, large outputs as resources."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError, InvalidRequest
from engine.mcp.tools import AutomationTool, automation_tools, result_schema
from engine.task.events import Event
from engine.task.schema import OutputSchema
from engine.task.wire import TaskResult
from engine.version import installed_version

log = logging.getLogger(__name__)

_LARGE = 100_000  # characters of an output; a larger one is a resource
_PREVIEW = 1_000
_MOST_SESSIONS = 64
_SCHEME = "webtasks://results/"
_NEW_TASK = "web_task"
_NEW_TASK_INPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "task": {"type": "string", "description": "What is to be done on the web, in plain words."},
        "start_url": {"type": "string"},
        "parameters": {"type": "object", "description": "Inputs that later calls may change, by name."},
        "output_schema": {"type": "object", "description": "JSON Schema of the output."},
        "reuse_key": {"type": "string", "description": "Save it under this name, as a tool for later calls."},
    },
    "required": ["task"],
    "additionalProperties": False,
}
_OPERATORS_WORDS = {
    "auto": "`webtasks mcp --allow-ai`",
    "never": "a server without --allow-ai",
    "insist": "`webtasks run --ai insist`",
}
Context = ServerRequestContext[Any, Any]


@dataclass
class McpServer:
    """Handlers of an MCP server, bound to one engine.

    Args:
        engine: The engine; it stays open.
        allow_ai: Let calls repair automations, and offer a tool that starts new tasks; both cost money.
        poll: Seconds between looks at the store, for tools that came or went.
    """

    engine: AsyncEngine
    allow_ai: bool = False
    poll: float = 2.0
    _tools: dict[str, AutomationTool] = field(default_factory=dict)
    _sessions: dict[int, ServerSession] = field(default_factory=dict)
    _bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)

    def make(self) -> Server[Any]:
        """Return the server, for any transport."""
        return Server(
            "webtasks",
            version=installed_version(),
            instructions=(
                "Each tool replays a saved web automation: the same steps each time, without a model. A failed call"
                " says why in its text."
            ),
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_read_resource=self._read_resource,
            on_subscriptions_listen=ListenHandler(self._bus),
            lifespan=self._watched,
        )

    @staticmethod
    def notification_options() -> NotificationOptions:
        """Return the options that say that the list of tools may change."""
        return NotificationOptions(tools_changed=True)

    @contextlib.asynccontextmanager
    async def _watched(self, _: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        watching = asyncio.create_task(self._watch())
        try:
            yield {}
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        """Tell clients when an automation was saved or removed."""
        known = await self._refresh()
        while True:
            await asyncio.sleep(self.poll)
            now = await self._refresh()
            if now == known:
                continue
            known = now
            await self._bus.publish(ToolsListChanged())
            for connection, session in list(self._sessions.items()):
                try:
                    await session.send_tool_list_changed()
                except Exception as error:  # noqa: BLE001  whatever the transport of a client that left raises
                    log.debug("a client left: %s", error)
                    del self._sessions[connection]

    def _remember(self, session: ServerSession) -> None:
        """Keep the session for news of the list; each request has one of its own, the parameters are the client's."""
        self._sessions[id(session.client_params)] = session
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]

    async def _refresh(self) -> dict[str, AutomationTool]:
        self._tools = await asyncio.to_thread(self._saved)
        return self._tools

    def _saved(self) -> dict[str, AutomationTool]:
        bundles = self.engine.bundles
        metas = []
        for key in bundles.keys():  # noqa: SIM118  a store is no dict
            with contextlib.suppress(EngineError):  # one that cannot be read, or was removed just now, is no tool
                if (bundle := bundles.load_active(key)) is not None:
                    metas.append(bundle.meta)
        return automation_tools(metas, may_repair=self.allow_ai)

    async def _list_tools(self, context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        self._remember(context.session)
        tools = [
            types.Tool(
                name=tool.name,
                title=tool.key,
                description=tool.description,
                input_schema=dict(tool.input_schema),
                output_schema=dict(tool.output_schema),
                annotations=types.ToolAnnotations(
                    read_only_hint=tool.reads_only, destructive_hint=not tool.reads_only, open_world_hint=True
                ),
            )
            for tool in (await self._refresh()).values()
        ]
        if self.allow_ai:
            tools.append(
                types.Tool(
                    name=_NEW_TASK,
                    description=(
                        "Does a new task on the web: a model explores the site and writes an automation, which costs"
                        " money."
                    ),
                    input_schema=dict(_NEW_TASK_INPUT),
                    output_schema=result_schema(None),
                    annotations=types.ToolAnnotations(
                        read_only_hint=False, destructive_hint=True, open_world_hint=True
                    ),
                )
            )
        return types.ListToolsResult(tools=tools)

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        self._remember(context.session)
        try:
            task, arguments = await self._request(params.name, params.arguments or {})
            result = await self.engine.run(task, **arguments, on_event=_Progress(context).tell)
        except EngineError as error:
            return _failed(_in_words_of_the_server(str(error)))
        return _answer(result)

    async def _request(self, name: str, given: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Return a call as a task and the arguments of its run.

        Raises:
            InvalidRequest: There is no such tool, or the arguments do not fit it.
        """
        if name == _NEW_TASK and self.allow_ai:
            _check(_NEW_TASK_INPUT, given, name)
            return str(given["task"]), {option: value for option, value in given.items() if option != "task"}
        tool = self._tools.get(name) or (await self._refresh()).get(name)
        if tool is None:
            known = ", ".join(sorted(self._tools)) or "none is saved"
            raise InvalidRequest(f"there is no tool {name!r}; there are: {known}", field="name")
        _check(tool.input_schema, given, name)
        return None, {
            "reuse_key": tool.key,
            "parameters": dict(given),
            "secrets": tool.secrets,
            "ai": "auto" if self.allow_ai else "never",
        }

    async def _read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        if not uri.startswith(_SCHEME):
            raise ValueError(f"there is no resource {uri}; large outputs are {_SCHEME}TASK_ID")
        result = await self.engine.result(uri.removeprefix(_SCHEME))
        text = json.dumps(result.output, ensure_ascii=False)
        contents = types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[contents])


class _Progress:
    """Tells a client of a task's events; the numbers rise with each, as the protocol wants it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._number = 0.0

    async def tell(self, event: Event) -> None:
        """Report one event."""
        said = event.data.get("message") or event.data.get("action") or ""
        self._number += 1
        try:
            await self._context.session.report_progress(self._number, None, f"{event.type} {said}".strip())
        except Exception as error:  # noqa: BLE001  whatever the transport of a client that left raises
            log.debug("a client could not be told of %s: %s", event.type, error)


def _check(schema: Mapping[str, Any], given: Mapping[str, Any], name: str) -> None:
    if problems := OutputSchema(schema).errors(dict(given)):
        raise InvalidRequest(f"the arguments do not fit the tool {name}: {'; '.join(problems)}", field="arguments")


def _in_words_of_the_server(text: str) -> str:
    """Put what its operator does in place of the argument ``ai`` of Python, which a call of a tool does not have.

    >>> _in_words_of_the_server('run again with ai="auto" to have the automation repaired')
    'run again with `webtasks mcp --allow-ai` to have the automation repaired'
    """
    for value, words in _OPERATORS_WORDS.items():
        text = text.replace(f'ai="{value}"', words)
    return text


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _answer(result: TaskResult) -> types.CallToolResult:
    if not result.ok:
        error = result.error
        return _failed(
            f"{error.code}: {_in_words_of_the_server(error.message)}"
            if error is not None
            else f"the task is {result.status}"
        )
    text = json.dumps(result.output, ensure_ascii=False)
    notes: list[Any] = [types.TextContent(type="text", text=f"Warning: {warning}") for warning in result.warnings]
    if len(text) <= _LARGE:
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content, *notes], structured_content={"output": result.output})
    uri = f"{_SCHEME}{result.web_task_id}"
    link = types.ResourceLink(
        type="resource_link", name=result.web_task_id, uri=uri, mime_type="application/json", size=len(text.encode())
    )
    preview = types.TextContent(type="text", text=f"{text[:_PREVIEW]} … ({len(text)} characters; read {uri} for all)")
    return types.CallToolResult(content=[link, preview, *notes], structured_content={"resource": uri})
