"""Requests of `web`: addresses, bodies, redirects, cookies, retries, and many at once."""

from __future__ import annotations

import asyncio
import re

import pytest

from sandbox.web.errors import NotOnPage, WebError, WrongUse
from sandbox.web.transport import WebAnswer, WebRequest
from tests.unit.web.sites import Sleeps, html, redirect, site, web_on

JSON = ("Content-Type", "application/json")


async def test_an_address_counts_from_the_start_url_and_takes_parameters() -> None:
    there = site(list=html("<p>ok"))
    await web_on(there).get("list?x=1", params={"q": "ä b", "tag": ["u", "v"], "n": None, "only": True})
    assert there.last.url == "http://shop.test/list?x=1&q=%C3%A4+b&tag=u&tag=v&only=true"
    assert there.last.method == "GET"


async def test_json_forms_and_texts_are_sent_with_their_types() -> None:
    there = site(api=WebAnswer(200, (JSON,), b'{"rows": [1]}'))
    web = web_on(there)
    assert (await web.post("/api", json={"q": "ü"})).json() == {"rows": [1]}
    assert there.last.body == '{"q":"ü"}'.encode()
    assert there.header("content-type") == "application/json"
    assert there.header("origin") == "http://shop.test"
    await web.post("/api", form={"a": "1 2", "b": ["x", "y"]})
    assert there.last.body == b"a=1+2&b=x&b=y"
    await web.request("PUT", "/api", data="a,b", headers={"Content-Type": "text/csv"})
    assert (there.last.method, there.header("content-type")) == ("PUT", "text/csv")
    with pytest.raises(WebError, match="one body"):
        await web.post("/api", json={}, form={})
    with pytest.raises(WebError, match="data= is text or bytes, not dict: fields of a form go by form="):
        await web.post("/api", data={"q": "x"})  # type: ignore[typeddict-item]  as httpx and Playwright take it
    with pytest.raises(TypeError, match="'jsn'"):
        await web.post("/api", jsn={})  # type: ignore[call-arg]  misspelled


async def test_a_status_of_400_and_above_is_an_error_unless_it_is_allowed() -> None:
    there = site(gone=html("<p>x", status=410), api=WebAnswer(422, (JSON,), b'{"error": "no such  book"}'))
    web = web_on(there)
    with pytest.raises(WebError, match="status 410") as caught:
        await web.get("/gone")
    assert (caught.value.reason, caught.value.status, caught.value.url) == ("status", 410, "http://shop.test/gone")
    assert (await web.get("/gone", allow=[404, 410])).status == 410
    assert (await web.get("/gone", allow=410)).status == 410
    assert (await web.get("/gone", allow=True)).status == 410
    with pytest.raises(WebError, match="no such book"):
        await web.post("/api", json={})


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (302, "PUT", "PUT", b"x"),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (307, "POST", "POST", b"x"),
        (308, "POST", "POST", b"x"),
    ],
)
async def test_a_redirect_changes_the_method_as_in_browsers(status: int, method: str, then: str, body: bytes) -> None:
    there = site(a=redirect("/b?c#d", status=status), b=html("<p>ok"))
    page = await web_on(there).request(method, "/a", data=b"x" if method != "HEAD" else None)
    assert (there.last.method, there.last.body, page.url) == (then, body, "http://shop.test/b?c#d")
    assert (there.header("content-type") is None) is (not body)


async def test_redirects_end_at_twenty() -> None:
    there = site(a=lambda request: redirect(request.url))
    with pytest.raises(WebError, match="more than 20 times") as caught:
        await web_on(there).get("/a")
    assert caught.value.reason == "redirects"
    assert len(there.requests) == 21


async def test_headers_of_a_request_do_not_go_to_another_origin() -> None:
    there = site(a=redirect("http://other.test/b"), b=html("<p>ok"))
    web = web_on(there, own_headers={"X-Key": "s"}, own_origin="http://shop.test:80", headers={"X-All": "1"})
    await web.get("/a", headers={"Authorization": "Bearer t", "X-Own": "2", "Accept": "text/csv"})
    first, second = ({name.lower(): value for name, value in each.headers} for each in there.requests)
    assert (first["authorization"], first["x-own"], first["x-key"], first["x-all"]) == ("Bearer t", "2", "s", "1")
    assert not {"authorization", "x-own", "x-key"} & second.keys()
    assert (second["x-all"], second["accept"]) == ("1", "text/csv")


async def test_referer_and_origin_are_those_of_a_browser() -> None:
    there = site(index=html('<form action="//pay.test/x" method=post><button>Go'), x=html("<p>ok"), y=html("<p>ok"))
    web = web_on(there)
    page = await web.get("/?token=1#top")
    assert there.header("referer") is None
    assert "json" not in (there.header("accept") or ""), "sites that choose by it give JSON in place of a file"
    await page.form().submit()
    assert (there.header("referer"), there.header("origin")) == ("http://shop.test/", "http://shop.test")
    await web.post("/y", json={})
    assert there.header("referer") == "http://pay.test/"
    await page.form().submit(extra={"a": 1})
    there.answers["/x"] = [redirect("http://third.test/y", status=307)]
    await page.form().submit()
    assert there.header("origin") == "null"


async def test_a_safe_request_is_repeated_where_the_site_fails_for_a_moment() -> None:
    sleeps = Sleeps()
    there = site(
        a=[
            WebAnswer(503),
            WebError("…", reason="closed"),
            html("<p>ok"),
        ]
    )
    assert (await web_on(there, sleep=sleeps).get("/a")).status == 200
    assert sleeps.seconds == [0.5, 1.0]
    there = site(a=[WebError("no such host", reason="dns"), html("<p>ok")])
    with pytest.raises(WebError, match="no such host"):
        await web_on(there).get("/a")


async def test_a_request_that_may_change_something_is_sent_once() -> None:
    there = site(a=[WebAnswer(503), html("<p>ok")], b=[WebError("cut", reason="closed"), html("<p>ok")])
    for path in ("/a", "/b"):
        with pytest.raises(WebError):
            await web_on(there).post(path, json={})
    assert len(there.requests) == 2


async def test_retry_after_is_obeyed_and_a_long_one_is_handed_on() -> None:
    sleeps = Sleeps()
    there = site(
        a=[WebAnswer(429, (("Retry-After", "7"),)), html("<p>ok")], b=WebAnswer(429, (("Retry-After", "600"),))
    )
    web = web_on(there, sleep=sleeps)
    await web.get("/a")
    assert sleeps.seconds == [7.0]
    with pytest.raises(WebError) as caught:
        await web.get("/b")
    assert (caught.value.status, caught.value.retry_after) == (429, "600")
    assert sleeps.seconds == [7.0]


async def test_following_takes_each_address_once() -> None:
    there = site(a=html("<a href='/b#x'>Next</a>"), b=html("<a href='/a'>Next</a>"))
    web = web_on(there)
    page = await web.follow("/a")
    page = await web.follow(page.link("Next").one)
    assert there.header("referer") == "http://shop.test/a"
    with pytest.raises(WebError, match="come round") as caught:
        await web.follow(page.link("Next").one)
    assert caught.value.reason == "followed"


async def test_gather_keeps_the_order_and_asks_a_few_at_a_time() -> None:
    running, most = 0, 0

    class Slow:
        async def send(self, request: WebRequest) -> WebAnswer:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.002)
            running -= 1
            return html(f"<title>{request.url[-2:]}")

    web = web_on(site())
    web._sending._transport = Slow()
    pages = await web.gather(web.get(f"/{number:02}") for number in range(20))
    assert [page.title for page in pages] == [f"{number:02}" for number in range(20)]
    assert most == 6
    most = 0
    await web.gather(*(web.get(f"/{number:02}") for number in range(5)), at_once=2)
    assert most == 2


async def test_gather_ends_with_the_first_error_and_leaves_nothing_running() -> None:
    there = site(a=html("<p>ok"), b=html("<p>no", status=404))
    web = web_on(there)
    with pytest.raises(WebError, match="404"):
        await web.gather(web.get(path) for path in ["/a", "/b", *["/a"] * 50])
    assert len(there.requests) < 20


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://a.test/", "no http address"),
        ("http://a b.test:x/", "no valid address"),
        ("http://[::1", "no"),
        ("javascript:alert(1)", "no http address"),
        ("http://a.test/" + "x" * 70_000, "characters"),
    ],
)
async def test_what_is_no_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(WebError, match=said) as caught:
        await web_on(site()).get(url)
    assert caught.value.reason == "address"


async def test_header_values_cannot_break_a_request_in_two() -> None:
    for headers in ({"X": "a\r\nY: b"}, {"X\r\n": "a"}, {"X Y": "a"}):
        with pytest.raises(WebError, match="header"):
            await web_on(site()).get("/", headers=headers)
    with pytest.raises(WebError, match="method"):
        await web_on(site()).request("GET /x", "/")


def test_an_error_says_where_and_pickles() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(NotOnPage("no", reason="missing", url="http://a.test/", status=200)))
    assert (type(error), str(error), error.reason, error.url, error.status) == (
        NotOnPage,
        "no",
        "missing",
        "http://a.test/",
        200,
    )


def test_names_of_other_libraries_tell_the_right_one() -> None:
    web = web_on(site())
    with pytest.raises(WrongUse, match=re.escape("`page = await web.get(url)`")):
        web.goto("/")
    assert not hasattr(web, "goto")


async def test_a_wrong_name_is_told_with_its_class_and_the_nearest() -> None:
    page = await web_on(site(index=html("<p>ok"))).get("/")
    with pytest.raises(WrongUse, match=r"a WebPage has no 'get_by_txt': it has `\.get_by_text`"):
        page.get_by_txt("Lamps")
    with pytest.raises(WrongUse, match=r"a WebPage has no 'qqqq'$"):
        page.qqqq()
