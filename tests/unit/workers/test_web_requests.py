"""The messages by which a worker has requests of ``web`` sent: their limits, their guard and their record."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sandbox import Evidence, SandboxLimitExceeded, SandboxLimits
from sandbox.egress.dialer import Dialer
from sandbox.egress.turns import HostTurns
from sandbox.protocol import ProtocolError
from sandbox.workers.refusals import Refusal
from sandbox.workers.web_requests import PART_BYTES, WebRequests
from sandbox.workers.web_rules import WebRules
from sandbox.workers.web_traffic import WebTraffic
from tests.unit.egress.test_sender import PLAIN, Site, served

FORM = [["Content-Type", "application/x-www-form-urlencoded"]]


@asynccontextmanager
async def asked(
    site: Site,
    rules: WebRules = WebRules(),  # noqa: B008  frozen
    limits: SandboxLimits = SandboxLimits(),  # noqa: B008  frozen
) -> AsyncIterator[WebRequests]:
    async with served(site) as (_, dialer):
        requests = WebRequests(dialer, limits, WebTraffic(rules), HostTurns())
        try:
            yield requests
        finally:
            requests.close()


async def say(requests: WebRequests, kind: str = "http", **fields: Any) -> Any:
    return await requests.handle({"t": kind, **fields})


async def send(requests: WebRequests, site: Site, method: str = "GET", path: str = "/", body: bytes = b"") -> Any:
    encoded = base64.b64encode(body).decode()
    return await say(requests, method=method, url=site.url + path, headers=FORM if body else [], body=encoded)


def evidence(requests: WebRequests) -> Evidence:
    return requests.traffic.added_to(Evidence(), alone=True)


async def test_answers_are_given_with_head_and_body() -> None:
    site = Site([b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nok"])
    async with asked(site) as requests:
        answer = await send(requests, site)
    assert (answer["status"], answer["more"], base64.b64decode(answer["body"])) == (200, 0, b"ok")
    assert answer["headers"][:2] == [("X-A", "1"), ("x-a", "2")]


async def test_large_bodies_come_and_go_in_parts() -> None:
    size = 3 * PART_BYTES + 1
    site = Site([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size])
    async with asked(site) as requests:
        upload = await say(requests, "http_upload")
        for _ in range(3):
            await say(requests, "http_part", upload=upload, data=base64.b64encode(b"y" * PART_BYTES).decode())
        answer = await say(requests, method="PUT", url=f"{site.url}/", headers=[], upload=upload)
        parts = [answer["body"]]
        ended = False
        while not ended:
            part = await say(requests, "http_read", stream=answer["more"])
            parts.append(part["body"])
            ended = part["ended"]
        assert sum(len(base64.b64decode(part)) for part in parts) == size
        assert site.bodies == [b"y" * (3 * PART_BYTES)]
        with pytest.raises(Refusal, match="not open any more"):
            await say(requests, "http_read", stream=answer["more"])


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "GET", "url": "http://a.test/", "headers": "X: y"},
        {"method": "GET", "url": "http://a.test/", "headers": [["X"]]},
        {"method": "GET", "url": "http://a.test/", "headers": [["X", 1]]},
        {"method": "GET", "url": "http://a.test/", "headers": [["X", "y"]] * 1000},
        {"method": "GET", "url": "http://a.test/", "headers": [], "body": "not base64"},
        {"method": "GET", "url": "http://a.test/", "headers": [], "upload": 7},
        {"method": "GET", "headers": []},
        {"method": 1, "url": "http://a.test/", "headers": []},
        {"t": "http_part", "upload": 7, "data": ""},
        {"t": "http_part", "upload": True, "data": ""},
        {"t": "http_read", "stream": "1"},
        {"t": "http_close"},
    ],
)
async def test_messages_of_the_wrong_shape_are_violations(fields: dict[str, Any]) -> None:
    requests = WebRequests(Dialer(), SandboxLimits(), WebTraffic(WebRules()), HostTurns())
    with pytest.raises(ProtocolError):
        await requests.handle({"t": "http", **fields})


async def test_open_answers_and_uploads_are_limited() -> None:
    size = 2 * PART_BYTES
    site = Site([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size])
    async with asked(site) as requests:
        for _ in range(16):
            await send(requests, site)
        with pytest.raises(Refusal, match="16 answers are not read"):
            await send(requests, site)
        for _ in range(4):
            upload = await say(requests, "http_upload")
        with pytest.raises(Refusal, match="4 uploads"):
            await say(requests, "http_upload")
        part = base64.b64encode(b"y" * PART_BYTES).decode()
        with pytest.raises(Refusal, match="more than 64 MiB"):
            await _until_refused(requests, upload, part)


async def _until_refused(requests: WebRequests, upload: int, part: str) -> None:
    for _ in range(129):
        await say(requests, "http_part", upload=upload, data=part)


async def test_all_that_a_run_sends_and_receives_is_limited() -> None:
    size = 200_000
    site = Site([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size])
    async with asked(site, limits=SandboxLimits(web_bytes=500_000)) as requests:
        for _ in range(2):
            await send(requests, site)
        with pytest.raises(SandboxLimitExceeded) as caught:
            await send(requests, site)
    assert (caught.value.limit, len(site.heads)) == ("web_bytes", 3)


async def test_changes_are_recorded_and_logins_told_apart() -> None:
    site = Site()
    rules = WebRules({"user": "ada", "password": "hunter2"})
    async with asked(site, rules) as requests:
        await send(requests, site, "POST", "/session?next=%2F", b"user=ada&password=hunter2")
        await send(requests, site, "POST", "/orders?ref=7", b"item=1")
        await send(requests, site, "DELETE", "/orders/7")
        await send(requests, site)
    seen = evidence(requests)
    login, order, removal = (
        ("POST", f"{site.url}/session"),
        ("POST", f"{site.url}/orders"),
        ("DELETE", f"{site.url}/orders/7"),
    )
    assert (seen.state_changing, seen.logins) == ((login, order, removal), (login,))
    assert seen.change_signatures == (f"POST {site.url}/orders item,ref", f"DELETE {site.url}/orders/#")
    assert seen.answers == tuple(
        (f"{site.url}{path}", 200) for path in ("/session?next=%2F", "/orders?ref=7", "/orders/7", "/")
    )


async def test_the_first_change_is_held_and_none_after_it_is_sent() -> None:
    site = Site()
    async with asked(site, WebRules(hold_changes=True)) as requests:
        await send(requests, site, "POST", "/search", b"q=dune")
        for path in ("/orders?id=1", "/search"):
            with pytest.raises(Refusal) as caught:
                await send(requests, site, "POST", path, b"item=1")
            assert (caught.value.kind, str(caught.value)) == ("WriteBlocked", f"POST {site.url}/orders")
        await send(requests, site)
    assert [head.split()[1] for head in site.heads] == [b"/search", b"/"]
    assert requests.traffic.held == f"POST {site.url}/orders"
    assert evidence(requests).state_changing == (("POST", f"{site.url}/search"),)


async def test_harmless_kinds_are_sent_and_count_as_background() -> None:
    site = Site()
    async with served(site) as (_, dialer):
        rules = WebRules(hold_changes=True, harmless=(f"POST {site.url}/seen id",))
        requests = WebRequests(dialer, SandboxLimits(), WebTraffic(rules), HostTurns())
        await send(requests, site, "POST", "/seen", b"id=7")
        requests.close()
    assert evidence(requests).background == (("POST", f"{site.url}/seen"),)
    assert evidence(requests).change_signatures == ()


async def test_nothing_is_changed_any_more_once_a_run_was_ended() -> None:
    site = Site()
    async with asked(site) as requests:
        requests.traffic.closed = "the run has ended"
        with pytest.raises(Refusal, match="is not sent: the run has ended"):
            await send(requests, site, "POST", "/orders", b"item=1")
        await send(requests, site)
    assert len(site.heads) == 1


async def test_addresses_to_ask_for_later_are_told_until_they_are_served() -> None:
    later = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    site = Site([later, PLAIN, later, PLAIN])
    async with asked(site) as requests:
        await send(requests, site, path="/rows?page=1")
        await send(requests, site, path="/rows?page=2")
        seen = evidence(requests)
        assert (seen.turned_away, seen.retry_after) == (((f"{site.url}/rows", 429),), "7")
        beside_a_page = requests.traffic.added_to(Evidence(turned_away=(("http://a.test/x", 503),)), alone=False)
        assert beside_a_page.turned_away == (("http://a.test/x", 503), (f"{site.url}/rows", 429))
        await send(requests, site, path="/more")
        await send(requests, site, path="/more")
        await send(requests, site, path="/rows?page=1")
    assert (evidence(requests).turned_away, evidence(requests).retry_after) == ((), None)


async def test_worker_cannot_have_its_requests_taken_for_the_sites_own() -> None:
    async with asked(Site()) as requests:
        forged = Evidence(own_signatures=("POST http://a.test/orders item",))
        assert requests.traffic.added_to(forged, alone=True).own_signatures == ()
        assert requests.traffic.added_to(forged, alone=False) == forged


async def test_failures_and_challenges_are_evidence() -> None:
    asks = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Type: text/html\r\nRetry-After: 9\r\n"
    asks += b"Content-Length: 0\r\n\r\n"
    site = Site([asks, asks, PLAIN])
    async with asked(site) as requests:
        await send(requests, site)
        seen = evidence(requests)
        assert (seen.status, seen.http_login, seen.retry_after) == (401, "asked", "9")
        assert seen.documents == ((f"{site.url}/", 401),)
        login = {"method": "GET", "url": f"{site.url}/", "headers": [["Authorization", "Basic eDp5"]]}
        await say(requests, **login)
        assert evidence(requests).http_login == "refused"
        await say(requests, **login)
        assert evidence(requests).http_login == "given"
        with pytest.raises(Refusal) as caught:
            await say(requests, method="GET", url="http://10.0.0.1/", headers=[])
        assert (caught.value.kind, evidence(requests).main_refused) == ("WebRefused", str(caught.value))
