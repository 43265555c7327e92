"""The filtering proxy: a worker's only way to the network, served by the host on a listener that the worker
handed over.

The policy is applied to the name that is dialed: it is resolved once, refused if *any* of its addresses is not
global, and the checked
address is what gets dialed. What is refused, or cannot be reached, is dropped without an answer, so that the
page sees a network
error and never a page of ours; the reason is kept for `Evidence`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.forward import BadMessage, Peer, forward_request, pump_both, read_head
from sandbox.limits import Egress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_DIAL_SECONDS = 20.0
_MOST_RECORDS = 1_000
_WEB_PORTS = (80, 443)
_FIRST_USER_PORT = 1024
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*")
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|\d+")
_TARGET = re.compile(r"http://(?P<host>\[[0-9a-fA-F:.]+\]|[^/:@?#\[\]]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?][^#]*)?")
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"))
)
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class RefusedError(Exception):
    """A connection that is not made; the text is the reason."""


def is_public(text: str) -> bool:
    """Whether an address is on the public Internet, as itself and not as a disguise of another."""
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and address not in _METADATA


@dataclass(frozen=True)
class Origin:
    """A scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """From ``"scheme://host:port"``; the port may be the scheme's own."""
        parts = urlsplit(text)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{text!r} is no origin: scheme://host:port")
        return cls(parts.scheme, parts.hostname.rstrip("."), parts.port or _DEFAULT_PORTS[parts.scheme])

    @property
    def plain(self) -> bool:
        """Whether its traffic is not encrypted."""
        return self.scheme in ("http", "ws")


class Policy:
    """Decides which hosts may be dialed, and at which address."""

    def __init__(self, egress: Egress, resolve: Resolver | None = None) -> None:
        self._hosts = None if egress.hosts is None else tuple(host.lower().rstrip(".") for host in egress.hosts)
        self._allowed = frozenset(map(Origin.parse, egress.allow))
        self._resolve = resolve or _resolve

    async def address(self, host: str, port: int, *, tunnel: bool) -> str:
        """The address to dial.

        Args:
            host: As the client named it.
            port: The port.
            tunnel: By CONNECT, which WebSockets use even when they are not encrypted; else by plain HTTP.

        Raises:
            RefusedError: It may not be dialed, or has no address.
        """
        host = host.lower().rstrip(".").removeprefix("[").removesuffix("]")
        allowed = any(
            (origin.host, origin.port) == (host, port) and (tunnel or origin.plain) for origin in self._allowed
        )
        literal = _literal(host)
        if not allowed:
            if port not in _WEB_PORTS and port < _FIRST_USER_PORT:
                raise RefusedError(f"policy: port {port} is not for the web")
            if literal is None:
                _check_name(host)
            if self._hosts is not None and not any(_matches(host, pattern) for pattern in self._hosts):
                raise RefusedError("policy: not among the allowed hosts")
        addresses = [literal] if literal else await self._addresses(host, port)
        private = [] if allowed else [address for address in addresses if not is_public(address)]
        if private:
            raise RefusedError(f"policy: {private[0]} is not a public address")
        return addresses[0]

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await asyncio.wait_for(self._resolve(host, port), _DIAL_SECONDS)
        except TimeoutError:
            raise RefusedError("dns: no answer in time") from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise RefusedError("dns: no answer for now") from None
            addresses = ()
        if not addresses:
            raise RefusedError("dns")
        return addresses


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _check_name(host: str) -> None:
    if not _NAME.fullmatch(host):
        raise RefusedError("policy: not a valid host name")
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):  # 127.1, 2130706433, 0x7f.1: other spellings of addresses
        raise RefusedError("policy: a number is not a host name")


async def _resolve(host: str, port: int) -> Sequence[str]:
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Proxy:
    """Serves one worker. Refuses everything until `bind` says what may be reached.

    Attributes:
        reached: ``host:port`` of connections that were made.
        refused: ``host:port`` and reason of those that were not.
    """

    def __init__(self) -> None:
        self.reached: dict[str, None] = {}
        self.refused: dict[tuple[str, str], None] = {}
        self._policy = Policy(Egress(hosts=()))
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def bind(self, egress: Egress, resolve: Resolver | None = None) -> None:
        """Set what may be reached."""
        self._policy = Policy(egress, resolve)

    async def serve(self, listener: socket.socket) -> None:
        """Start to accept connections."""
        listener.setblocking(False)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=1 << 17)

    def close(self) -> None:
        """Stop, and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        client = Peer(reader, writer)
        try:
            await self._converse(client)
        except (OSError, EOFError, BadMessage, RefusedError, asyncio.LimitOverrunError):
            pass  # either side went away or was refused: the client sees a dropped connection
        except asyncio.CancelledError:
            pass  # close(); asyncio's own callback would log a cancellation as an error
        finally:
            client.drop()
            self._connections.discard(task)

    async def _converse(self, client: Peer) -> None:
        upstream: tuple[tuple[str, int], Peer] | None = None
        try:
            while True:
                head = await read_head(client.reader)
                method, target, _ = head.first_line
                if method == "CONNECT":
                    host, _, port = target.rpartition(":")
                    server = await self._dial(host, _port(port), tunnel=True)
                    try:
                        client.writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                        await pump_both(client, server)
                    finally:
                        server.drop()
                    return
                match = _TARGET.fullmatch(target)
                if match is None:
                    raise BadMessage(f"not a target for a proxy: {target[:200]!r}")
                key = match["host"], _port(match["port"] or "80")
                if upstream is not None and (upstream[0] != key or upstream[1].reader.at_eof()):
                    upstream[1].drop()
                    upstream = None
                if upstream is None:
                    upstream = key, await self._dial(*key, tunnel=False)
                authority = match["host"] if key[1] == 80 else f"{match['host']}:{key[1]}"
                if not await forward_request(head, match["path"] or "/", authority, client, upstream[1]):
                    return
        finally:
            if upstream is not None:
                upstream[1].drop()

    async def _dial(self, host: str, port: int, *, tunnel: bool) -> Peer:
        name = f"{host.lower().rstrip('.')}:{port}"
        try:
            address = await self._policy.address(host, port, tunnel=tunnel)
            try:
                connection = await asyncio.wait_for(
                    asyncio.open_connection(address, port, limit=1 << 17), _DIAL_SECONDS
                )
            except TimeoutError:
                raise RefusedError("timeout") from None
            except OSError:
                raise RefusedError("refused") from None
        except RefusedError as refusal:
            if len(self.refused) < _MOST_RECORDS:
                self.refused[name, str(refusal)] = None
            raise
        if len(self.reached) < _MOST_RECORDS:
            self.reached[name] = None
        return Peer(*connection)


def _port(text: str) -> int:
    with contextlib.suppress(ValueError):
        if text.isascii() and 0 < int(text) < 65536:
            return int(text)
    raise BadMessage(f"not a port: {text[:20]!r}")
