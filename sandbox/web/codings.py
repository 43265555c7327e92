"""Content codings: what a body was packed with, undone within bounds."""

from __future__ import annotations

import importlib
import importlib.util
import zlib
from collections.abc import Callable
from typing import Any

from sandbox.web.errors import WebError

MOST_BYTES = 100 << 20  # of an unpacked body
_STEP = 1 << 20
_MOST_CODINGS = 3


def accepted() -> str:
    """Return the header ``Accept-Encoding``: brotli and zstd where their libraries are installed."""
    offered = ["gzip", "deflate"]
    offered += [
        name for name, library in (("br", "brotli"), ("zstd", "zstandard")) if importlib.util.find_spec(library)
    ]
    return ", ".join(offered)


def unpacked(body: bytes, coding: str, url: str, most: int = MOST_BYTES) -> bytes:
    """Undo the codings of a body.

    Args:
        body: As received.
        coding: The header ``Content-Encoding``.
        url: The address, for messages.
        most: The bytes that may come of it.

    Raises:
        WebError: A coding is unknown, the body is broken, or too much comes of it.
    """
    names = [name for name in coding.lower().replace(" ", "").split(",") if name not in ("", "identity", "none")]
    if len(names) > _MOST_CODINGS:
        raise WebError(f"the answer of {url} is packed {len(names)} times", reason="body", url=url)
    for name in reversed(names):
        unpack = _UNPACKERS.get(name.removeprefix("x-"))
        if unpack is None:
            raise WebError(
                f"the answer of {url} is packed with {name[:40]!r}, which is not known", reason="body", url=url
            )
        if not body:
            return body
        try:
            body = _joined(unpack(body), most, url)
        except WebError:
            raise
        except Exception as error:  # noqa: BLE001  each library has exceptions of its own, and the body is the site's
            message = f"the answer of {url} is broken: it is not what its Content-Encoding {name} says ({error})"
            raise WebError(message, reason="body", url=url) from None
    return body


def _joined(parts: Any, most: int, url: str) -> bytes:
    found, size = [], 0
    for part in parts:
        size += len(part)
        if size > most:
            raise WebError(f"the answer of {url} unpacks to more than {most >> 20} MB", reason="body", url=url)
        found.append(part)
    return b"".join(found)


def _inflated(body: bytes, window: int) -> Any:
    """Yield what zlib makes of a body; a stream that is cut short counts as far as it goes, as in browsers."""
    rest = body
    while rest:
        stream = zlib.decompressobj(window)
        while rest and not stream.eof:
            yield stream.decompress(rest, _STEP)
            rest = stream.unconsumed_tail
        yield stream.flush()
        rest = stream.unused_data if window == 31 and stream.unused_data[:2] == b"\x1f\x8b" else b""


def _gzip(body: bytes) -> Any:
    return _inflated(body, 31)


def _deflate(body: bytes) -> Any:
    """Undo deflate, which servers send with zlib's header and without."""
    with_header = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _inflated(body, 15 if with_header else -15)


def _brotli(body: bytes) -> Any:
    stream = _library("brotli").Decompressor()
    rest = body
    while True:
        yield stream.process(rest, output_buffer_limit=_STEP)
        if stream.is_finished() or stream.can_accept_more_data():
            return
        rest = b""


def _zstd(body: bytes) -> Any:
    reader = (
        _library("zstandard").ZstdDecompressor(max_window_size=128 << 20).stream_reader(body, read_across_frames=True)
    )
    while part := reader.read(_STEP):
        yield part


def _library(name: str) -> Any:
    return importlib.import_module(name)


_UNPACKERS: dict[str, Callable[[bytes], Any]] = {"gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
