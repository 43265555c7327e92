"""A borough council's form for a parking permit: three steps, an irreversible submission, and a confirmation.

v1 asks for the contact (`/apply/contact`), then the vehicle (`/apply/vehicle`), then shows a review
(`/apply/review`); v2 for the car (`/permit/car`), then the person (`/permit/you`), then a consent
(`/permit/confirm`). Both start at `/`. The server's state is a `fixtures_sites.form.model.FormState`.
"""

from __future__ import annotations

from types import ModuleType

from ..errors import HangupError
from ..http import Request, Response
from ..server import Site
from . import v1, v2
from .model import CONTACT, VEHICLE, FormState, problems

SITE = Site("form", about="a parking permit application in three steps", state=FormState)

_V2_CAR = tuple(name for name in VEHICLE if name != "comments")
_V2_YOU = (*CONTACT, "comments")
_FOREVER = 3600.0


@SITE.route("/", version="v1")
def landing_v1(request: Request) -> str:
    return v1.landing()


@SITE.route("/fees", version="v1")
def fees_v1(request: Request) -> str:
    return v1.fees()


@SITE.route("/apply/contact", version="v1", methods=("GET", "POST"))
def contact_v1(request: Request) -> Response | str:
    if request.arg("new"):
        request.session.pop("draft", None)
    return _step(request, CONTACT, v1, v1.contact, "/apply/vehicle")


@SITE.route("/apply/vehicle", version="v1", methods=("GET", "POST"))
def vehicle_v1(request: Request) -> Response | str:
    if problems(CONTACT, _draft(request)):
        return Response.redirect("/apply/contact")
    return _step(request, VEHICLE, v1, v1.vehicle, "/apply/review")


@SITE.route("/apply/review", version="v1", methods=("GET", "POST"))
def review_v1(request: Request) -> Response | str:
    if problems((*CONTACT, *VEHICLE), _draft(request)):
        return Response.redirect("/apply/contact")
    return _submit(request, "/apply/complete") if request.method == "POST" else v1.review(_draft(request))


@SITE.route("/apply/complete", version="v1")
def complete_v1(request: Request) -> Response | str:
    return _confirmation(request, v1, v1.complete)


@SITE.route("/status", version="v1")
def status_v1(request: Request) -> str:
    return v1.status("ref" in request.query, request.state.find(request.arg("ref"), request.arg("email")))


@SITE.route("/", version="v2")
def landing_v2(request: Request) -> str:
    return v2.landing()


@SITE.route("/embed/prices", version="v2")
def prices_v2(request: Request) -> str:
    return v2.prices()


@SITE.route("/permit/car", version="v2", methods=("GET", "POST"))
def car_v2(request: Request) -> Response | str:
    if request.arg("fresh"):
        request.session.pop("draft", None)
    return _step(request, _V2_CAR, v2, v2.car, "/permit/you")


@SITE.route("/permit/you", version="v2", methods=("GET", "POST"))
def you_v2(request: Request) -> Response | str:
    if problems(_V2_CAR, _draft(request)):
        return Response.redirect("/permit/car")
    return _step(request, _V2_YOU, v2, v2.you, "/permit/confirm")


@SITE.route("/permit/confirm", version="v2", methods=("GET", "POST"))
def confirm_v2(request: Request) -> Response | str:
    if problems((*_V2_CAR, *_V2_YOU), _draft(request)):
        return Response.redirect("/permit/car")
    if request.method == "GET":
        return v2.confirm(_draft(request))
    if request.form.get("consent") != "agreed":
        return Response(v2.confirm(_draft(request), agreed=False), 422)
    return _submit(request, "/permit/thanks")


@SITE.route("/permit/thanks", version="v2")
def thanks_v2(request: Request) -> Response | str:
    return _confirmation(request, v2, v2.thanks)


@SITE.route("/track", version="v2")
def track_v2(request: Request) -> str:
    return v2.track("case" in request.query, request.state.find(request.arg("case"), request.arg("mail")))


@SITE.route("/{old+}", version="v2")
def moved(request: Request, old: str) -> Response:
    return Response(v2.message("This page has moved", 'Go to the <a href="/">start page</a>.'), 404)


def _draft(request: Request) -> dict[str, str]:
    draft: dict[str, str] = request.session.setdefault("draft", {})
    return draft


def _step(
    request: Request, names: tuple[str, ...], design: ModuleType, view: v1.StepView, onward: str
) -> Response | str:
    if request.method == "GET":
        return view(_draft(request), {})
    given = {name: _given(request.form, name, design).strip() for name in names}
    wrong = problems(names, given)
    if wrong:
        return Response(view(given, wrong), 422)
    _draft(request).update(given)
    return Response.redirect(onward)


def _given(form: dict[str, str], name: str, design: ModuleType) -> str:
    """Return a field of the posted form, translated from the design's names to the model's."""
    if design is v2 and name == "start_date":
        day, month, year = (form.get(part, "").strip() for part in v2.DATE_PARTS)
        return f"{year}-{month:0>2}-{day:0>2}" if day or month or year else ""
    value = form.get(design.NAMES[name], "")
    return value.removeprefix("z").upper() if design is v2 and name == "zone" else value


def _submit(request: Request, onward: str) -> Response:
    state: FormState = request.state
    request.session["record"] = state.submit(_draft(request))
    request.pause(state.delay_submit)
    return Response.redirect(onward)


def _confirmation(request: Request, design: ModuleType, view: v1.RecordView) -> Response | str:
    fault = request.state.fail_after_submit
    if fault == "hang":
        request.pause(_FOREVER)
        raise HangupError("hung long enough")
    if fault:
        page: str = design.message("Sorry, something went wrong", "Please try again later. Code 500-7F.")
        return Response(page, 500)
    if "record" not in request.session:
        return Response.redirect("/")
    return view(request.session["record"])
