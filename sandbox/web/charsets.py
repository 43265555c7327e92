"""The characters of a body: from its byte order mark, its header, or what it says of itself, as browsers read them."""

from __future__ import annotations

import codecs
import re

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_LOOK = 1_024
_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w:.+-]+)", re.IGNORECASE)
_META = re.compile(rb"<meta\b[^>]{0,400}?\bcharset\s*=\s*[\"']?\s*([\w:.+-]+)", re.IGNORECASE)
_XML = re.compile(rb"\A\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w:.+-]+)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
# Where the encoding standard for the web means another codec than Python by the same label.
_WEB_LABELS = {
    "cp1252": "iso-8859-1 iso8859-1 iso_8859-1 latin-1 latin1 l1 ascii us-ascii ansi_x3.4-1968 windows-1252 cp819",
    "cp1254": "iso-8859-9 iso8859-9 latin5 l5",
    "cp874": "iso-8859-11 tis-620 windows-874",
    "gb18030": "gb2312 gbk x-gbk chinese gb_2312-80 csgb2312 iso-ir-58",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j ms932",
    "cp949": "euc-kr ks_c_5601-1987 ks_c_5601-1989 korean ksc5601 windows-949",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5 csbig5",
    "utf-8": "utf8 unicode-1-1-utf-8 x-unicode20utf8 utf8mb4",
    "utf-16-le": "utf-16 utf-16le unicode ucs-2 iso-10646-ucs-2",
    "utf-16-be": "utf-16be",
    "mac_roman": "x-mac-roman macintosh",
}
_LABELS = {label: name for name, labels in _WEB_LABELS.items() for label in labels.split()}
_C1 = {code: bytes([code]).decode("latin-1") for code in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}  # not in cp1252


def decoded(body: bytes, content_type: str = "") -> str:
    r"""Return a body as text. What is no character of its charset becomes U+FFFD.

    >>> decoded(b"\x80 5", "text/html; charset=iso-8859-1"), decoded(b'<meta charset="gb2312">\xc4\xe3')[-1]
    ('€ 5', '你')
    >>> decoded(b'<?xml version="1.0" encoding="Shift_JIS"?>\x82\xa0')[-1], decoded(b"\xff\xfea\0")
    ('あ', 'a')
    """
    name = charset(body, content_type)
    for mark, of in _BOMS:
        if of == name and body.startswith(mark):
            body = body[len(mark) :]
            break
    text = body.decode(name, "replace")
    if name == "cp1252" and "\ufffd" in text:
        text = "".join(map(_western, body))
    return text


def charset(body: bytes, content_type: str = "") -> str:
    """Return the codec of a body: UTF-8 where nothing tells, Windows-1252 where it is not that, either."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name
    if (found := _IN_HEADER.search(content_type)) and (named := _codec(found[1])):
        return named
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/json", "text/csv", "application/javascript") or kind.endswith("+json"):
        return _guess(body)
    start = body[: _LOOK * 4]
    if (declared := _XML.match(start)) and (named := _codec(declared[1].decode("ascii", "replace"))):
        return _in_ascii(named)
    plain = _COMMENT.sub(b"", start)
    if (declared := _META.search(plain)) and (named := _codec(declared[1].decode("ascii", "replace"))):
        return _in_ascii(named)
    return _guess(body)


def _codec(label: str) -> str | None:
    label = label.strip().lower()
    name = _LABELS.get(label, label)
    try:
        found = codecs.lookup(name)
        b"a".decode(found.name)  # not a codec of bytes to bytes, such as base64
    except (LookupError, UnicodeError, ValueError):
        return None
    return None if found.name in ("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape") else name


def _in_ascii(name: str) -> str:
    """Return the codec of a document whose declaration was read as ASCII: it cannot be UTF-16."""
    return "utf-8" if name.startswith("utf-16") else name


def _guess(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _western(byte: int) -> str:
    """Return a character of Windows-1252, which on the web has one for each byte."""
    return _C1.get(byte) or bytes([byte]).decode("cp1252")
