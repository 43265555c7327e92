"""The choice of a Chromium: an explicit setting, WEBTASKS_BROWSER, Playwright's own, the system's."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxUnavailable

ENVIRONMENT_VARIABLE = "WEBTASKS_BROWSER"
REMEDY = (
    "Install one with `playwright install chromium --only-shell`, or with the system's package manager "
    "(Debian: `apt-get install chromium-headless-shell`; others: chromium), or name one in "
    f"{ENVIRONMENT_VARIABLE} or `Sandbox(browser=...)`."
)

# The headless shell first: its contexts open three times as fast as full Chromium's.
_SYSTEM_PROGRAMS = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_BINARY_NAMES = (
    "chromium-headless-shell",
    "headless_shell",
    "chrome-headless-shell",
    "chromium",
    "chrome",
    "chromium-browser",
)
_PATH_IN_SCRIPT = re.compile(rb"/[A-Za-z0-9_./+-]+")


@dataclass(frozen=True)
class Browser:
    """A Chromium binary and the directory with its data files."""

    executable: Path

    @property
    def root(self) -> Path:
        """The directory that must be visible in the jail."""
        return self.executable.parent


def find_browser(setting: str | Path | None = None) -> Browser:
    """Return the browser to use.

    Args:
        setting: Path or name of a browser, which is then the only candidate.

    Raises:
        SandboxUnavailable: There is no browser; the remedy names what to install.
    """
    for origin, wanted in (
        ("Sandbox(browser=...)", setting),
        (ENVIRONMENT_VARIABLE, os.environ.get(ENVIRONMENT_VARIABLE)),
    ):
        if wanted:
            found = shutil.which(str(wanted))
            binary = _binary(Path(found)) if found else None
            if binary is None:
                raise SandboxUnavailable(
                    f"the browser {str(wanted)!r}, set by {origin}, is not a Chromium program", REMEDY
                )
            return Browser(binary)
    systems = (Path(found) for name in _SYSTEM_PROGRAMS if (found := shutil.which(name)))
    for candidate in (*_playwright_browsers(), *systems):
        binary = _binary(candidate)
        if binary is not None:
            return Browser(binary)
    raise SandboxUnavailable("no Chromium was found on this machine", REMEDY)


def _playwright_browsers() -> Iterator[Path]:
    package = importlib.util.find_spec("playwright")
    if package is None or not package.submodule_search_locations:
        return
    driver = Path(package.submodule_search_locations[0]) / "driver" / "package"
    setting = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if setting == "0":
        store = driver / ".local-browsers"
    elif setting:
        store = Path(setting)
    else:
        store = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
    try:
        browsers = json.loads((driver / "browsers.json").read_text())["browsers"]
    except (OSError, ValueError, KeyError):
        return
    revisions = {browser["name"]: browser["revision"] for browser in browsers}
    for name in ("chromium-headless-shell", "chromium"):
        directory = store / f"{name.replace('-', '_')}-{revisions.get(name)}"
        for binary in _BINARY_NAMES:
            yield from sorted(directory.glob(f"*/{binary}"))


def _binary(path: Path) -> Path | None:
    """Return the program itself: distributions wrap it in a shell script, and the jail has no shell."""
    path = path.resolve()
    if _is_elf(path):
        return path
    try:
        script = path.read_bytes()[:65536]
    except OSError:
        return None
    named = [Path(os.fsdecode(match)) for match in _PATH_IN_SCRIPT.findall(script)]
    around = [directory / name for directory in (path.parent, *named) for name in _BINARY_NAMES]
    for candidate in (*named, *around):
        if candidate.name in _BINARY_NAMES and _is_elf(candidate):
            return candidate.resolve()
    return None


def _is_elf(path: Path) -> bool:
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
