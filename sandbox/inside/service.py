"""The worker's service: it starts the browser, then answers the host's requests."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sandbox.file_names import forget_system_types
from sandbox.inside.browser_flags import browser_flags
from sandbox.inside.dispatch import Dispatcher
from sandbox.inside.driver import Driver
from sandbox.protocol import Channel, Message

_BASELINE_SECONDS = 0.02


async def serve(control: socket.socket, port: int, options: dict[str, Any], driver: Driver) -> None:
    """Serve the host until the control socket closes.

    Args:
        control: The socket to the host.
        port: The proxy's port on loopback.
        options: ``browser``, the path of the executable, ``chromium_sandbox`` and ``images``.
        driver: The driver that was started for Playwright.
    """
    await driver.hand_to_playwright()
    dispatcher = await Dispatcher.open(control)
    channel = dispatcher.channel
    from sandbox.inside.harness import Harness
    from sandbox.inside.screenshot import take_picture

    if "landlock" in options:
        from sandbox.inside.semaphores import use_scratch

        use_scratch(Path(os.environ["HOME"]))
    harness = Harness(channel, Path(os.environ["HOME"]), lambda: driver.running)
    prepared = asyncio.ensure_future(_prepare(channel, harness, port, options, lambda: dispatcher.busy))

    async def answer(message: Message) -> Any:
        await asyncio.shield(prepared)
        verbs: dict[str, Callable[[], Awaitable[Any]]] = {
            "run": lambda: harness.run(message),
            "open": lambda: harness.begin(message),
            "execute": lambda: harness.execute(message),
            "snapshot": harness.snapshot,
            "locators": lambda: harness.locators(message),
            "freeze": harness.freeze,
            "picture": lambda: take_picture(
                harness._active(), message["secrets"], whole=bool(message["texts"]), texts=message["texts"]
            ),
            "try_user_agent": lambda: harness.try_user_agent(message),
            "evidence": lambda: harness.evidence(screenshot=message["screenshot"]),
            "renew": harness.renew,
        }
        return await verbs[message["t"]]()

    def report_failure(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            channel.send("failed", message=f"{type(error).__name__}: {error}"[:4000])

    prepared.add_done_callback(report_failure)
    dispatcher.answer, dispatcher.take_resource = answer, harness.take_resource
    await dispatcher.serve()


async def _prepare(
    channel: Channel, harness: Any, port: int, options: dict[str, Any], is_needed: Callable[[], bool]
) -> None:
    """Start Playwright and the browser, and get ahead with work that the first run would wait for."""
    import playwright as package
    from playwright.async_api import Error, async_playwright

    flags = browser_flags(Path(str(package.__file__)).parent, images=options["images"])
    playwright = await async_playwright().start()

    async def launch(chromium_sandbox: bool) -> Any:
        return await playwright.chromium.launch(
            executable_path=options["browser"],
            proxy={"server": f"http://127.0.0.1:{port}"},
            args=flags,
            chromium_sandbox=chromium_sandbox,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )

    chromium_sandbox = options["chromium_sandbox"]
    try:
        browser = await launch(chromium_sandbox)
    except Error:
        if not chromium_sandbox:
            raise
        chromium_sandbox = False
        browser = await launch(chromium_sandbox)
    forget_system_types()
    await harness.prepare(browser)
    if not is_needed():
        await harness.warm_up()
    channel.send("ready", chromium_sandbox=chromium_sandbox)
    # Ahead of need, too, but not before a run that waits for the browser
    asyncio.get_running_loop().call_later(_BASELINE_SECONDS, harness.take_baseline)
