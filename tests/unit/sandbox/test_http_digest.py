"""Digest authentication, held against the examples of RFC 7616, section 3.9, and RFC 2069."""

from __future__ import annotations

import re

import pytest

from sandbox.http_digest import digest_header
from sandbox.http_login import HttpLogin

MUFASA = HttpLogin("Mufasa", "Circle of Life")
URL = "http://www.example.org/dir/index.html"
ASKED = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={0},'
    ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def response(header: str | None) -> str:
    assert header is not None
    found = re.search(r'response="([^"]*)"', header)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_answer_is_that_of_the_standard(algorithm: str, expected: str) -> None:
    header = digest_header(ASKED.format(algorithm), MUFASA, "GET", URL, cnonce=CNONCE)
    assert response(header) == expected
    assert header is not None
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in header
    assert "qop=auth, nc=00000001" in header


def test_challenge_without_quality_of_protection_is_answered_in_the_old_way() -> None:
    asked = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    login = HttpLogin("Mufasa", "CircleOfLife")
    header = digest_header(asked, login, "GET", "http://host.com/dir/index.html")
    assert response(header) == "1949323746fe6a43ef61f9606e7febea"
    assert "qop" not in str(header)


def test_strongest_of_several_challenges_is_answered() -> None:
    both = f'Basic realm="x", {ASKED.format("MD5")}, {ASKED.format("SHA-256")}'
    assert "algorithm=SHA-256" in str(digest_header(both, MUFASA, "GET", URL))
    assert "algorithm=SHA-256" in str(digest_header(both.replace(", Digest", "\nDigest"), MUFASA, "GET", URL))


def test_session_variant_hashes_the_nonces_in() -> None:
    plain, session = (digest_header(ASKED.format(a), MUFASA, "GET", URL, cnonce=CNONCE) for a in ("MD5", "MD5-sess"))
    assert response(plain) != response(session)


@pytest.mark.parametrize(
    "asked",
    ['Basic realm="x"', "Digest", ASKED.format("Tiger"), ASKED.format("MD5").replace("auth, auth-int", "auth-int")],
)
def test_challenge_that_cannot_be_answered_is_left_alone(asked: str) -> None:
    assert digest_header(asked, MUFASA, "GET", URL) is None
