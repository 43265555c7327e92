"""Cookies of `web`, by RFC 6265: to whom they go, how long they live, and how much a site may keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.web.cookies import Cookies

HERE = "https://www.shop.test/basket/add"


def jar(*lines: str, url: str = HERE, now: float = 1_000_000.0) -> Cookies:
    found = Cookies(lambda: now)
    found.keep(url, list(lines))
    return found


@pytest.mark.parametrize(
    ("line", "url", "sent"),
    [
        ("a=1", "https://www.shop.test/basket/x", "a=1"),
        ("a=1", "https://www.shop.test/basket", "a=1"),
        ("a=1", "https://www.shop.test/basketball", ""),
        ("a=1; Path=/", "https://www.shop.test/", "a=1"),
        ("a=1; Path=bad", "https://www.shop.test/", ""),
        ("a=1; Path=/", "https://shop.test/", ""),
        ("a=1; Path=/", "https://sub.www.shop.test/", ""),
        ("a=1; Path=/; Domain=shop.test", "https://other.shop.test/", "a=1"),
        ("a=1; Path=/; Domain=.SHOP.test", "https://shop.test/", "a=1"),
        ("a=1; Path=/; Domain=shop.test", "https://evilshop.test/", ""),
        ("a=1; Path=/; Domain=evil.test", "https://evil.test/", ""),
        ("a=1; Path=/; Domain=test", "https://any.test/", ""),
        ("a=1; Path=/; Secure", "http://www.shop.test/", ""),
        ("a=1; Path=/; Secure", "https://www.shop.test/", "a=1"),
        ("a=1; Path=/; Max-Age=0", "https://www.shop.test/", ""),
        ("a=1; Path=/; Max-Age=-5", "https://www.shop.test/", ""),
        ("a=1; Path=/; Expires=Wed, 21 Oct 1965 07:28:00 GMT", "https://www.shop.test/", ""),
        ("a=1; Path=/; Expires=Wed, 21-Oct-2099 07:28:00 GMT", "https://www.shop.test/", "a=1"),
        ("a=1; Path=/; Expires=nonsense; Max-Age=9", "https://www.shop.test/", "a=1"),
        ("  a = b c ; path=/", "https://www.shop.test/", "a=b c"),
        ('a="q"; path=/', "https://www.shop.test/", 'a="q"'),
        ("a=1=2; path=/", "https://www.shop.test/", "a=1=2"),
        ("flag; path=/", "https://www.shop.test/", "flag"),
        ("=v; path=/", "https://www.shop.test/", "v"),
        ("a=1\x00; path=/", "https://www.shop.test/", ""),
        ("", "https://www.shop.test/", ""),
        ("__Host-a=1; Path=/; Secure", "https://www.shop.test/", "__Host-a=1"),
        ("__Host-a=1; Path=/x; Secure", "https://www.shop.test/x", ""),
        ("__Host-a=1; Path=/; Secure; Domain=shop.test", "https://www.shop.test/", ""),
        ("__Secure-a=1; Path=/", "https://www.shop.test/", ""),
        ("a=1; Path=/; SameSite=Strict; Partitioned", "https://www.shop.test/", "a=1"),
    ],
)
def test_a_cookie_goes_where_rfc_6265_sends_it(line: str, url: str, sent: str) -> None:
    assert jar(line).header(url) == sent


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("ada.github.io", "github.io"),
        ("shop.co.uk", "co.uk"),
        ("shop.com.au", "com.au"),
        ("10.0.0.1", "0.0.1"),
        ("shop.test", "test"),
    ],
)
def test_a_cookie_for_strangers_too_is_not_kept(host: str, domain: str) -> None:
    assert not len(jar(f"a=1; Domain={domain}; Path=/", url=f"https://{host}/"))


def test_a_site_at_its_own_shared_suffix_keeps_its_cookie_to_itself() -> None:
    kept = jar("a=1; Domain=github.io; Path=/", url="https://github.io/")
    assert (kept.header("https://github.io/"), kept.header("https://ada.github.io/")) == ("a=1", "")


def test_an_insecure_answer_neither_sets_nor_replaces_a_secure_cookie() -> None:
    kept = jar("a=1; Secure; Path=/")
    kept.keep("http://www.shop.test/", ["a=2; Path=/", "b=1; Secure; Path=/"])
    assert kept.header("https://www.shop.test/") == "a=1"
    loopback = jar("a=1; Secure; Path=/", url="http://localhost:8000/")
    assert loopback.header("http://localhost:9000/") == "a=1"


def test_longer_paths_and_older_cookies_come_first() -> None:
    kept = jar("a=1; Path=/", "b=2; Path=/basket", "c=3; Path=/", "a=9; Path=/")
    assert kept.header(HERE) == "b=2; a=9; c=3"
    assert (kept.get("a"), kept.get("no"), sorted(kept)) == ("9", None, ["a", "b", "c"])


def test_a_cookie_ends_with_its_time_and_no_later_than_in_400_days() -> None:
    now = [0.0]
    kept = Cookies(lambda: now[0])
    kept.keep(HERE, ["short=1; Max-Age=10; Path=/", "long=1; Max-Age=99999999999999; Path=/", "session=1; Path=/"])
    now[0] = 11.0
    assert kept.header(HERE) == "long=1; session=1"
    now[0] = 401 * 86_400
    assert kept.header(HERE) == "session=1"


def test_a_site_cannot_fill_the_memory() -> None:
    kept = Cookies()
    for host in range(16):
        kept.keep(f"https://h{host}.test/", [f"n{number}={'v' * 100}" for number in range(200)])
    assert len(kept) <= 3_000
    kept.keep(HERE, [f"big={'v' * 5000}", "x=1; Path=" + "/" * 2_000])
    assert kept.header(HERE) == "x=1"


@given(st.text(max_size=300), st.sampled_from([HERE, "http://[::1]:80/", "http://a/", "https://x.co.uk/p/q?r"]))
def test_no_line_of_a_site_makes_two_headers_or_an_error(line: str, url: str) -> None:
    kept = Cookies()
    kept.keep(url, [line])
    assert "\r" not in kept.header(url)
    assert "\n" not in kept.header(url)
