"""Hosts, origins and proxies, parsed from how users write them."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

LONGEST_NAME = 260  # of "host:port", whose host has at most 253 characters

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*")
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|\d+")


def address(host: str) -> str | None:
    """Return an IP address in its canonical spelling; None for a host name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def fault(host: str) -> str | None:
    """Return the fault of a host name in lower case; None if it is valid."""
    if not _NAME.fullmatch(host):
        return "not a valid host name"
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):  # 127.1, 2130706433, 0x7f.1: other spellings of addresses
        return "a number is not a host name"
    return None


def normalize_host(host: str) -> str:
    """Return a host for comparison: in lower case, without a trailing dot and without brackets."""
    return host.lower().rstrip(".").removeprefix("[").removesuffix("]")


@dataclass(frozen=True)
class Origin:
    """A scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Parse ``"scheme://host:port"``; without a port, it is the scheme's default.

        Raises:
            ValueError: The text is not an origin.
        """
        parts = urlsplit(text)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{text!r} is not an origin: write scheme://host:port")
        return cls(parts.scheme, parts.hostname.rstrip("."), parts.port or _DEFAULT_PORTS[parts.scheme])

    @property
    def encrypted(self) -> bool:
        """True for https and wss."""
        return self.scheme in ("https", "wss")


@dataclass(frozen=True)
class HostPattern:
    """A host or all subdomains of it, with one port or all.

    >>> HostPattern.parse("*.example.com").matches("www.example.com", 443)
    True
    >>> HostPattern.parse("example.com:443").matches("example.com", 80)
    False
    """

    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> HostPattern:
        """Parse ``"host"`` or ``"*.host"``, with or without ``":port"``; an IPv6 address with a port has brackets.

        Raises:
            ValueError: The text is not a host.
        """
        host, colon, digits = text.rpartition(":")
        if not colon or address(text) or text.endswith("]"):
            host, colon, digits = text, "", ""
        host = normalize_host(host)
        name = host.removeprefix("*.")
        if not (address(host) or (fault(name) is None)):
            raise ValueError(f"{text!r} is not a host: write example.com, *.example.com or example.com:443")
        if colon and not (digits.isdecimal() and 0 < int(digits) < 65536):
            raise ValueError(f"{text!r} has no valid port")
        return cls(host, int(digits) if digits else None)

    def matches(self, host: str, port: int) -> bool:
        """Return True if the pattern covers a host, as `normalize_host` returns it, and a port."""
        if self.port not in (None, port):
            return False
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host


@dataclass(frozen=True)
class Upstream:
    """An upstream HTTP proxy, with the headers that authenticate to it."""

    host: str
    port: int
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, url: str) -> Upstream:
        """Parse ``"http://user:password@host:port"``.

        Raises:
            ValueError: The URL is not that of an HTTP proxy; the message does not contain the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("proxy is not a URL: write http://host:port") from None
        if parts.scheme != "http" or not parts.hostname or port is None or parts.path not in ("", "/"):
            raise ValueError("proxy must be written http://host:port or http://user:password@host:port")
        if parts.username is None:
            return cls(parts.hostname, port)
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        return cls(parts.hostname, port, ((b"Proxy-Authorization", b"Basic " + base64.b64encode(credentials)),))
