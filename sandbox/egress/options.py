"""What a run may reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.egress.origins import HostPattern, Origin, Upstream


@dataclass(frozen=True, kw_only=True)
class Egress:
    """What a worker may reach on the network.

    Args:
        hosts: Host names, such as ``"example.com"`` or ``"*.example.com"`` (its subdomains), each with a port
            (``"example.com:443"``) or for all. None: every public host.
        allow: Exact origins, ``"scheme://host:port"``, that may be private or loopback addresses. They need not be
            in ``hosts`` too.
        proxy: An HTTP proxy that takes all connections but those to ``allow``: ``"http://user:password@host:port"``.
            Names are checked here first, as without it, so this machine must be able to resolve them; the proxy gets
            the name and resolves it again.

    Raises:
        ValueError: One of these is malformed.

    >>> Egress(hosts=("example.com",), allow=("http://127.0.0.1:8001",)).hosts
    ('example.com',)
    """

    hosts: tuple[str, ...] | None = None
    allow: tuple[str, ...] = ()
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for pattern in self.hosts or ():
            HostPattern.parse(pattern)
        for origin in self.allow:
            Origin.parse(origin)
        if self.proxy is not None:
            Upstream.parse(self.proxy)
