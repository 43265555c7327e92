"""HTTP authentication by `web`: given where it is asked for, and only at the start URL's host."""

from __future__ import annotations

import pytest

from sandbox.http_login import HttpLogin
from sandbox.web.client import Web
from sandbox.web.errors import WebError
from sandbox.web.transport import WebAnswer, WebRequest
from tests.unit.web.sites import Site, html, redirect, site, web_on

ADA = HttpLogin("ada", "s3cret")
BASIC = "Basic YWRhOnMzY3JldA=="


def asking(challenge: str, scheme: str) -> Site:
    def answer(request: WebRequest) -> WebAnswer:
        given = dict(request.headers).get("Authorization", "")
        return html("<p>in") if given.startswith(scheme) else WebAnswer(401, (("WWW-Authenticate", challenge),))

    return site(index=answer, other=answer)


async def test_basic_is_given_when_asked_and_then_ahead() -> None:
    there = asking('Basic realm="x"', BASIC)
    web = web_on(there, login=ADA)
    assert (await web.get("/")).status == 200
    assert (await web.get("/other")).status == 200
    assert [dict(each.headers).get("Authorization") for each in there.requests] == [None, BASIC, BASIC]


async def test_digest_is_answered_each_time() -> None:
    there = asking('Digest realm="r", nonce="n", qop="auth"', "Digest username")
    web = web_on(there, login=ADA)
    assert (await web.get("/")).status == 200
    assert (await web.get("/other")).status == 200
    uris = [dict(each.headers).get("Authorization", "").partition('uri="')[2][:7] for each in there.requests]
    assert uris == ["", '/", res', "", '/other"']


async def test_the_login_of_the_start_url_is_taken_and_stands_in_no_address() -> None:
    there = asking("Basic", BASIC)
    web = Web(there, "http://ada:s3cret@shop.test/")
    page = await web.get("/")
    assert (page.url, there.last.url) == ("http://shop.test/", "http://shop.test/")
    with pytest.raises(WebError) as caught:
        await web.get("/missing")
    assert "s3cret" not in str(caught.value) + caught.value.url


async def test_a_login_that_is_refused_is_tried_once() -> None:
    there = asking("Basic", "never")
    with pytest.raises(WebError, match="401"):
        await web_on(there, login=ADA).get("/")
    assert len(there.requests) == 2


async def test_another_host_gets_no_login() -> None:
    there = asking("Basic", BASIC)
    there.answers["/away"] = [redirect("http://other.test/")]
    with pytest.raises(WebError, match="401"):
        await web_on(there, login=ADA).get("/away")
    assert not [each for each in there.requests if "Authorization" in dict(each.headers)]
