"""Names on disk: the directory of a reuse key, and portable names of resources."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from engine.errors import InvalidRequest
from engine.task.ids import LONGEST_KEY

_LONGEST_NAME = 100  # bytes; leaves room for ".lock" and for deep roots
_READABLE_PART = 59  # with "~" and the digest also 100
_DIGEST = 40  # hex digits: 160 bits

# No capitals, so that "A" and "a" differ where case does not; no "~", which marks shortened names.
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.")
_EVIDENT = re.compile(r"[a-z0-9_][a-z0-9_.-]*(?<!\.)")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_NOT_PORTABLE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_GIT_OWN = re.compile(r"\.git\s*\.*|git~\d+", re.IGNORECASE)


def directory_name(key: str) -> str:
    """Return the directory name of a reuse key: ASCII, at most 100 bytes, and no other key's on any file system.

    Args:
        key: Any string of 1 to 1000 characters.

    Raises:
        InvalidRequest: The key is empty, too long, or not a string.

    >>> directory_name("invoices-2024")
    'invoices-2024'
    >>> directory_name("Invoices/2024")
    '%49nvoices%2f2024'
    """
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidRequest(f"a reuse key is a string of 1 to {LONGEST_KEY} characters", field="reuse_key")
    data = key.encode("utf-8", "surrogatepass")
    reserved = _RESERVED.match(key) is not None
    last = len(data) - 1
    name = "".join(
        chr(byte)
        if byte in _PLAIN
        and not (at == 0 and (reserved or byte in b".-"))  # hidden, or taken for an option
        and not (at == last and byte == ord("."))
        else f"%{byte:02x}"
        for at, byte in enumerate(data)
    )
    if len(name) <= _LONGEST_NAME:
        return name
    readable = re.sub(r"%[0-9a-f]?$", "", name[:_READABLE_PART])
    return f"{readable}~{hashlib.sha256(data).hexdigest()[:_DIGEST]}"


def key_of(name: str) -> str | None:
    """Return the key of a directory name; None where the name is shortened, or is no key's."""
    if len(name) <= _LONGEST_NAME and _EVIDENT.fullmatch(name) and not _RESERVED.match(name):
        return name
    try:
        key = unquote_to_bytes(name).decode("utf-8", "surrogatepass")
        return key if directory_name(key) == name else None
    except (UnicodeDecodeError, InvalidRequest):
        return None


def check_resource_names(names: Iterable[str]) -> None:
    """Refuse names that some file system cannot hold, or holds as one.

    Raises:
        InvalidRequest: A name is not portable; the message says why.
    """
    taken: dict[str, str] = {}
    for name in sorted(names):
        parts = name.split("/") if isinstance(name, str) else []
        if not parts or len(name) > 200 or not all(map(_is_portable, parts)):
            raise InvalidRequest(
                f"{name!r} cannot name a resource on every system; use a relative path such as 'data/cities.csv', "
                "of letters, digits, '-', '_', '.' and spaces",
                field="resources",
            )
        folded = [normalize("NFC", part).casefold() for part in parts]
        for depth in range(1, len(parts) + 1):
            spelling = "/".join(parts[:depth]) + ("" if depth == len(parts) else "/")
            other = taken.setdefault("/".join(folded[:depth]), spelling)
            if other != spelling:
                raise InvalidRequest(
                    f"the resources {other!r} and {spelling!r} have the same name on some file systems",
                    field="resources",
                )


def _is_portable(part: str) -> bool:
    return (
        part not in ("", ".", "..")
        and not part.endswith((".", " "))
        and _NOT_PORTABLE.search(part) is None
        and _RESERVED.match(part) is None
        and _GIT_OWN.fullmatch(part) is None
        and len(part.encode()) <= 200
    )
