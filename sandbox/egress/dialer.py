"""Connections that a worker asks for: checked by `Policy`, made to the address that was checked, and recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sandbox.egress.http1 import BadMessage, Peer, request_tunnel
from sandbox.egress.options import Egress
from sandbox.egress.origins import LONGEST_NAME, Upstream, normalize_host
from sandbox.egress.policy import Lookups, Policy, RefusedError, Resolver
from sandbox.egress.tape import Tape
from sandbox.isolation import shortage

CREDENTIALS_REJECTED = "proxy: it rejected the credentials"

_DIAL_SECONDS = 20.0
_MAX_RECORDS = 1_000


@dataclass(frozen=True)
class Route:
    """A connection to a server, or to the upstream proxy, which takes whole URLs."""

    peer: Peer
    upstream: Upstream | None = None


class Dialer:
    """The network access of one job of a worker. It refuses every connection until `bind` sets what may be reached.

    Attributes:
        reached: ``host:port`` of connections that were made.
        refused: ``host:port`` and reason of connections that were refused or failed.
        tape: Records what is exchanged, or plays it; None for neither.
    """

    def __init__(self) -> None:
        self.reached: dict[str, None] = {}
        self.refused: dict[tuple[str, str], None] = {}
        self._lookups = Lookups()
        self._policy = Policy(Egress(hosts=()), self._lookups)
        self.tape: Tape | None = None

    def bind(self, egress: Egress, resolve: Resolver | None = None) -> None:
        """Set what may be reached."""
        self.tape = egress.tape
        self._policy = Policy(egress, self._taped(resolve or self._lookups))

    def _taped(self, resolve: Resolver) -> Resolver:
        if (tape := self.tape) is None:
            return resolve
        return lambda host, port: tape.resolve(host, port, resolve)

    @property
    def policy(self) -> Policy:
        """The rules of what may be reached; another object after each `bind`."""
        return self._policy

    def close(self) -> None:
        """Refuse every connection from now on."""
        self.bind(Egress(hosts=()))

    async def dial(self, host: str, port: int, *, tunnel: bool) -> Route:
        """Connect to a server, directly or through the upstream proxy.

        Args:
            host: The host, as the client wrote it.
            port: The port.
            tunnel: The connection is for TLS, or for whatever a browser tunnels.

        Raises:
            RefusedError: It may not be reached, or cannot; that is recorded.
        """
        name = endpoint(host, port)
        policy = self._policy
        try:
            address = await policy.address(host, port, tunnel=tunnel)
            if policy.upstream is None or policy.allows(normalize_host(host), port, tunnel=tunnel):
                route = Route(await _connect(address, port))
            elif tunnel:
                route = Route(await _tunnel(policy.upstream, host, port))
            else:
                route = Route(await _connect_upstream(policy.upstream), policy.upstream)
        except RefusedError as refusal:
            self.note_refusal(name, str(refusal))
            raise
        self.note_reached(name)
        return route

    async def reach(self, host: str, port: int, *, tunnel: bool) -> None:
        """Check that a server may be reached, without a connection to it; arguments and errors as of `dial`."""
        await self._policy.address(host, port, tunnel=tunnel)

    def note_reached(self, name: str) -> None:
        """Record a connection that was made."""
        if len(self.reached) < _MAX_RECORDS:
            self.reached[name] = None

    def note_refusal(self, name: str, reason: str) -> None:
        """Record a connection that was not made."""
        if len(self.refused) < _MAX_RECORDS:
            self.refused[name, reason[:LONGEST_NAME]] = None  # the reason may contain the name


async def _connect(address: str, port: int) -> Peer:
    try:
        async with asyncio.timeout(_DIAL_SECONDS):  # not wait_for, which may lose a cancellation on Python 3.11
            return Peer(*await asyncio.open_connection(address, port, limit=1 << 17))
    except TimeoutError:
        raise RefusedError("timeout") from None
    except OSError as error:
        raise RefusedError(shortage.reason(error) or "refused") from None


async def _connect_upstream(upstream: Upstream) -> Peer:
    try:
        return await _connect(upstream.host, upstream.port)
    except RefusedError as refusal:
        raise RefusedError(f"proxy: {upstream.host}:{upstream.port} cannot be reached ({refusal})") from None


async def _tunnel(upstream: Upstream, host: str, port: int) -> Peer:
    """Open a tunnel through the upstream proxy.

    Raises:
        RefusedError: The proxy cannot be reached, or refuses.
    """
    peer = await _connect_upstream(upstream)
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            status = await request_tunnel(peer, f"{host}:{port}", upstream.headers)
    except (OSError, EOFError, TimeoutError, BadMessage, asyncio.LimitOverrunError):
        peer.drop()
        raise RefusedError("proxy: it sent no valid response") from None
    except BaseException:  # a cancellation, too, must not leave the connection open
        peer.drop()
        raise
    if status // 100 == 2:
        return peer
    peer.drop()
    raise RefusedError(CREDENTIALS_REJECTED if status == 407 else f"proxy: it responded with status {status}")


def endpoint(host: str, port: int) -> str:
    """Return ``host:port`` as it is recorded."""
    return f"{host.lower().rstrip('.')}:{port}"[:LONGEST_NAME]
