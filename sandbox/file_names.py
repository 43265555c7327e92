"""Names and types of files: as sites give them, made presentable, and short enough for every file system.

What comes out is one line without control characters and without those that a reader cannot see, but it is no path yet:
who stores the file sanitizes it.
"""

from __future__ import annotations

import contextlib
import mimetypes
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes, urlsplit

from sandbox.invisible import visible

LONGEST_BYTES = 255
PDF = "application/pdf"
DEFAULT_TYPE = "application/octet-stream"

_LONGEST_SUFFIX = 20  # bytes; what comes after the last dot of a sentence is no suffix
_LONGEST_TYPE = 127  # of RFC 6838: each half
_TYPE = re.compile(rf"[\w.+!#$&^-]{{1,{_LONGEST_TYPE}}}/[\w.+!#$&^-]{{1,{_LONGEST_TYPE}}}", re.ASCII)
_SUFFIX = re.compile(r"\.(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{1,10}$")
_ENCODED_WORD = re.compile(r"=\?[\w-]+\?[bBqQ]\?[^?\s]*\?=")
_PARAMETER = re.compile(r';\s*([\w!#$&+^`|~.*-]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_CONTINUED = re.compile(r"filename\*(\d+)(\*?)$")
_PROGRAM = re.compile(r"\.(?:php\d?|aspx?|ashx|cgi|jsp|do|action|pl|dll)$", re.IGNORECASE)  # what makes the file
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Where Python knows none, or first names one that nobody uses
_SUFFIXES = {
    "application/gzip": ".gz",
    "application/json": ".json",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/x-gzip": ".gz",
    "application/x-pdf": ".pdf",
    "application/x-zip-compressed": ".zip",
    "application/xml": ".xml",
    "audio/mpeg": ".mp3",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/xml": ".xml",
}
_TYPES = {suffix: content_type for content_type, suffix in _SUFFIXES.items() if "/x-" not in content_type}


def presentable(name: str, content_type: str = "") -> str:
    """Return a name on one line, of at most `LONGEST_BYTES` bytes, with the suffix of its type where it has none.

    >>> presentable(" 2024 ", "application/pdf")
    '2024.pdf'
    >>> len(presentable("x" * 5000 + ".csv")), presentable("x" * 5000 + ".csv")[-5:]
    (255, 'x.csv')
    """
    name = " ".join(visible(unicodedata.normalize("NFC", name.replace("\r", " "))).split())
    if not _SUFFIX.search(name):
        name = (name.rstrip(". ") or "download") + (suffix_of(content_type) or "")
    return cut(name)


def cut(name: str, most: int = LONGEST_BYTES) -> str:
    """Return a name of at most so many bytes, its suffix included.

    >>> cut("überlang.csv", 8)
    'übe.csv'
    """
    if len(name.encode(errors="replace")) <= most:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode(errors="replace")) > min(_LONGEST_SUFFIX, most - 2):
        stem, dot, suffix = name, "", ""
    room = most - len((dot + suffix).encode(errors="replace"))
    return stem.encode(errors="replace")[:room].decode(errors="ignore") + dot + suffix


def from_headers(disposition: str | None, url: str, content_type: str = "", *, default: str = "") -> str:
    """Return the name that a response gives its file.

    Args:
        disposition: Its header Content-Disposition.
        url: Its address, whose last part counts where the header names no file.
        content_type: Its type, for a name without a suffix.
        default: The name that counts before the address's.

    >>> from_headers("attachment; filename=\\"a_.pdf\\"; filename*=UTF-8''a%20%E2%82%AC.pdf", "http://x/")
    'a €.pdf'
    >>> from_headers(None, "http://x/files/M%C3%A4rz?y=2024", "application/pdf")
    'März.pdf'
    """
    given = _from_disposition(disposition or "") or default
    return presentable(given or _from_url(url, content_type), content_type)


def suggested(name: str, url: str, content_type: str) -> str:
    """Return a name that the browser suggests. For a file without one it takes the address's, which may be random."""
    stem = name.rpartition(".")[0] or name
    if _GUID.fullmatch(stem) and stem.lower() in url.lower():
        name = "download" + name[len(stem) :]
    return presentable(name, content_type)


def type_of(name: str) -> str:
    """Guess a file's type from its name.

    >>> type_of("a.csv"), type_of("a.xlsx")[-5:], type_of("a")
    ('text/csv', 'sheet', 'application/octet-stream')
    """
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return mimetypes.guess_type(f"a{suffix}")[0] or _TYPES.get(suffix) or DEFAULT_TYPE


def forget_system_types() -> None:
    """Have Python guess types by its own table alone, for good.

    The lists of the system differ from machine to machine, and a jail may show that they exist and refuse to read them.
    """
    mimetypes.knownfiles.clear()
    mimetypes.init()


def valid_type(content_type: str | None) -> str | None:
    """Return a Content-Type without its parameters; None where it is no type, or says nothing.

    >>> valid_type("Text/CSV; charset=utf-8"), valid_type("attachment"), valid_type("application/octet-stream")
    ('text/csv', None, None)
    """
    found = (content_type or "").partition(";")[0].strip().lower()
    says_nothing = found in (DEFAULT_TYPE, "binary/octet-stream", "application/download", "application/force-download")
    return found if _TYPE.fullmatch(found) and not says_nothing else None


def suffix_of(content_type: str) -> str | None:
    """Return the usual suffix of a type's files, with its dot."""
    known = valid_type(content_type)
    return (_SUFFIXES.get(known) or mimetypes.guess_extension(known)) if known else None


def _from_url(url: str, content_type: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "data":
        return ""
    name = _percent_decoded(parts.path.rstrip("/").rpartition("/")[2])
    if parts.scheme == "blob" and _GUID.fullmatch(name):
        return ""  # it is random
    suffix = suffix_of(content_type)
    return _PROGRAM.sub(suffix, name) if suffix else name


def _from_disposition(header: str) -> str:
    """Return the name in a header Content-Disposition, as browsers find it: "" where it has none."""
    kind, _, parameters = header.partition(";")
    listed = _PARAMETER.findall(";" + (header if "=" in kind else parameters))  # some servers leave the kind out
    found = {name.lower(): value for name, value in reversed(listed)}
    for name in ("filename*", "filename"):
        value = _unquoted(found.get(name, ""))
        text = _extended(value) if name.endswith("*") else _plain(value)
        if text:
            return text.replace("\\", "/").rpartition("/")[2]
    parts = sorted((int(match[1]), match[2], found[name]) for name in found if (match := _CONTINUED.fullmatch(name)))
    if not parts:
        return ""
    joined = b"".join(_continued(parts))
    return _decoded(joined).replace("\\", "/").rpartition("/")[2]


def _continued(parts: list[tuple[int, str, str]]) -> Iterator[bytes]:
    """Yield the parts of a name that RFC 2231 spreads over several parameters."""
    for number, star, value in parts:
        text = _unquoted(value)
        if star:
            text = text.rpartition("'")[2] if number == 0 else text
            yield unquote_to_bytes(text)
        else:
            yield text.encode(errors="replace")


def _unquoted(value: str) -> str:
    value = value.strip()
    return re.sub(r"\\(.)", r"\1", value.strip('"')) if value.startswith('"') else value


def _extended(value: str) -> str:
    """Decode ``charset'language'percent-encoded``; "" where it is not in that form."""
    charset, quote, rest = value.partition("'")
    if not quote:
        return _percent_decoded(value)  # some servers leave the charset out
    data = unquote_to_bytes(rest.partition("'")[2])
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return _decoded(data)


def _plain(value: str) -> str:
    if _ENCODED_WORD.search(value):
        from email.errors import HeaderParseError
        from email.header import decode_header, make_header

        try:
            return str(make_header(decode_header(value)))
        except (HeaderParseError, LookupError, UnicodeError, ValueError):
            return value
    with contextlib.suppress(UnicodeEncodeError):  # unless it was read as UTF-8 already
        value = _decoded(value.encode("latin-1"))  # header bytes, which the driver reads as Latin-1
    return _percent_decoded(value)


def _percent_decoded(value: str) -> str:
    return _decoded(unquote_to_bytes(value)) if re.search("%[0-9A-Fa-f]{2}", value) else value


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
