"""A bookkeeper's ledger behind a login (demo / violet-harbor-92), with 43 invoices to filter and sort.

v1: `/login` (fields `user`, `password`), `/invoices?status=&year=&sort=&dir=` with a form of selects.
v2: `/signin` (fields `account_id`, `passphrase`), `/invoices?state=&period=&by=` with links as filters; the names of v1's query are ignored.
"""

from ..http import Request, Response
from ..server import Site
from . import v1, v2
from .data import PASSWORD, USER

__all__ = ["SITE"]

SITE = Site("ledger", about=f"Brackwater Bookkeeping: 43 invoices behind a login ({USER} / {PASSWORD})")


@SITE.route("/")
def start(request: Request) -> Response:
    return Response.redirect("/invoices")


@SITE.route("/login", version="v1")
def login(request: Request) -> str:
    return v1.login()


@SITE.route("/login", version="v1", methods=("POST",))
def check_login(request: Request) -> Response | str:
    form = request.form
    if not _enter(request, form.get("user", ""), form.get("password", "")):
        return v1.login(form.get("user", ""), wrong=True)
    return Response.redirect("/invoices")


@SITE.route("/invoices", version="v1")
def table(request: Request) -> Response | str:
    if "user" not in request.session:
        return Response.redirect("/login")
    return v1.invoices(request.arg("status"), request.arg("year"), request.arg("sort"), request.arg("dir"))


@SITE.route("/login", version="v2")
def moved(request: Request) -> Response:
    return Response.redirect("/signin", 301)


@SITE.route("/signin", version="v2")
def sign_in(request: Request) -> str:
    return v2.sign_in()


@SITE.route("/signin", version="v2", methods=("POST",))
def check_sign_in(request: Request) -> Response | str:
    form = request.form
    if not _enter(request, form.get("account_id", ""), form.get("passphrase", "")):
        return v2.sign_in(form.get("account_id", ""), wrong=True)
    return Response.redirect("/invoices")


@SITE.route("/invoices", version="v2")
def book(request: Request) -> Response | str:
    if "user" not in request.session:
        return Response.redirect("/signin")
    return v2.invoices(request.arg("state"), request.arg("period"), request.arg("by"))


@SITE.route("/logout", methods=("GET", "POST"))
def leave(request: Request) -> Response:
    request.session.clear()
    return Response.redirect("/")


def _enter(request: Request, user: str, password: str) -> bool:
    right = (user, password) == (USER, PASSWORD)
    if right:
        request.session["user"] = user
    return right
