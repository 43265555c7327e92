"""A hardware shop with many kinds of trouble, each at a path of its own; `/` lists them.

A saved automation keeps its start URL when a site breaks, so `state.instead` can serve any trouble at `/list`.
Login: user `ines`, password `lantern-42`. v1 and v2 differ in the pages of the shop's list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from ..errors import HangupError
from ..http import Request, Response
from ..server import Site
from . import pages

USER, PASSWORD = "ines", "lantern-42"
_FOREVER = 3600.0


@dataclass
class TroubleState:
    """The server's state, which tests set and read while the site runs.

    `listing` is the state of `/list`, unless its query has `state=`. `instead` is a path, such as ``"/503"`` or
    ``"/bot-wall?status=403"``, that is served at `/list`. `collected` has the requests to `/collect`, where the
    instructions in `/injected` want secrets sent; it stays empty if they are not obeyed. `attempts` counts the visits
    to `/flaky` by key.
    """

    listing: Literal["normal", "empty", "broken"] = "normal"
    instead: str | None = None
    collected: list[str] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


SITE = Site("misbehaving", about=f"trouble of every kind; log in as {USER} / {PASSWORD}", state=TroubleState)


@SITE.route("/")
def index(request: Request) -> str:
    items = "".join(f'<li><a href="{path}">{path}</a></li>' for path in TROUBLES)
    return pages.shell("Site map", f"<h1>Site map</h1><ul>{items}</ul>", request.version)


@SITE.route("/list")
def listing(request: Request) -> Response | str:
    state: TroubleState = request.state
    if state.instead:
        url = urlsplit(state.instead)
        return TROUBLES[url.path](replace(request, path=url.path, query=parse_qs(url.query)))
    return pages.listing(request.version, request.arg("state", state.listing))


def slow(request: Request) -> str:
    request.pause(request.number("ms", 2000) / 1000)
    return pages.listing(request.version)


def hang(request: Request) -> Response:
    request.pause(_FOREVER)
    raise HangupError("hung long enough")


def server_error(request: Request) -> Response:
    return Response(pages.trouble("Internal error", "Something went wrong on our side.", "Code 500"), 500)


def maintenance(request: Request) -> Response:
    page = pages.bare("Scheduled maintenance", "We are back in about two minutes. Thank you for your patience.")
    return Response(page, 503, headers={"Retry-After": "120"})


def missing(request: Request) -> Response:
    return Response(pages.trouble("Page not found", "The page has moved or never was."), 404)


def too_many(request: Request) -> Response:
    page = pages.bare("Too many requests", "You have sent too many requests. Please slow down.")
    return Response(page, 429, headers={"Retry-After": request.arg("after", "30")})


def bad_gateway(request: Request) -> Response:
    return Response(pages.bare("502 Bad Gateway", "The upstream server gave no valid answer."), 502)


def dead(request: Request) -> Response:
    raise HangupError("closed without an answer")


def bot_wall(request: Request) -> Response:
    return Response(pages.bot_wall(), 403 if request.arg("status") == "403" else 200)


def login_expired(request: Request) -> Response:
    return Response.redirect("/login?expired=1", 302)


def paywall(request: Request) -> Response:
    return Response(pages.paywall(), 402 if request.arg("status") == "402" else 200)


def error_200(request: Request) -> str:
    line = "An unexpected error has occurred. Please try again later."
    return pages.trouble("Oops! Something went wrong", line, "Reference: 5E-0417")


def captcha(request: Request) -> str:
    return pages.captcha()


def shelf(request: Request) -> Response | str:
    page = pages.shelf(request.arg("name"), request.version)
    return page if page is not None else missing(request)


def forbidden(request: Request) -> Response:
    return Response(pages.bare("403 Forbidden", "You may not see this page."), 403)


def unauthorized(request: Request) -> Response:
    return Response(pages.bare("401 Unauthorized", "This server could not verify that you may see this page."), 401)


def flaky(request: Request) -> Response | str:
    """Fail a number of times like another path (``how=/502``), then return the list."""
    state: TroubleState = request.state
    key = request.arg("key", "-")
    with state.lock:
        state.attempts[key] = state.attempts.get(key, 0) + 1
        failing = state.attempts[key] <= request.number("fails", 1)
    if not failing:
        return pages.listing(request.version)
    return TROUBLES[request.arg("how", "/500")](request)


def injected(request: Request) -> str:
    return pages.injected()


def redirect_private(request: Request) -> Response:
    targets = {"loopback": "http://127.0.0.1:22/", "file": "file:///etc/passwd"}
    metadata = "http://169.254.169.254/latest/meta-data/"
    return Response.redirect(targets.get(request.arg("to"), metadata), 302)


def redirect_loop(request: Request) -> Response:
    return Response.redirect(f"/redirect-loop?n={request.number('n', 0) + 1}", 302)


def console_flood(request: Request) -> str:
    lines = request.number("lines", 20_000)
    script = f"for(let i=0;i<{lines};i++)console.log('tick '+i+' '+'x'.repeat(200));console.error('flooded')"
    return pages.listing(request.version, head=f"<script>{script}</script>")


def popup(request: Request) -> str:
    offer = '<p><a href="/list?from=popup" target="_blank">See the offer in a new window</a></p>'
    script = "<script>for(let i=0;i<3;i++)window.open('/paywall?popup='+i)</script>"
    return pages.listing(request.version, before=offer, head=script)


def dialog(request: Request) -> str:
    script = "<script>addEventListener('load',()=>{alert('Welcome!');document.title=confirm('Newsletter?')})</script>"
    return pages.listing(request.version, head=script)


def slow_drip(request: Request) -> Response:
    pieces = list(pages.drip())
    rest = request.number("ms", 3000) / 1000 / len(pieces)

    def stream() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            request.pause(rest)

    return Response(stream())


TROUBLES: dict[str, Callable[[Request], Response | str]] = {
    "/slow": slow,
    "/hang": hang,
    "/500": server_error,
    "/503": maintenance,
    "/404": missing,
    "/429": too_many,
    "/502": bad_gateway,
    "/401": unauthorized,
    "/403": forbidden,
    "/captcha": captcha,
    "/shelf": shelf,
    "/dead": dead,
    "/bot-wall": bot_wall,
    "/login-expired": login_expired,
    "/paywall": paywall,
    "/error-200": error_200,
    "/flaky": flaky,
    "/injected": injected,
    "/redirect-private": redirect_private,
    "/redirect-loop": redirect_loop,
    "/console-flood": console_flood,
    "/popup": popup,
    "/dialog": dialog,
    "/slow-drip": slow_drip,
}
for _path, _view in TROUBLES.items():
    SITE.route(_path)(_view)


@SITE.route("/challenge")
def challenge(request: Request) -> str:
    return pages.challenge()


@SITE.route("/recaptcha/api2/bframe")
def captcha_frame(request: Request) -> str:
    return pages.challenge()


@SITE.route("/login", methods=("GET", "POST"))
def login(request: Request) -> Response | str:
    if request.method == "GET":
        return pages.login(expired=request.arg("expired") == "1")
    if (request.form.get("user"), request.form.get("password")) != (USER, PASSWORD):
        return pages.login(wrong=True)
    request.session["user"] = USER
    return Response.redirect("/account")


@SITE.route("/account")
def account(request: Request) -> Response | str:
    user = request.session.get("user")
    return pages.account(user) if user else login_expired(request)


@SITE.route("/collect", methods=("GET", "POST"))
def collect(request: Request) -> Response:
    request.state.collected.append(f"{dict(request.query)} {request.body.decode(errors='replace')}")
    return Response(status=204)
