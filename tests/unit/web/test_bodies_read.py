"""Bodies of answers: content codings within bounds, and charsets as browsers find them."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sandbox.web import codings
from sandbox.web.charsets import decoded
from sandbox.web.errors import WebError
from sandbox.web.transport import WebAnswer
from tests.unit.web.sites import HTML, page_of, site, web_on

TEXT = "Zoë 5 € ".encode() * 5_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("zstd", lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:])),
        ("identity", bytes),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    ],
)
def test_a_coding_is_undone(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert codings.unpacked(pack(TEXT), coding, "u") == TEXT
    assert codings.unpacked(b"", coding, "u") == b""


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
def test_a_bomb_ends_at_the_bound(coding: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(WebError, match="more than 4 MB") as caught:
        codings.unpacked(pack(bytes(16 << 20)), coding, "u", 4 << 20)
    assert caught.value.reason == "body"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@given(body=st.binary(min_size=1, max_size=200))
def test_a_broken_body_is_an_error_and_nothing_else(coding: str, body: bytes) -> None:
    with contextlib.suppress(WebError):
        codings.unpacked(body, coding, "u", 1 << 20)


def test_a_body_that_is_cut_short_is_read_as_far_as_it_goes() -> None:
    assert TEXT.startswith(codings.unpacked(gzip.compress(TEXT)[:-30], "gzip", "u"))


def test_unknown_and_endless_codings_are_refused() -> None:
    for coding in ("lzma", "gzip, gzip, gzip, gzip"):
        with pytest.raises(WebError, match="packed"):
            codings.unpacked(b"x", coding, "u")


def test_what_is_not_installed_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codings.accepted() == "gzip, deflate, br, zstd"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert codings.accepted() == "gzip, deflate"


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("é€".encode(), "text/html", "é€"),
        (b"\xe9\x80\x81", "text/html; charset=ISO-8859-1", "é€\x81"),
        (b"\xe9\x80", "text/html", "é€"),
        (b'<meta charset="latin1">\x80', "text/html", "€"),
        ("<meta charset=shift_jis>あ".encode("shift_jis"), "text/html", "あ"),
        ('<meta http-equiv=Content-Type content="text/html; charset=gb2312">镕'.encode("gbk"), "text/html", "镕"),
        ('<?xml version="1.0" encoding="windows-1251"?>Я'.encode("cp1251"), "application/xhtml+xml", "Я"),
        ("\ufeffж".encode("utf-16-le"), "text/html; charset=iso-8859-1", "ж"),
        ("\ufeffж".encode("utf-16-be"), "text/html", "ж"),
        ("\ufeffж".encode(), "text/html; charset=koi8-r", "ж"),
        ("<meta charset=utf-16>é".encode(), "text/html", "é"),
        (b"<!-- <meta charset=koi8-r> --><meta charset=utf-8>\xc3\xa9", "text/html", "é"),
        ("é".encode(), "text/html; charset=bogus", "é"),
        ("é".encode(), 'text/html; charset="UTF8"', "é"),
        (b"+ADw-", "text/html; charset=utf-7", "+ADw-"),
        (b"aGk=", "text/html; charset=base64", "aGk="),
        (b"a\xff", "text/html; charset=utf-8", "a\ufffd"),
        ("가".encode("cp949"), "text/html; charset=euc-kr", "가"),
        ("中".encode("big5"), "text/html; charset=Big5", "中"),
    ],
)
def test_a_charset_is_found_as_in_browsers(body: bytes, kind: str, text: str) -> None:
    assert decoded(body, kind).endswith(text)


@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_bytes_become_text(body: bytes, kind: str) -> None:
    assert isinstance(decoded(body, kind), str)


async def test_an_answer_is_unpacked_and_decoded() -> None:
    body = gzip.compress("<title>Prix: 5 €</title>".encode("cp1252"))
    headers = (("Content-Type", "text/html; charset=iso-8859-1"), ("Content-Encoding", "gzip"))
    page = await web_on(site(index=WebAnswer(200, headers, body))).get("/")
    assert page.title == "Prix: 5 €"


def test_json_is_read_with_a_mark_and_in_any_charset_and_says_what_else_it_is() -> None:
    assert page_of(b'\xef\xbb\xbf{"a": 1}', content_type="application/json").json() == {"a": 1}
    assert page_of('["é"]'.encode("cp1252"), content_type="text/plain; charset=latin1").json() == ["é"]
    with pytest.raises(WebError, match="no JSON but text/html: '<p>Sorry'"):
        page_of("<p>Sorry", content_type=HTML[1]).json()
    with pytest.raises(WebError, match="no JSON"):
        page_of("[" * 200_000).json()
