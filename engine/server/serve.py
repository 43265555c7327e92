"""The server process: it listens on an address until a signal, then stops without losing a task."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError, InvalidRequest
from engine.server.app import BASE_PATH, make_app
from engine.server.connections import ConnectionLimits, Connections, Listener, TimedProtocol
from engine.server.files import UrlSigner
from engine.server.keys import ApiKeyStore
from engine.server.middleware import LOOPBACK_NAMES
from engine.server.operations import AccessPolicy, Services
from engine.server.workspaces import Workspaces
from engine.task.schema_process import stop_all

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CALL_SECONDS = 5.0  # for calls in progress when the server stops


@dataclass(frozen=True)
class ServerOptions:
    """The server's address and limits.

    Args:
        store: The store's directory.
        host: Name or address to listen on.
        port: Port; 0 takes a free one.
        base_path: Path of the web-task routes, before the workspace's name.
        workspace: The workspace of calls that name none and have no API key.
        public_url: The server's address for its callers, if it is behind a proxy.
        max_body_bytes: Largest body of a call.
        grace: Seconds that running tasks have to end when the server stops.
        max_timeout: Longest timeout that a call may ask for, in seconds.
        max_usd: Largest budget that a call may ask for, in dollars.
        connections: How many connections there may be, and the time for a request.

    Raises:
        InvalidRequest: ``base_path`` or ``public_url`` is malformed.
    """

    store: Path
    host: str = "127.0.0.1"
    port: int = 8484
    base_path: str = BASE_PATH
    workspace: str = "default"
    public_url: str | None = None
    max_body_bytes: int = 1 << 20
    grace: float = 10.0
    max_timeout: float = 3600.0
    max_usd: float = 5.0
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", self.base_path) or self.base_path.split("/")[1:2] in (
            ["files"], ["health"], ["openapi.json"], ["healthz"], ["metrics"], ["docs"], ["assets"], ["ui"],
        ):  # fmt: skip
            raise InvalidRequest(
                f"base_path must be a path such as {BASE_PATH}, without a slash at its end, not {self.base_path!r}",
                field="base_path",
            )
        if self.public_url is not None:
            parts = urlsplit(self.public_url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
                raise InvalidRequest(
                    f"public_url must be scheme, host and port, such as https://tasks.example, not {self.public_url!r}",
                    field="public_url",
                )


class Server:
    """The server; once made, it occupies its port.

    Args:
        options: Address and limits.
        make: Makes the engine of a workspace.

    Raises:
        EngineError: The address is not available, or is reachable from other machines and there is no API key.
    """

    def __init__(self, options: ServerOptions, make: Callable[[str], AsyncEngine]) -> None:
        keys = ApiKeyStore(options.store)
        address = _address(options.host, options.port)
        beyond = not ipaddress.ip_address(str(address[1][0]).partition("%")[0]).is_loopback
        named = {str(urlsplit(options.public_url).hostname)} if options.public_url else set()
        public = beyond or not named <= LOOPBACK_NAMES
        if public and not any(key.revoked_at is None for key in keys.all()):
            where = options.host if beyond else options.public_url
            raise EngineError(
                f"{where} is reachable from other machines, and there is no API key yet; create one with"
                " `webtasks keys create`, or listen on 127.0.0.1"
            )
        self._socket = _listen(*address)
        self.keys_required = public or keys.any()
        self.url = f"http://{_shown(options.host)}:{self._socket.getsockname()[1]}"
        access = AccessPolicy(
            always_keys=public,
            # Beyond loopback every call needs an API key, which no web page has, and any name may be the server's.
            hosts=None if beyond else LOOPBACK_NAMES | named | {options.host.lower()},
            public_url=options.public_url,
            max_body_bytes=options.max_body_bytes,
            default_workspace=options.workspace,
            max_timeout=options.max_timeout,
            max_usd=options.max_usd,
        )
        self.workspaces = Workspaces(options.store, make)
        self._options = options
        connections = Connections(options.connections)
        services = Services(self.workspaces, keys, UrlSigner(options.store), access, connections)
        config = uvicorn.Config(
            make_app(services, base_path=options.base_path),
            http=TimedProtocol,
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(_CALL_SECONDS),
        )
        self._server = _Graceful(config, self.workspaces, options.grace, connections)

    async def run(self) -> None:
        """Answer calls until SIGINT, SIGTERM or ``stop``; at a second signal, do not wait for running tasks."""
        await self.workspaces.open()
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Stop the server as a signal does; call it on the server's own thread."""
        self._server.should_exit = True


class _Graceful(uvicorn.Server):
    """A uvicorn server that stops in order.

    It takes no new calls and starts no new tasks, gives the running ones time to end, and queues the rest again.
    """

    def __init__(self, config: uvicorn.Config, workspaces: Workspaces, grace: float, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections
        self._workspaces = workspaces
        self._grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, within their limits."""
        await super().startup(sockets=[])

        def make(address: str | None) -> TimedProtocol:
            return TimedProtocol(
                self._connections,
                address,
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )

        listeners: list[Any] = [Listener(each, self._connections, make) for each in sockets or ()]
        self.servers = listeners

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let signals stop the server in order; unlike uvicorn's own method, do not raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order at the first signal; at the second, without waiting."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in order."""
        self._workspaces.closing.set()
        await super().shutdown(sockets)
        draining = asyncio.ensure_future(self._workspaces.drain(self._grace))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        stop_all()
        await self._workspaces.close()


def _address(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str | int, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise EngineError(f"cannot listen on {host!r}: {error}") from None
    return found[0][0], tuple(part for part in found[0][4] if not isinstance(part, bytes))


def _listen(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        remedy = f": {error.strerror}"
        if error.errno == errno.EADDRINUSE:
            remedy = ": the port is in use; choose another with --port, or --port 0 for a free one"
        elif error.errno == errno.EACCES:
            remedy = ": permission denied; choose a port from 1024 up"
        raise EngineError(f"cannot listen on {address[0]} port {address[1]}{remedy}") from None
    listening.setblocking(False)
    return listening


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
