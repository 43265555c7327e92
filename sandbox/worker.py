"""The worker: the program inside the jail. Starts driver and browser, then does what the host says, as JSON lines.

It ends with the control socket: a process of its own watches that, so that neither busy code nor a killed host
leaves it behind.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sandbox import landlock
from sandbox.driver import EarlyDriver
from sandbox.protocol import Channel, Message
from sandbox.usage import descendants

_READ_LIMIT = 64 << 20
_MIB = 1 << 20
_REMEMBER_SECONDS = 0.02
_JAIL_SCRATCH = "/scratch"
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
)


def main() -> None:
    """Entry point; the host passes the options as JSON."""
    options = json.loads(sys.argv[1])
    _limit_resources(options)
    control = socket.socket(fileno=options["control"])
    control.set_inheritable(False)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    if "landlock" in options:
        landlock.enter(control, port, **options["landlock"])
    else:
        _leave_a_watchman(control)
    control.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
    listener.close()
    asyncio.run(_serve(control, port, options))


def _limit_resources(options: dict[str, Any]) -> None:
    cpu = int(options["cpu_seconds"]) + 1
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_DATA: options["data_mb"] * _MIB,
        resource.RLIMIT_FSIZE: options["file_mb"] * _MIB,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: 4096,
    }
    if options["tasks"]:
        limits[resource.RLIMIT_NPROC] = options["tasks"]
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def _leave_a_watchman(control: socket.socket) -> None:
    """Fork: the child goes on; the parent waits for the end of either side, and takes all with it."""
    worker = os.fork()
    if worker == 0:
        return
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)
    poll.register(os.pidfd_open(worker), select.POLLIN)
    poll.poll()
    home = os.environ["HOME"]
    if home != _JAIL_SCRATCH:  # no namespaces that end with it
        for pid in set(descendants(os.getpid())) - {os.getpid()}:
            _kill(pid)
        shutil.rmtree(home, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _serve(control: socket.socket, port: int, options: dict[str, Any]) -> None:
    driver = EarlyDriver(options.get("compiled"))
    await driver.start()
    reader, writer = await asyncio.open_connection(sock=control, limit=_READ_LIMIT)
    tasks: set[asyncio.Task[None]] = set()

    def handle(message: Message) -> None:
        if message["t"] == "resource":
            harness.take_resource(message)
            return
        task = asyncio.ensure_future(_answer(message))
        tasks.add(task)
        task.add_done_callback(answered)

    def answered(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            os._exit(1)  # not even the error could be sent: the host must not wait for it

    async def _answer(message: Message) -> None:
        await asyncio.shield(prepared)
        verbs: dict[str, Callable[[], Awaitable[Any]]] = {
            "run": lambda: harness.run(message),
            "open": lambda: harness.begin(message),
            "execute": lambda: harness.execute(message),
            "snapshot": harness.snapshot,
            "locators": lambda: harness.locators(message),
            "freeze": harness.freeze,
            "evidence": lambda: harness.evidence(screenshot=message["screenshot"]),
            "renew": harness.renew,
        }
        try:
            channel.reply(message, await verbs[message["t"]]())
        except Exception as error:  # noqa: BLE001  the host decides what it means
            channel.reply_error(message, type(error).__name__, str(error)[:2000])

    channel = Channel(reader, writer, handle)
    from sandbox.harness import Harness

    harness = Harness(channel, Path(os.environ["HOME"]), lambda: driver.running)
    prepared = asyncio.ensure_future(_prepare(channel, harness, port, options))

    def came_up(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            channel.send("failed", message=f"{type(error).__name__}: {error}"[:4000])

    prepared.add_done_callback(came_up)
    await channel.serve()


async def _prepare(channel: Channel, harness: Any, port: int, options: dict[str, Any]) -> None:
    from playwright.async_api import Error, async_playwright

    playwright = await async_playwright().start()

    async def launch(chromium_sandbox: bool) -> Any:
        return await playwright.chromium.launch(
            executable_path=options["browser"],
            proxy={"server": f"http://127.0.0.1:{port}"},
            args=list(_FLAGS),
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
    await harness.prepare(browser)
    channel.send("ready", chromium_sandbox=chromium_sandbox)
    # Ahead of need, too, but after whoever waits for the browser
    asyncio.get_running_loop().call_later(_REMEMBER_SECONDS, harness.remember)
