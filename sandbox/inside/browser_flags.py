"""The flags that a worker's browser is started with, beside those of Playwright."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
)
# No page asks for a picture or a font: pictures have the places and the names that they have before they come, and tell
# the page neither that they came nor that they did not.
_NO_IMAGES = ("--blink-settings=imagesEnabled=false", "--disable-remote-fonts")
# A new frame, with a compositor of its own, for each document: a fifth of the time of a plain page. Without it the
# browser keeps the frame while it stays on a site, as it did for years.
_FRAME_FOR_EACH_DOCUMENT = "RenderDocument"
_DRIVER_CODE = Path("driver", "package", "lib", "coreBundle.js")
_LIST, _LONGEST = b"disabledFeatures = [\n", 1 << 14
_NAME = re.compile(r'"(\w+)",?')


def browser_flags(playwright: Path, *, images: bool = True) -> list[str]:
    """Return the flags.

    The browser takes the last flag that disables features, so that ours has to name Playwright's, too: as its driver
    has them. It is left out where the driver has them in another form.

    Args:
        playwright: The directory of the package.
        images: Load the pictures and fonts of pages.
    """
    features = _disabled_by_driver(playwright / _DRIVER_CODE)
    added = [f"--disable-features={','.join([*features, _FRAME_FOR_EACH_DOCUMENT])}"] if features else []
    return [*_FLAGS, *added, *(() if images else _NO_IMAGES)]


def _disabled_by_driver(code: Path) -> list[str]:
    """Return the features that the driver disables; none where that is not certain."""
    try:
        with code.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            start = text.find(_LIST)
            listed = text[start + len(_LIST) : start + _LONGEST] if start >= 0 else b""
    except (OSError, ValueError):  # another driver, or an empty file
        return []
    names: list[str] = []
    for line in map(str.strip, listed.decode("utf-8", "replace").splitlines()):
        if line.startswith("]"):
            return names
        if name := _NAME.fullmatch(line):
            names.append(name[1])
        elif not line.startswith("//"):
            break
    return []
