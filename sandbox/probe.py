"""Does the sandbox work on this machine? Finds out by trying."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sandbox.browser import Browser, find_browser
from sandbox.errors import SandboxUnavailable
from sandbox.jail import JAIL_PACKAGES, REMEDY, browser_path, find_bubblewrap, jail_command, python_command
from sandbox.limits import Limits

_SECONDS = 30.0
_INSIDE = """
import json, os, socket
report = {"interfaces": sorted(name for _, name in socket.if_nameindex())}
try:
    socket.create_connection(("1.1.1.1", 443), timeout=2).close()
    report["network"] = "reached"
except OSError as error:
    report["network"] = type(error).__name__
report["variables"] = sorted(set(os.environ) - {"HOME", "TMPDIR", "PATH", "LANG", "PWD"})
report["home"] = sorted(os.listdir(HOME)) if os.path.isdir(HOME) else []
outside = ["/", "/dev", "/usr/lib", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"]
report["writable"] = [path for path in outside if os.access(path, os.W_OK)]
import playwright.async_api
print(json.dumps(report))
"""


class Check(NamedTuple):
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str
    remedy: str


@dataclass(frozen=True)
class Probe:
    """Whether automations can be jailed here.

    Attributes:
        mechanism: ``"bubblewrap"``, or ``"none"`` where nothing works.
        ok: Everything that was tried works.
        checks: What was tried; each with a detail and, if it failed, a remedy.
    """

    mechanism: Literal["bubblewrap", "none"]
    ok: bool
    checks: tuple[Check, ...]


def probe(browser: str | Path | None = None) -> Probe:
    """Start a jail, look around in it, and start the browser in it. Takes about a second, and blocks.

    Args:
        browser: As for `Sandbox`.

    >>> probe().ok
    True
    """
    checks: list[Check] = []
    found = _try_browser(browser, checks)
    jailed = _try_bubblewrap(checks) and found is not None and _try_jail(found, checks)
    if found is not None and jailed:
        _try_browser_inside(found, checks)
    return Probe("bubblewrap" if jailed else "none", jailed and all(check.ok for check in checks), tuple(checks))


def _try_browser(setting: str | Path | None, checks: list[Check]) -> Browser | None:
    try:
        found = find_browser(setting)
    except SandboxUnavailable as error:
        checks.append(Check("browser", False, error.problem, error.remedy))
        return None
    checks.append(Check("browser", True, str(found.executable), ""))
    return found


def _try_bubblewrap(checks: list[Check]) -> bool:
    try:
        checks.append(Check("bubblewrap", True, find_bubblewrap(), ""))
    except SandboxUnavailable as error:
        checks.append(Check("bubblewrap", False, error.problem, error.remedy))
        return False
    return True


def _try_jail(browser: Browser, checks: list[Check]) -> bool:
    code = f"\nHOME = {str(Path.home())!r}{_INSIDE}"
    try:
        report = json.loads(_run_inside(browser, python_command(JAIL_PACKAGES, code)))
    except (OSError, ValueError, subprocess.SubprocessError, SandboxUnavailable) as error:
        output = getattr(error, "stderr", None) or str(error)
        checks.append(Check("jail", False, str(output).strip()[-1000:], REMEDY))
        return False
    sealed = {
        "network": report["interfaces"] == ["lo"] and report["network"] != "reached",
        "environment": not report["variables"],
        "files": not report["writable"] and not {".ssh", ".bashrc", ".profile", ".config"} & set(report["home"]),
    }
    checks.append(Check("jail", True, "Python and Playwright run inside", ""))
    checks.extend(
        Check(name, ok, "sealed off" if ok else f"not sealed off: {json.dumps(report)[:500]}", "" if ok else REMEDY)
        for name, ok in sealed.items()
    )
    return all(sealed.values())


def _try_browser_inside(browser: Browser, checks: list[Check]) -> None:
    try:
        version = _run_inside(browser, [browser_path(browser), "--version", "--no-sandbox"]).strip()
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error)
        checks.append(
            Check("browser inside", False, str(output).strip()[-1000:], "Install the libraries that it names.")
        )
    else:
        checks.append(Check("browser inside", True, version, ""))


def _run_inside(browser: Browser, inner: list[str]) -> str:
    command = jail_command(browser, Limits(scratch_mb=64), inner)
    try:
        return subprocess.run(
            command.arguments,
            env=command.environment,
            pass_fds=command.descriptors,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        ).stdout
    finally:
        for descriptor in command.descriptors:
            os.close(descriptor)
