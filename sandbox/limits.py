"""How much a worker may use, and what it may reach."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one worker may use. Passing a limit ends the worker with `SandboxLimitExceeded`.

    Args:
        wall_seconds: Seconds for one call: a run, or one `Session.execute`.
        cpu_seconds: Processor seconds of all its processes together.
        memory_mb: MiB of memory of all its processes together, browser included; what they share counts once.
        processes: Processes at one time, browser included.
        scratch_mb: MiB of files. The space is fixed when a worker starts.
        scratch_files: Files and directories among them, the browser's own (some hundreds) included.
        output_bytes: Bytes of one result, and bytes of all logs and prints together.
        download_bytes: Bytes of all downloads together.
        downloads: Number of downloads.
        pages: Pages (tabs, pop-ups) open at one time.
        action_seconds: Seconds after which a click or a wait raises ``TimeoutError``, unless the code names another
            timeout; three times as many for the loading of a page. Does not end the worker.

    >>> Limits(wall_seconds=60).memory_mb
    3072
    """

    wall_seconds: float = 300.0
    cpu_seconds: float = 300.0
    memory_mb: int = 3072
    processes: int = 512
    scratch_mb: int = 512
    scratch_files: int = 20_000
    output_bytes: int = 8 << 20
    download_bytes: int = 256 << 20
    downloads: int = 200
    pages: int = 20
    action_seconds: float = 10.0


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
        from sandbox.origins import HostPattern, Origin, Upstream

        for pattern in self.hosts or ():
            HostPattern.parse(pattern)
        for origin in self.allow:
            Origin.parse(origin)
        if self.proxy is not None:
            Upstream.parse(self.proxy)
