"""A worker with a browser."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.browser import Browser
from sandbox.errors import SandboxUnavailable
from sandbox.isolation.mechanism import Mechanism
from sandbox.limits import SandboxLimits
from sandbox.protocol import Message, text_field
from sandbox.workers.client import WorkerClient
from sandbox.workers.process import WorkerProcess

if TYPE_CHECKING:
    from sandbox.egress.proxy import EgressProxy


class BrowserWorker(WorkerClient):
    """A worker with a browser.

    Args:
        mechanism: Its jail.
        limits: The limits that it is started with.
        compiled: Directory of the driver's compiled code.
        images: Load the pictures and fonts of pages.
    """

    _what_starts = "browser"
    _process: WorkerProcess

    def __init__(
        self, mechanism: Mechanism, limits: SandboxLimits, compiled: Path | None = None, *, images: bool = True
    ) -> None:
        super().__init__(limits)
        self.images = images
        self.chromium_sandbox: bool | None = None
        self._process = WorkerProcess(mechanism, self._count_output, compiled)

    async def start(self, browser: Browser, *, chromium_sandbox: bool) -> None:
        """Start the worker. It can be bound to a job at once; calls wait until the browser is up."""
        await self._process.start(
            browser,
            self.limits,
            chromium_sandbox=chromium_sandbox,
            images=self.images,
            meanwhile=_import_network,
        )
        await self._open()

    async def _open_network(self) -> None:
        from sandbox.egress.proxy import EgressProxy, Listener

        proxy: EgressProxy = EgressProxy()
        self.dialer = proxy
        await proxy.serve(Listener(fileno=os.dup(self._process.listener.fileno())))
        if self._reason is not None:
            proxy.close()
            raise self._reason

    def _take_word(self, message: Message) -> bool:
        kind = message["t"]
        if self.ready.done() or kind not in ("ready", "failed"):
            return False
        if kind == "ready":
            self.chromium_sandbox = bool(message.get("chromium_sandbox"))
            self.ready.set_result(None)
        else:
            problem = f"the browser did not start in the sandbox: {text_field(message, 'message')}"
            self.end(SandboxUnavailable(problem))
        return True


def _import_network() -> None:
    """Import the proxy while the worker starts: it takes long, and `import sandbox` need not wait for it."""
    importlib.import_module("sandbox.egress.proxy")
    importlib.import_module("sandbox.workers.web_requests")
