"""Class names and ids such as front-end build tools generate: stable within a build, without meaning."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from html import escape
from importlib.resources import files

_TOKEN = re.compile(r"@@([a-z]\w*)")


def scramble(source: str, build: str) -> str:
    """Replace each ``@@name`` in `source` by a hash of `name` and `build`.

    Two builds have no name in common, so that a redesign breaks the selectors of a script.

    >>> scramble('<p class="@@price">', "shop 1") == scramble('<p class="@@price">', "shop 2")
    False
    """
    return _TOKEN.sub(lambda match: _hashed(match[1], build), source)


def _hashed(name: str, build: str) -> str:
    prefix = "abcdefghjkmnpqrstuvwxyz"[sum(build.encode()) % 23]
    digest = hashlib.blake2b(f"{build}/{name}".encode(), digest_size=4).hexdigest()
    return f"{prefix}{digest[:6]}"


@cache
def stylesheet(site: str, name: str) -> str:
    """Read the style sheet `name` from the directory of `site`; its names are not scrambled yet."""
    return files(__package__).joinpath(site, name).read_text(encoding="utf-8")


def text(value: object) -> str:
    """Escape `value` for HTML text or a quoted attribute."""
    return escape(str(value))
