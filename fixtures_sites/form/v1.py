"""The permit office before its redesign: contact, vehicle, review."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..markup import scramble, stylesheet, text
from .model import FEES, FUELS, ZONES, Problem, fee

StepView = Callable[[Mapping[str, str], Mapping[str, Problem]], str]
RecordView = Callable[[Mapping[str, str]], str]

NAMES = {
    "full_name": "fld_101",
    "email": "fld_102",
    "phone": "fld_103",
    "street": "fld_104",
    "postcode": "fld_105",
    "registration": "fld_201",
    "make": "fld_202",
    "fuel": "fld_203",
    "zone": "fld_204",
    "start_date": "fld_205",
    "months": "fld_206",
    "blue_badge": "fld_207",
    "comments": "fld_208",
}
LABELS = {
    "full_name": "Full name",
    "email": "Email address",
    "phone": "Telephone (optional)",
    "street": "Street and house number",
    "postcode": "Postcode",
    "registration": "Vehicle registration number",
    "make": "Make and model",
    "fuel": "Fuel type",
    "zone": "Parking zone",
    "start_date": "Permit start date",
    "months": "Permit duration",
    "blue_badge": "I hold a Blue Badge",
    "comments": "Additional information (optional)",
}
HINTS = {
    "email": "We send the decision to this address.",
    "registration": "For example, AB12 CDE",
    "postcode": "For example, TW4 7QD",
}
STEPS = {
    "contact": "Your contact details",
    "vehicle": "Your vehicle and permit",
    "review": "Check your answers",
}

_WRONG = {
    "email": "Enter an email address in the correct format, like name@example.com",
    "phone": "Enter a telephone number, like 01632 960 001",
    "postcode": "Enter a full postcode, like TW4 7QD",
    "registration": "Enter a registration number, like AB12 CDE",
    "start_date": "Enter a real date",
}

_SCRIPT = """
if(!document.cookie.includes('ck_seen=1'))document.getElementById('@@ck').style.display='flex';
document.querySelectorAll('#@@ck button').forEach(b=>b.onclick=()=>{document.cookie='ck_seen=1;path=/';document.getElementById('@@ck').style.display='none'});
"""


def page(title: str, main: str, side: str = "") -> str:
    return scramble(
        f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title} - Tarnwick Borough Council</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{stylesheet("form", "v1.css")}</style></head><body>
<header class="@@top"><div class="@@wrap"><a class="@@crest" href="/">&#9670; Tarnwick Borough Council</a>
<nav aria-label="Main"><a href="/">Parking</a><a href="/#waste">Waste and recycling</a><a href="/#tax">Council tax</a><a href="/status">Check an application</a></nav></div></header>
<div class="@@wrap"><div class="@@trail">Home &rsaquo; Parking and travel &rsaquo; Resident parking permits</div>
<div class="@@body"><main>{main}</main><aside>{side}</aside></div></div>
<footer class="@@foot"><div class="@@wrap"><a href="/#privacy">Privacy</a><a href="/#access">Accessibility</a><a href="/#contact">Contact us</a>
<p>Town Hall, 1 Assembly Square, Tarnwick TW1 1AA · Open Monday to Friday, 9 am to 4:30 pm</p></div></footer>
<div class="@@cookie" id="@@ck" style="display:none"><span>We use cookies to remember your answers.</span><button>Accept cookies</button><button>Reject</button></div>
<script>{_SCRIPT}</script></body></html>""",
        "tarnwick v1",
    )


def landing() -> str:
    return page(
        "Resident parking permit",
        """<h1>Apply for a resident parking permit</h1>
<p>You need a permit to park on the street in zones A to F. You can apply if you live in the zone and the vehicle is registered at your address.</p>
<h2>Before you start</h2><ul><li>your vehicle registration number</li><li>your address and postcode</li><li>the date the permit should start, from 1 January 2025</li></ul>
<p>It takes about 5 minutes.</p><p><a class="@@go" href="/apply/contact" role="button">Start application &rsaquo;</a></p>""",
        _FEES_ASIDE,
    )


_FEES_ASIDE = """<div class="@@side"><b>What it costs</b><iframe src="/fees" title="Permit fees"></iframe></div>"""


def fees() -> str:
    rows = "".join(f"<tr><td>{months} months<td>€{price}<td>€{price // 2}" for months, price in FEES.items())
    return f"""<!DOCTYPE html><html lang="en"><title>Fees</title><body style="font:14px sans-serif"><table cellpadding="6">
<tr><th>Duration<th>Petrol, diesel, hybrid<th>Electric</tr>{rows}</table></body></html>"""


def contact(values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    body = "".join(_line(name, values, errors) for name in ("full_name", "email", "phone", "street", "postcode"))
    return _step(1, "contact", body, errors, "Continue")


def vehicle(values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    zones = '<option value="">Choose a zone</option>' + "".join(
        f'<option value="{code}"{" selected" if values.get("zone") == code else ""}>Zone {code} - {name}</option>'
        for code, name in ZONES.items()
    )
    body = "".join(
        (
            _line("registration", values, errors),
            _line("make", values, errors),
            _row("fuel", errors, _radios("fuel", FUELS, values)),
            _row("zone", errors, f'<select class="@@in" name="{NAMES["zone"]}">{zones}</select>'),
            _line("start_date", values, errors, kind="date"),
            _row("months", errors, _radios("months", {m: f"{m} months (€{FEES[m]})" for m in FEES}, values)),
            f'<div class="@@row"><label class="@@opt"><input type="checkbox" name="{NAMES["blue_badge"]}" value="yes"'
            f"{' checked' if values.get('blue_badge') else ''}> {LABELS['blue_badge']}</label></div>",
            _row(
                "comments",
                errors,
                f'<textarea class="@@in" rows="4" name="{NAMES["comments"]}" id="@@c_comments">{text(values.get("comments", ""))}</textarea>',
            ),
        )
    )
    return _step(2, "vehicle", body, errors, "Continue")


def review(values: Mapping[str, str]) -> str:
    shown = shown_values(values)
    rows = "".join(
        f'<tr><th scope="row">{LABELS[name].replace(" (optional)", "")}<td>{text(shown[name]) or "-"}'
        f'<td><a href="/apply/{"contact" if NAMES[name] < "fld_2" else "vehicle"}">Change</a>'
        for name in NAMES
    )
    body = f"""<table>{rows}<tr><th>Fee<td><b>€{fee(values)}.00</b><td></table>
<h2>Now send your application</h2><p>By submitting this application you confirm that the details are correct. We invoice the fee by email.</p>"""
    return _step(3, "review", body, {}, "Submit application")


def complete(record: Mapping[str, str]) -> str:
    return page(
        "Application complete",
        f"""<div class="@@panel"><h1>Application complete</h1>Your reference number<br><strong id="@@ref" style="font-size:28px">{record["reference"]}</strong></div>
<p>We have sent a confirmation to <b>{text(record["email"])}</b>.</p><h2>What happens next</h2>
<p>We decide within 5 working days. You can <a href="/status">check your application</a> with the reference number.</p>
<p><a href="/apply/contact?new=1">Start another application</a></p>""",
    )


def status(asked: bool, record: Mapping[str, str] | None) -> str:
    answer = ""
    if record:
        answer = f"""<div class="@@sum" style="border-color:#1d7a4c" role="status"><b>Received</b><br>{record["reference"]} for {text(record["registration"])},
submitted on {record["submitted_at"][:10]}. Fee €{record["fee"]}.00.</div>"""
    elif asked:
        answer = '<div class="@@sum" role="alert">We found no application with this reference number and email address.</div>'
    return page(
        "Check an application",
        f"""<h1>Check an application</h1>{answer}<form method="get" action="/status"><div class="@@row"><label class="@@lab" for="@@s1">Reference number</label>
<input class="@@in" id="@@s1" name="ref"></div><div class="@@row"><label class="@@lab" for="@@s2">Email address</label><input class="@@in" id="@@s2" name="email"></div>
<button class="@@go">Check</button></form>""",
    )


def message(title: str, line: str) -> str:
    return page(title, f"<h1>{title}</h1><p>{line}</p>")


def shown_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values in the words of the page."""
    shown = {name: values.get(name, "") for name in NAMES}
    zone = shown["zone"]
    return shown | {
        "fuel": FUELS.get(shown["fuel"], ""),
        "zone": f"Zone {zone} - {ZONES[zone]}" if zone in ZONES else "",
        "months": f"{shown['months']} months",
        "blue_badge": "Yes" if shown["blue_badge"] else "No",
    }


def _step(number: int, key: str, body: str, errors: Mapping[str, Problem], button: str) -> str:
    summary = ""
    if errors:
        items = "".join(f'<li><a href="#@@c_{name}">{_error(name, kind)}</a>' for name, kind in errors.items())
        summary = f'<div class="@@sum" role="alert"><h2 style="margin:0">There is a problem</h2><ul>{items}</ul></div>'
    return page(
        ("Error: " if errors else "") + STEPS[key],
        f"""{summary}<p class="@@cap">Step {number} of 3</p><h1>{STEPS[key]}</h1>
<form method="post" action="/apply/{key}" novalidate>{body}<button class="@@go" type="submit">{button}</button></form>""",
        _FEES_ASIDE if key == "vehicle" else "",
    )


def _line(name: str, values: Mapping[str, str], errors: Mapping[str, Problem], kind: str = "text") -> str:
    field = (
        f'<input class="@@in" type="{kind}" name="{NAMES[name]}" id="@@c_{name}" value="{text(values.get(name, ""))}">'
    )
    return _row(name, errors, field)


def _row(name: str, errors: Mapping[str, Problem], field: str) -> str:
    # Groups and the select have a plain div as a label, as on many such sites, and so no accessible name.
    label = f'for="@@c_{name}"' if f"@@c_{name}" in field else ""
    tag = "label" if label else "div"
    hint = f'<div class="@@hint">{HINTS[name]}</div>' if name in HINTS else ""
    wrong = f'<div class="@@msg">{_error(name, errors[name])}</div>' if name in errors else ""
    return f'<div class="@@row{" @@bad" if wrong else ""}"><{tag} class="@@lab" {label}>{LABELS[name]}</{tag}>{hint}{wrong}{field}</div>'


def _radios(name: str, options: Mapping[str, str], values: Mapping[str, str]) -> str:
    return "".join(
        f'<label class="@@opt"><input type="radio" name="{NAMES[name]}" value="{value}"'
        f"{' checked' if values.get(name) == value else ''}> {label}</label>"
        for value, label in options.items()
    )


def _error(name: str, kind: Problem) -> str:
    if kind == "early":
        return "Permit start date must be 1 January 2025 or later"
    if kind == "missing":
        label = LABELS[name][0].lower() + LABELS[name][1:]
        return f"{'Select' if name in ('fuel', 'zone', 'months') else 'Enter'} your {label}"
    return _WRONG.get(name, "Select one of the options")
