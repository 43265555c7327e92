"""The resource limits of a worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SandboxLimits:
    """The resource limits of one worker. Exceeding one ends the worker with `SandboxLimitExceeded`.

    Args:
        wall_seconds: Seconds for one call: a run, or one `Session.execute`.
        cpu_seconds: Processor seconds of all its processes together.
        memory_mb: MiB of memory of all its processes together, browser included; shared memory counts once.
        processes: Processes at one time, browser included.
        scratch_mb: MiB of files. The space is fixed when a worker starts.
        scratch_files: Files and directories among them, the browser's own (some hundreds) included.
        output_bytes: Bytes of one result, and bytes of all logs and prints together.
        download_bytes: Bytes of all downloads together.
        downloads: Number of downloads.
        web_bytes: Bytes of all requests of ``web`` and their answers together.
        pages: Pages (tabs, pop-ups) open at one time.
        action_seconds: Seconds after which a click or a wait raises ``TimeoutError``, unless the code sets another
            timeout; loading a page may take three times as long. Does not end the worker.

    >>> SandboxLimits(wall_seconds=60).memory_mb
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
    web_bytes: int = 1 << 30
    pages: int = 20
    action_seconds: float = 10.0
