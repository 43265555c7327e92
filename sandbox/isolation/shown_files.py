"""The files of this machine that a worker sees: libraries, Python, packages, fonts and certificates, its browser."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from sandbox.browser import Browser
from sandbox.errors import SandboxUnavailable

# What `web` imports; without the last three it asks sites for other codings
_WEB_PACKAGES = {"selectolax": True, "brotli": False, "_brotli": False, "zstandard": False}
# playwright and what it imports; the last two depend on its version
_PACKAGES = {"playwright": True, "greenlet": True, "pyee": False, "typing_extensions": False, **_WEB_PACKAGES}
JAIL_BROWSER = "/browser"
"""The directory in the jail of a browser that is not one of the system."""
_PUBLIC_FILES = (
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/usr/local/share/fonts",
    "/usr/share/ca-certificates",
    "/usr/share/fontconfig",
    "/usr/share/fonts",
    "/usr/share/mime",
    "/usr/share/zoneinfo",
    "/var/cache/fontconfig",
)
_WEB_PUBLIC_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
_SYSTEM_PREFIXES = (Path("/"), Path("/usr"), Path("/usr/local"))


def readable(browser: Browser | None) -> list[str]:
    """Return the only files of this machine that a worker may read."""
    shown = (*system_libraries(), *python_files(interpreter()), *public_files(browser), *map(str, packages(browser)))
    return [str(Path(path).resolve()) for path in (*shown, *([str(browser.root)] if browser is not None else []))]


def system_libraries() -> Iterator[str]:
    """List the directories of the system's libraries, where a system may have them."""
    yield from ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64")


def interpreter() -> Path:
    """Return the interpreter itself, not a virtual environment's link to it."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def python_files(executable: Path) -> Iterator[str]:
    """List an interpreter's own files: its prefix, or, where that is the system's, what belongs to it there."""
    prefix = executable.parent.parent
    if prefix not in _SYSTEM_PREFIXES:
        yield str(prefix)
        return
    yield str(executable)
    yield sysconfig.get_path("stdlib")
    yield sysconfig.get_path("platstdlib")
    library = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    if all(library):
        yield str(Path(*library))


def public_files(browser: Browser | None) -> tuple[str, ...]:
    """Return files that hold nothing of this machine's users: fonts, certificates, time zones."""
    return _PUBLIC_FILES if browser is not None else _WEB_PUBLIC_FILES


def packages(browser: Browser | None) -> Iterator[Path]:
    """List the only packages of the caller that a worker can import."""
    yield Path(__file__).parent.parent
    for name, needed in (_PACKAGES if browser is not None else _WEB_PACKAGES).items():
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            if not needed:
                continue
            raise SandboxUnavailable(f"the package {name!r} is not installed beside the sandbox", f"pip install {name}")
        origin = Path(spec.origin)
        yield origin.parent if origin.name == "__init__.py" else origin


def browser_path(browser: Browser) -> str:
    """Return the browser's path in the jail."""
    if any(browser.executable.is_relative_to(library) for library in ("/usr/lib", "/usr/lib64")):
        return str(browser.executable)
    return f"{JAIL_BROWSER}/{browser.executable.name}"
