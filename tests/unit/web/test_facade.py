"""``page.request`` on `web`."""

from __future__ import annotations

import json

import pytest

from sandbox.web.errors import WebError, WrongUse
from sandbox.web.facade import RequestPage
from sandbox.web.transport import WebAnswer
from tests.unit.web.sites import Site, html, redirect, site, web_on

JSON = ("Content-Type", "application/json")


def opened() -> tuple[RequestPage, Site]:
    there = site(index=html("<p>home", ("Set-Cookie", "sid=1; Path=/")), a_b=WebAnswer(200, (JSON,), b'{"n": 1}'))
    return RequestPage(web_on(there)), there


async def test_the_start_page_is_opened_first_for_its_cookies() -> None:
    page, there = opened()
    answer = await page.request.get("/a/b", params={"q": "x y"}, headers={"X-A": "1"})
    assert (answer.status, answer.ok, answer.url, answer.status_text) == (200, True, "http://shop.test/a/b?q=x+y", "OK")
    assert (await answer.json(), await answer.text(), await answer.body()) == ({"n": 1}, '{"n": 1}', b'{"n": 1}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers_array == [{"name": "content-type", "value": "application/json"}]
    assert [each.url for each in there.requests] == ["http://shop.test/", "http://shop.test/a/b?q=x+y"]
    assert (there.header("cookie"), there.header("x-a"), there.header("accept")) == ("sid=1", "1", "*/*")
    assert (there.header("referer"), there.header("origin")) == (None, None)


async def test_bodies_are_sent_as_playwright_sends_them() -> None:
    page, there = opened()
    for options, body, kind in [
        ({"data": {"a": "é"}}, json.dumps({"a": "é"}).encode(), "application/json"),
        ({"data": "raw"}, b"raw", "application/octet-stream"),
        ({"data": b"\0"}, b"\0", "application/octet-stream"),
        ({"form": {"a": "1 2"}}, b"a=1+2", "application/x-www-form-urlencoded"),
        ({"data": "<x/>", "headers": {"content-type": "text/xml"}}, b"<x/>", "text/xml"),
    ]:
        await page.context.request.post("/a/b", **options)  # type: ignore[arg-type]  # as automations write it
        assert (there.last.body, there.header("content-type")) == (body, kind)
    await page.request.put("/a/b", multipart={"f": {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}})
    assert b'filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nx' in there.last.body
    assert there.header("origin") is None


async def test_any_status_is_an_answer_unless_it_is_to_fail() -> None:
    page, there = opened()
    answer = await page.request.fetch("/none", method="DELETE")
    assert (answer.status, answer.ok, answer.status_text, there.last.method) == (404, False, "Not Found", "DELETE")
    with pytest.raises(WebError, match="status 404"):
        await page.request.get("/none", fail_on_status_code=True)


async def test_redirects_are_followed_as_often_as_is_allowed() -> None:
    page, there = opened()
    there.answers |= {"/r": [redirect("/s")], "/s": [redirect("/a/b")]}
    assert (await page.request.get("/r")).url == "http://shop.test/a/b"
    assert (await page.request.get("/r", max_redirects=0)).status == 302
    with pytest.raises(WebError, match="more than 1 times"):
        await page.request.get("/r", max_redirects=1)


async def test_all_else_of_the_page_needs_a_browser() -> None:
    page, _ = opened()
    with pytest.raises(WrongUse, match=r"page\.goto needs a browser"):
        await page.goto("/")
