"""Answers to the challenges of HTTP authentication (RFC 7616, 7617), for requests that no browser sends."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sandbox.http_login import HttpLogin

_SCHEME = re.compile(r"(?:^|[,\n])\s*digest\s+", re.IGNORECASE)
_NEXT_SCHEME = re.compile(r"[,\n]\s*[A-Za-z-]+\s+(?=[A-Za-z-]+\s*=)")
_FIELD = re.compile(r'([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEMES = re.compile(r"(?:^|[,\n]\s*)(?:basic|digest)(?=\s|$)", re.IGNORECASE)
_BASIC = re.compile(r"(?:^|[,\n]\s*)basic(?=\s|$)", re.IGNORECASE)
_STRONGEST = ("sha-512-256", "sha-256", "md5")


def is_challenge(status: int, challenge: str) -> bool:
    """Return True for an answer that asks for a login by a scheme that can be answered."""
    return status == 401 and bool(_SCHEMES.search(challenge))


def is_for(url: str, start_url: str) -> bool:
    """Return True for an address at which the login of a run is given: at its start URL's host and those below it.

    >>> is_for("https://api.shop.test/", "http://www.shop.test/"), is_for("http://shop.test/", "https://shop.test/")
    (True, False)
    """
    (scheme, host), (own_scheme, own) = _site(url), _site(start_url)
    bare = own.removeprefix("www.")
    same = host in (own, bare) or host.endswith(f".{bare}")
    return bool(own) and same and (scheme == own_scheme or scheme == "https")


def authorization(challenge: str, login: HttpLogin, method: str, url: str) -> str | None:
    """Return the value of the Authorization header for a challenge; None where it is none that can be answered.

    >>> authorization('Basic realm="x"', HttpLogin("ada", "pw"), "GET", "http://x.test/")
    'Basic YWRhOnB3'
    """
    if answer := digest_header(challenge, login, method, url):
        return answer
    if not _BASIC.search(challenge):
        return None
    return f"Basic {base64.b64encode(f'{login.user}:{login.password}'.encode()).decode()}"


def digest_header(challenge: str, login: HttpLogin, method: str, url: str, *, cnonce: str | None = None) -> str | None:
    """Return the value of the Authorization header for a challenge; None where it is none that can be answered.

    Args:
        challenge: The WWW-Authenticate header, with other schemes perhaps.
        url: The address that the request goes to.
        cnonce: The client's nonce; a random one by default.

    >>> asked = 'Digest realm="r@x.test", qop="auth, auth-int", algorithm=SHA-256, nonce="7y", opaque="F"'
    >>> digest_header(asked, HttpLogin("Mufasa", "Circle"), "GET", "http://x.test/dir?n=1", cnonce="f2")[:54]
    'Digest username="Mufasa", realm="r@x.test", nonce="7y"'
    >>> digest_header('Basic realm="x"', HttpLogin("a", "b"), "GET", "http://x.test/") is None
    True
    """
    known = max(_challenges(challenge), key=_strength, default=None)
    if known is None or "nonce" not in known or _strength(known) < 0:
        return None
    offered = [each.strip().lower() for each in known.get("qop", "").split(",") if each.strip()]
    if offered and "auth" not in offered:
        return None  # of the whole body: browsers do not answer that either
    name = known.get("algorithm", "md5").lower()
    hashed, parts = _hash(name.removesuffix("-sess")), urlsplit(url)
    uri = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    realm, nonce, own = known.get("realm", ""), known["nonce"], cnonce or secrets.token_hex(8)
    secret = hashed(f"{login.user}:{_plain(realm)}:{login.password}")
    if name.endswith("-sess"):
        secret = hashed(f"{secret}:{_plain(nonce)}:{own}")
    middle = f"{_plain(nonce)}:00000001:{own}:auth" if offered else _plain(nonce)
    response = hashed(f"{secret}:{middle}:{hashed(f'{method.upper()}:{uri}')}")
    fields = [f'username="{_quoted(login.user)}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
    fields.append(f'response="{response}"')
    if "algorithm" in known:
        fields.append(f"algorithm={known['algorithm']}")
    if "opaque" in known:
        fields.append(f'opaque="{known["opaque"]}"')
    if offered:
        fields += ["qop=auth", "nc=00000001", f'cnonce="{own}"']
    return f"Digest {', '.join(fields)}"


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip(".")


def _challenges(header: str) -> list[dict[str, str]]:
    """Return the fields of each challenge of the scheme, as they stand between the quotes."""
    found = []
    for match in _SCHEME.finditer(header):
        rest = _NEXT_SCHEME.split(header[match.end() :], maxsplit=1)[0]
        fields = {name.lower(): token or quoted for name, quoted, token in _FIELD.findall(rest)}
        found.append(fields)
    return found


def _strength(challenge: Mapping[str, str]) -> int:
    """Return the place of the challenge's algorithm among those that are known; -1 for another."""
    name = challenge.get("algorithm", "md5").lower().removesuffix("-sess")
    return len(_STRONGEST) - _STRONGEST.index(name) if name in _STRONGEST else -1


def _hash(name: str) -> Callable[[str], str]:
    if name == "md5":
        return lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    kind = "sha512_256" if name == "sha-512-256" else "sha256"
    return lambda text: hashlib.new(kind, text.encode()).hexdigest()


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)
