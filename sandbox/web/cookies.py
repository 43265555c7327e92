"""The cookies of one run, as RFC 6265 has them."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sandbox.web.words import words

_MOST = 3_000
_MOST_OF_A_DOMAIN = 180  # as Chromium keeps
_LONGEST = 4_096  # name and value together
_LONGEST_ATTRIBUTE = 1_024
_MOST_SENT = 64 << 10
_FOREVER = 400 * 86_400  # browsers let no cookie live longer
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NUMERIC = re.compile(r"[\d.]+|.*:.*")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
# Second-level labels under which registries give out names, and hosts whose customers are strangers to one another. No
# whole public-suffix list: a cookie that is wrongly kept to its own host does less harm than one that strangers get.
_SHARED_LABELS = words("ac co com edu gen go gob gouv gov gv id in ltd me mil ne net nhs nom or org plc sch")
_SHARED_HOSTS = words(
    "github.io gitlab.io herokuapp.com vercel.app netlify.app pages.dev workers.dev web.app firebaseapp.com "
    "azurewebsites.net cloudfront.net amazonaws.com appspot.com blogspot.com wordpress.com readthedocs.io "
    "fly.dev onrender.com surge.sh"
)


@dataclass(frozen=True)
class _Cookie:
    name: str
    value: str
    domain: str
    wide: bool  # also for subdomains
    path: str
    secure: bool
    ends: float | None
    order: int


class Cookies:
    """A jar of cookies.

    Args:
        now: The clock.

    >>> jar = Cookies()
    >>> jar.keep("https://shop.test/basket/add", ["sid=1; Path=/; Secure; HttpOnly", "last=b; path=/basket"])
    >>> jar.header("https://shop.test/basket"), jar.header("http://shop.test/"), jar.header("https://www.shop.test/")
    ('last=b; sid=1', '', '')
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[tuple[str, str, str], _Cookie] = {}
        self._orders = itertools.count()

    def keep(self, url: str, lines: list[str]) -> None:
        """Keep the cookies that an answer sets.

        Args:
            url: The address that was answered.
            lines: The values of its headers ``Set-Cookie``.
        """
        for line in lines:
            cookie = self._parse(url, line)
            if cookie is None:
                continue
            key = (cookie.domain, cookie.path, cookie.name)
            old = self._kept.get(key)
            if old is not None and old.secure and not cookie.secure and urlsplit(url).scheme != "https":
                continue  # an insecure answer does not replace what came securely
            if cookie.ends is not None and cookie.ends <= self._now():
                self._kept.pop(key, None)
                continue
            order = old.order if old is not None else cookie.order
            self._kept[key] = _Cookie(**{**cookie.__dict__, "order": order})
            self._bound(cookie.domain)

    def header(self, url: str) -> str:
        """Return the header ``Cookie`` for a request; empty for none."""
        if not self._kept:
            return ""
        parts = urlsplit(url)
        host, path, secure = _host(url), parts.path or "/", _is_secure(url)
        sent = [
            cookie
            for cookie in self._kept.values()
            if (host == cookie.domain or (cookie.wide and host.endswith("." + cookie.domain)))
            and _covers(cookie.path, path)
            and (secure or not cookie.secure)
            and (cookie.ends is None or cookie.ends > self._now())
        ]
        sent.sort(key=lambda cookie: (-len(cookie.path), cookie.order))
        text, size = [], 0
        for cookie in sent:
            shown = f"{cookie.name}={cookie.value}" if cookie.name else cookie.value
            size += len(shown) + 2
            if size > _MOST_SENT:
                break
            text.append(shown)
        return "; ".join(text)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return a cookie's value, the newest of that name: some sites want it in a header, too."""
        named = [cookie for cookie in self._kept.values() if cookie.name == name]
        return max(named, key=lambda cookie: cookie.order).value if named else default

    def __iter__(self) -> itertools.chain[str]:
        return itertools.chain(cookie.name for cookie in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def _parse(self, url: str, line: str) -> _Cookie | None:
        first, *rest = line.split(";")
        name, equals, value = first.partition("=")
        name, value = (name.strip(" \t"), value.strip(" \t")) if equals else ("", name.strip(" \t"))
        if not (name or value) or len(name) + len(value) > _LONGEST or _CONTROLS.search(first):
            return None
        options: dict[str, str] = {}
        for option in rest:
            key, _, given = option.partition("=")
            if len(given) <= _LONGEST_ATTRIBUTE:
                options[key.strip().lower()] = given.strip()
        host = _host(url)
        domain = _domain(options.get("domain", ""), host)
        secure, path = "secure" in options, options.get("path", "")
        if domain is None or (secure and not _is_secure(url)):
            return None
        default = urlsplit(url).path.rpartition("/")[0] or "/"
        path = path if path.startswith("/") else default
        prefix = name.lower()
        if prefix.startswith(("__secure-", "__host-")) and not secure:
            return None
        if prefix.startswith("__host-") and (domain or path != "/"):
            return None
        ends = self._end(options)
        return _Cookie(name, value, domain or host, bool(domain), path, secure, ends, next(self._orders))

    def _end(self, options: dict[str, str]) -> float | None:
        age, now = options.get("max-age", ""), self._now()
        if re.fullmatch(r"-?\d+", age):
            return now + max(-1, min(_FOREVER, int(age[:12])))
        ends = _date(options.get("expires", ""))
        return ends if ends is None else min(ends, now + _FOREVER)

    def _bound(self, domain: str) -> None:
        """Forget the oldest, so that no site fills the memory."""
        same = [key for key in self._kept if key[0] == domain]
        if len(same) > _MOST_OF_A_DOMAIN:
            del self._kept[min(same, key=lambda key: self._kept[key].order)]
        if len(self._kept) > _MOST:
            del self._kept[min(self._kept, key=lambda key: self._kept[key].order)]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _is_secure(url: str) -> bool:
    """Return True where cookies for secure connections are kept: browsers trust loopback, too."""
    host = _host(url)
    return urlsplit(url).scheme == "https" or host in ("localhost", "::1") or host.startswith("127.")


def _covers(path: str, asked: str) -> bool:
    return asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))


def _domain(given: str, host: str) -> str | None:
    """Return the domain of a cookie, empty for its host alone; None where the host may not set it."""
    domain = given.removeprefix(".").lower()
    if not domain:
        return ""
    if domain == host:
        return "" if _NUMERIC.fullmatch(host) or _is_shared(domain) else domain
    if _NUMERIC.fullmatch(host) or not host.endswith("." + domain) or _is_shared(domain):
        return None
    return domain


def _is_shared(domain: str) -> bool:
    """Return True for a domain under which strangers have names."""
    labels = domain.split(".")
    return (
        len(labels) < 2
        or domain in _SHARED_HOSTS
        or (len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SHARED_LABELS)
    )


def _date(text: str) -> float | None:
    """Read a date as browsers do: parts in any order, the first of each kind."""
    clock = _TIME.search(text[:100])
    if not clock:
        return None
    rest = text[: clock.start()] + " " + text[clock.end() : 100]
    day = month = year = None
    for part in re.split(r"[^0-9a-zA-Z]+", rest.lower()):
        at = _MONTHS.find(part[:3]) if len(part) > 2 else -1
        if month is None and at >= 0 and at % 3 == 0:
            month = at // 3 + 1
        elif part.isdigit() and len(part) <= 2 and day is None:
            day = int(part)
        elif part.isdigit() and len(part) in (2, 4) and year is None:
            year = int(part)
    if day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year < 70 else 0
    try:
        hour, minute, second = map(int, clock.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
