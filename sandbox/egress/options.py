"""The network access of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.egress.origins import HostPattern, Origin, Upstream
from sandbox.egress.tape import Tape


@dataclass(frozen=True, kw_only=True)
class Egress:
    """The network access of a run or session.

    Args:
        hosts: Host names, such as ``"example.com"`` or ``"*.example.com"`` (its subdomains), each with a port
            (``"example.com:443"``) or for every port. None: every public host.
        allow: Exact origins, ``"scheme://host:port"``, which may be private or loopback addresses. They need not be
            listed in ``hosts``, too.
        proxy: An HTTP proxy for all connections but those to ``allow``: ``"http://user:password@host:port"``. Names
            are resolved and checked on this machine first; the proxy gets the name and resolves it again.
        tape: Records all that is exchanged, or plays it in place of the network; None for neither.

    Raises:
        ValueError: One of these is malformed.

    >>> Egress(hosts=("example.com",), allow=("http://127.0.0.1:8001",)).hosts
    ('example.com',)
    """

    hosts: tuple[str, ...] | None = None
    allow: tuple[str, ...] = ()
    proxy: str | None = field(default=None, repr=False)
    tape: Tape | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for pattern in self.hosts or ():
            HostPattern.parse(pattern)
        for origin in self.allow:
            Origin.parse(origin)
        if self.proxy is not None:
            Upstream.parse(self.proxy)
