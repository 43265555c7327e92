"""The rules for connections: which hosts and addresses a worker may reach.

A name is resolved once and refused if *any* of its addresses is not global; the address that was checked is dialed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

from sandbox.egress import origins
from sandbox.egress.options import Egress
from sandbox.egress.origins import HostPattern, Origin, Upstream, normalize_host

NOT_AMONG_HOSTS = "policy: not among the allowed hosts"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_RESOLVE_SECONDS = 20.0
_MAX_LOOKUPS = 16
_WEB_PORTS = (80, 443)
_FIRST_USER_PORT = 1024
_METADATA_SERVICES = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"))
)
# All that IANA has given to the public Internet; the rest is reserved, local, or translates to other addresses.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "2001::/23",  # for protocols: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112: sinks for queries
            "3fff::/20",  # documentation
            "5f00::/16",  # segment routing
            "192.88.99.0/24",  # relays of 6to4
        ),
    )
)


class RefusedError(Exception):
    """A connection that was refused or failed; the text is the reason."""


def is_public(text: str) -> bool:
    """Return True for an address of the public Internet that does not translate to another address."""
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address not in _GLOBAL_UNICAST or address.scope_id is not None:
            return False
    if any(address.version == network.version and address in network for network in _NOT_GLOBAL):
        return False
    return address.is_global and not address.is_multicast and address not in _METADATA_SERVICES


class Policy:
    """The rules for the connections of one run, and for the address that each is made to.

    Attributes:
        upstream: The proxy that connections go through, if any.
    """

    def __init__(self, egress: Egress, resolve: Resolver | None = None) -> None:
        self.upstream = None if egress.proxy is None else Upstream.parse(egress.proxy)
        self._hosts = None if egress.hosts is None else tuple(map(HostPattern.parse, egress.hosts))
        self._allowed = frozenset(map(Origin.parse, egress.allow))
        self._resolve = resolve or Lookups()

    def allows(self, host: str, port: int, *, tunnel: bool) -> bool:
        """Return True if the origin was allowed by name, so that it may be private.

        Args:
            host: The host, as `normalize_host` returns it.
            port: The port.
            tunnel: True for CONNECT, which WebSockets use even when they are not encrypted; False for plain HTTP.
        """
        return any(
            (origin.host, origin.port) == (host, port) and (tunnel or not origin.encrypted) for origin in self._allowed
        )

    async def address(self, host: str, port: int, *, tunnel: bool) -> str:
        """Return the address to dial.

        Args:
            host: The host, as the client wrote it.
            port: The port.
            tunnel: As for `allows`.

        Raises:
            RefusedError: The host may not be reached, or has no address.
        """
        host = normalize_host(host)
        allowed = self.allows(host, port, tunnel=tunnel)
        literal = origins.address(host)
        if not allowed:
            if literal is not None:
                _check_public(literal)
            if port not in _WEB_PORTS and port < _FIRST_USER_PORT:
                raise RefusedError(f"policy: port {port} is not for the web")
            if literal is None and (fault := origins.fault(host)):
                raise RefusedError(f"policy: {fault}")
            if self._hosts is not None and not any(pattern.matches(host, port) for pattern in self._hosts):
                raise RefusedError(NOT_AMONG_HOSTS)  # not resolved first: a query would already send the name out
        addresses = [literal] if literal else await self._addresses(host, port)
        if not allowed:
            for address in addresses:
                _check_public(address)
        return addresses[0]

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise RefusedError("dns: no answer in time") from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise RefusedError("dns: no answer for now") from None
            addresses = ()
        if not addresses:
            raise RefusedError("dns")
        return addresses


def _check_public(address: str) -> None:
    if not is_public(address):
        raise RefusedError(f"policy: {address} is not a public address")


class Lookups:
    """A DNS resolver with a limited number of concurrent lookups: without an answer, one takes half a minute and more.

    Each lookup has a daemon thread of its own: threads of an executor are joined when the program ends, and those of
    the event loop's executor are needed by others.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MAX_LOOKUPS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Resolve a name to its addresses.

        Raises:
            OSError: It cannot be resolved.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()

        def deliver(answer: Sequence[str] | Exception) -> None:
            self._free.release()  # only now, even if the caller was canceled
            if found.done():
                return
            if isinstance(answer, Exception):
                found.set_exception(answer)
            else:
                found.set_result(answer)

        def look_up() -> None:
            answer: Sequence[str] | Exception
            try:
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answer = list(dict.fromkeys(str(each[4][0]) for each in answers))
            except Exception as error:  # noqa: BLE001  raised again in the caller
                answer = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(deliver, answer)

        try:
            threading.Thread(target=look_up, name="dns-lookup", daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise OSError("no thread could be started for a DNS lookup") from None
        return await found
