"""The view of hostile code in a jail, and the end of the jail."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, PoolOptions, Sandbox, SandboxUnavailable, WorkerDied
from sandbox.browser import find_browser
from sandbox.isolation.usage import descendants
from tests.support.jailed import Run
from tests.support.jails import JAILS
from tests.support.paths import ROOT
from tests.support.warm import LentSandbox


@pytest.fixture
def sandbox(warm: LentSandbox) -> LentSandbox:
    """The session's sandbox: a jail holds whatever ran in it before."""
    return warm


INSIDE = """
import ctypes, os, socket
found = {}
def attempt(name, action):
    try: found[name] = action()
    except BaseException as error: found[name] = type(error).__name__
def syscall(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    return os.strerror(ctypes.get_errno()) if getattr(libc, name)(*arguments) < 0 else "done"
attempt("environment", lambda: sorted(os.environ))
attempt("home", lambda: open(parameters["secret"]).read())
attempt("listing", lambda: sorted(os.listdir("/")))
attempt("connect", lambda: socket.create_connection(("1.1.1.1", 80), 2))
attempt("host loopback", lambda: socket.create_connection(("127.0.0.1", parameters["port"]), 2))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("name", lambda: socket.getaddrinfo("example.com", 80))
attempt("kernel settings", lambda: os.access("/proc/sys/kernel/core_pattern", os.W_OK))
attempt("writable", lambda: [p for p in ("/", "/dev", "/packages/sandbox", "/usr/lib", "/etc") if os.access(p,
os.W_OK)])
attempt("mount", lambda: syscall("mount", b"x", b"/scratch", b"tmpfs", 0, None))
attempt("ptrace", lambda: syscall("ptrace", 16, 1, 0, 0))
attempt("processes", lambda: len([p for p in os.listdir("/proc") if p.isdigit()]) < 40)
attempt("capabilities", lambda: [l.split()[1] for l in open("/proc/self/status") if l.startswith(("CapEff", "CapBnd"))])
attempt("shell", lambda: os.execv("/bin/sh", ["/bin/sh", "-c", "id"]))
attempt("modules", lambda: __import__("engine"))
return found
"""


async def test_jail_has_no_private_files_or_environment(run: Run, site: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    parameters = {"secret": str(secret), "port": int(site.rpartition(":")[2])}
    found = (await run(INSIDE, parameters=parameters)).value
    assert found == {
        "environment": ["HOME", "LANG", "PATH", "PWD", "TMPDIR"],
        "home": "FileNotFoundError",
        "listing": found["listing"],
        "connect": "OSError",
        "host loopback": "ConnectionRefusedError",
        "vsock": "PermissionError",
        "name": "gaierror",
        "kernel settings": False,
        "writable": [],
        "mount": "Operation not permitted",
        "ptrace": "Operation not permitted",
        "processes": True,
        "capabilities": ["0000000000000000"] * 2,
        "shell": "FileNotFoundError",
        "modules": "ModuleNotFoundError",
    }
    assert not {"home", "work", "sys", "run", "boot", "opt", "srv"} & set(found["listing"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "policy: 169.254.169.254 is not a public address"),
        ("http://[::ffff:10.0.0.1]/", "policy: ::ffff:a00:1 is not a public address"),
        ("{site}/away", "policy: 127.0.0.1 is not a public address"),
        ("http://localhost:{port}/", "policy: "),
    ],
)
async def test_private_addresses_are_refused(run: Run, site: str, url: str, reason: str) -> None:
    url = url.format(site=site, port=site.rpartition(":")[2])
    outcome = await run("await page.goto(parameters['url'])", parameters={"url": url})
    assert outcome.error is not None
    assert outcome.error.kind == "navigation"
    assert (outcome.evidence.main_refused or "").startswith(reason)
    assert outcome.evidence.text == ""


async def test_pages_and_requests_use_only_the_proxy(run: Run, site: str) -> None:
    other = "http://localhost:" + site.rpartition(":")[2]
    body = f"""
fetched = await page.evaluate("u => fetch(u, {{mode: 'no-cors'}}).then(() => 'reached', () => 'refused')", "{other}/2")
socket = await page.evaluate("u => new Promise(done => {{ const s = new WebSocket(u); s.onopen = () => done('reached');"
    " s.onerror = () => done('refused'); }})", "{other.replace("http", "ws")}/2")
try: called = (await page.context.request.get("{other}/2")).status
except Exception as error: called = "refused"
try: read = await (await page.goto("file:///etc/passwd")).text()
except Exception as error: read = "refused"
return [fetched, socket, called, read]
"""
    outcome = await run(body)
    assert outcome.value == ["refused"] * 4
    assert {host for host, _ in outcome.evidence.refused} == {other.removeprefix("http://")}


async def test_hosts_limit_the_network_of_a_run(run: Run) -> None:
    outcome = await run("await page.goto('http://example.org/')", path=None, egress=Egress(hosts=("example.com",)))
    assert outcome.evidence.refused == (("example.org:80", "policy: not among the allowed hosts"),)


async def test_worker_that_exits_is_reported(run: Run) -> None:
    with pytest.raises(WorkerDied):
        await run("import os\nos._exit(3)", path=None)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


EMBEDDER = """
import asyncio, sys
from sandbox import Automation, Egress, Host, Sandbox
class Telling(Host):
    async def log(self, message):
        print(message, flush=True)
async def main():
    code = "async def run(page, parameters, task):\\n    task.log('running')\\n    while True: pass"
    async with Sandbox(isolation=sys.argv[1]) as sandbox:
        await sandbox.warm()
        await asyncio.sleep(1.5)
        await sandbox.run(Automation(code), {}, start_url=None, egress=Egress(), host=Telling())
asyncio.run(main())
"""


@pytest.mark.parametrize("isolation", JAILS)
async def test_killed_program_leaves_no_processes(isolation: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", EMBEDDER, isolation]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment)
    with program:
        assert program.stdout is not None
        assert await asyncio.to_thread(program.stdout.readline) == b"running\n"
        family = [pid for pid in descendants(program.pid) if pid != program.pid]
        assert len(family) > 5
        program.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while (any(map(_command, family)) or any(tmp_path.iterdir())) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    assert [pid for pid in family if _command(pid)] == []
    assert list(tmp_path.iterdir()) == [], "scratch"


@pytest.mark.parametrize("isolation", ["bubblewrap", "auto"])
async def test_nothing_runs_if_no_jail_works(monkeypatch: pytest.MonkeyPatch, isolation: Any) -> None:
    monkeypatch.setenv("WEBTASKS_BROWSER", str(find_browser().executable))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sandbox.isolation.landlock.OLDEST_ABI", 1000)
    async with Sandbox(isolation=isolation) as sandbox:
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            await sandbox.run(
                Automation("async def run(page, parameters, task): return 1"),
                {},
                start_url=None,
                egress=Egress(),
                host=Host(),
            )


async def test_landlock_replaces_missing_bubblewrap_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WEBTASKS_BROWSER", str(find_browser().executable))
    monkeypatch.setenv("PATH", "/nowhere")
    code = "async def run(page, parameters, task): return await page.evaluate('1 + 1')"
    async with Sandbox(pool=PoolOptions(spare=0)) as sandbox:
        outcome = await sandbox.run(Automation(code), {}, start_url=None, egress=Egress(), host=Host())
    assert outcome.value == 2
    assert "run under Landlock instead" in caplog.text


async def test_isolation_none_warns_and_runs(caplog: pytest.LogCaptureFixture, site: str) -> None:
    code = "async def run(page, parameters, task): return await page.title()"
    async with Sandbox(isolation="none", pool=PoolOptions(spare=0)) as sandbox:
        outcome = await sandbox.run(Automation(code), {}, start_url=site, egress=Egress(allow=(site,)), host=Host())
    assert outcome.value == "Items"
    assert "without any protection" in caplog.text


async def test_invalid_browser_is_refused() -> None:
    async with Sandbox(browser="/bin/true-browser") as sandbox:
        await sandbox.warm()
        with pytest.raises(SandboxUnavailable, match="/bin/true-browser"):
            await sandbox.open_session({}, start_url=None, egress=Egress(), host=Host())
