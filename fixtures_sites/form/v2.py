"""The permit office after its redesign: vehicle first, then person, then a consent in a shadow root."""

from __future__ import annotations

from collections.abc import Mapping

from ..markup import scramble, stylesheet, text
from .model import FEES, FUELS, ZONES, Problem, fee

NAMES = {
    "zone": "area",
    "registration": "plate",
    "make": "model",
    "fuel": "drive",
    "months": "term",
    "start_date": "begin",
    "blue_badge": "bb",
    "full_name": "applicant",
    "street": "addr",
    "postcode": "pc",
    "email": "mail",
    "phone": "tel",
    "comments": "note",
}
LABELS = {
    "zone": "Where do you live?",
    "registration": "Number plate",
    "make": "Which car is it?",
    "fuel": "What does it run on?",
    "months": "How long do you need it?",
    "start_date": "From when?",
    "blue_badge": "Blue Badge holder",
    "full_name": "Your name",
    "street": "Home address",
    "postcode": "Postal code",
    "email": "Where can we email you?",
    "phone": "Phone, if we may call",
    "comments": "Anything else we should know?",
}
STEPS = {"car": "The car", "you": "About you", "confirm": "Confirm"}
DATE_PARTS = ("begin_d", "begin_m", "begin_y")

_SCRIPT = """
const d=document.getElementById('@@dlg');
if(!document.cookie.includes('choice='))d.showModal();
d.addEventListener('close',()=>{document.cookie='choice='+d.returnValue+';path=/'});
customElements.define('tw-consent',class extends HTMLElement{static formAssociated=true;
constructor(){super();this.inner=this.attachInternals();const r=this.attachShadow({mode:'open'});
r.innerHTML='<style>label{display:flex;gap:12px;align-items:flex-start;font-weight:600}input{width:20px;height:20px}</style><label><input type="checkbox"><span>I agree to the permit conditions and that my answers are true</span></label>';
r.querySelector('input').onchange=e=>this.inner.setFormValue(e.target.checked?'agreed':null)}});
"""


def page(title: str, content: str, step: str = "") -> str:
    rail = "".join(f"<li{' aria-current=step' if key == step else ''}>{label}</li>" for key, label in STEPS.items())
    return scramble(
        f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | Tarnwick Parking</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{stylesheet("form", "v2.css")}</style></head><body>
<dialog id="@@dlg"><form method="dialog"><h3 style="margin-top:0">We value your privacy</h3><p>Some cookies are needed for the form, others help us to improve it.</p>
<button value="all">Allow all</button><button value="needed">Only what is needed</button></form></dialog>
<div class="@@bar"><a class="@@logo" href="/">tarnwick<i>.</i>parking</a><ul class="@@links"><li><a href="/track">Track a case</a></li><li><a href="/#help">Help</a></li></ul></div>
<div class="@@shell"><div>{f'<ol class="@@rail">{rail}</ol>' if step else ""}</div><div role="main">{content}</div></div>
<div class="@@end">A service of Tarnwick Borough Council · Imprint · Cookies</div><script>{_SCRIPT}</script></body></html>""",
        "tarnwick v2",
    )


def landing() -> str:
    return page(
        "Resident permits",
        """<div class="@@card"><h2>Park in your own street</h2><p>Tell us about your car and yourself. We reply within five working days.</p>
<p><a class="@@next" href="/permit/car">Get a permit</a></p><iframe class="@@frame" title="Prices" src="/embed/prices"></iframe></div>""",
    )


def prices() -> str:
    items = "".join(f"<li>{months} months: €{full} (electric €{full // 2})" for months, full in FEES.items())
    return f'<!doctype html><title>Prices</title><body style="font:15px sans-serif"><b>Prices</b><ul>{items}</ul>'


def car(values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    tiles = "".join(
        f'<label class="@@tile"><input type="radio" name="area" value="z{code.lower()}"{" checked" if values.get("zone") == code else ""}> {name}</label>'
        for code, name in ZONES.items()
    )
    year, month, day = (values.get("start_date", "") + "--").split("-")[:3]
    parts = zip(("Day", "Month", "Year"), DATE_PARTS, (day, month, year), strict=True)
    date = "".join(
        f'<label><small>{label}</small><input class="@@f" inputmode="numeric" name="{name}" value="{text(value)}"></label>'
        for label, name, value in parts
    )
    body = f"""<fieldset><legend>{LABELS["zone"]}</legend><div class="@@tiles">{tiles}</div>{_oops("zone", errors)}</fieldset>
<div class="@@two">{_field("make", values, errors)}{_field("registration", values, errors)}
{_choice("months", {m: f"{m} months" for m in FEES}, values, errors)}{_choice("fuel", FUELS, values, errors)}</div>
<fieldset><legend>{LABELS["start_date"]}</legend><div class="@@date">{date}</div>{_oops("start_date", errors)}</fieldset>
<p><label><input type="checkbox" name="bb" value="1"{" checked" if values.get("blue_badge") else ""}> {LABELS["blue_badge"]}</label></p>"""
    return _step("car", body, "", "Next")


def you(values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    body = f"""{_field("street", values, errors)}<div class="@@two">{_field("postcode", values, errors)}{_field("full_name", values, errors)}
{_field("phone", values, errors)}{_field("email", values, errors)}</div>
<fieldset><label class="@@q" for="@@w_note">{LABELS["comments"]}</label><textarea class="@@f" id="@@w_note" name="note" rows="3">{text(values.get("comments", ""))}</textarea></fieldset>"""
    return _step("you", body, '<a class="@@back" href="/permit/car">Back</a>', "Next")


def confirm(values: Mapping[str, str], agreed: bool = True) -> str:
    shown = shown_values(values)
    pairs = "".join(f"<dt>{LABELS[name]}</dt><dd>{text(shown[name]) or '&ndash;'}</dd>" for name in NAMES)
    wrong = "" if agreed else '<p class="@@oops" role="alert">Please agree to the permit conditions first.</p>'
    body = f"""<dl class="@@pairs">{pairs}<dt>To pay</dt><dd><b>€{fee(values)}</b></dd></dl><tw-consent name="consent"></tw-consent>{wrong}<br>"""
    return _step("confirm", body, '<a class="@@back" href="/permit/you">Back</a>', "Send my application")


def thanks(record: Mapping[str, str]) -> str:
    return page(
        "Thank you",
        f"""<div class="@@card"><h2>Thank you, we have it</h2><p>Keep your case number:</p><output class="@@case" aria-label="Case number">{record["reference"]}</output>
<p>A copy went to {text(record["email"])}. <a href="/track">Track your case</a> or <a href="/permit/car?fresh=1">apply for another car</a>.</p></div>""",
    )


def track(asked: bool, record: Mapping[str, str] | None) -> str:
    answer = '<p class="@@oops" role="alert">No such case.</p>' if asked and not record else ""
    if record:
        answer = f'<p role="status"><b>{record["reference"]}</b>: received {record["submitted_at"][:10]}, {text(record["registration"])}, €{record["fee"]} to pay.</p>'
    return page(
        "Track a case",
        f"""<div class="@@card"><h2>Track a case</h2>{answer}<form action="/track"><fieldset><label class="@@q" for="@@t1">Case number</label><input class="@@f" id="@@t1" name="case"></fieldset>
<fieldset><label class="@@q" for="@@t2">Email</label><input class="@@f" id="@@t2" name="mail"></fieldset><button class="@@next">Find it</button></form></div>""",
    )


def message(title: str, line: str) -> str:
    return page(title, f'<div class="@@card"><h2>{title}</h2><p>{line}</p></div>')


def shown_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values in the words of the page."""
    shown = {name: values.get(name, "") for name in NAMES}
    return shown | {
        "fuel": FUELS.get(shown["fuel"], ""),
        "zone": ZONES.get(shown["zone"], ""),
        "months": f"{shown['months']} months",
        "blue_badge": "yes" if shown["blue_badge"] else "no",
    }


def _step(key: str, body: str, back: str, button: str) -> str:
    return page(
        STEPS[key],
        f"""<form class="@@card" method="post" action="/permit/{key}" novalidate><h2>{STEPS[key]}</h2>{body}{back}<button class="@@next">{button}</button></form>""",
        key,
    )


def _field(name: str, values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    return f"""<fieldset><label class="@@q" for="@@w_{NAMES[name]}">{LABELS[name]}</label>
<input class="@@f" id="@@w_{NAMES[name]}" name="{NAMES[name]}" value="{text(values.get(name, ""))}">{_oops(name, errors)}</fieldset>"""


def _choice(name: str, options: Mapping[str, str], values: Mapping[str, str], errors: Mapping[str, Problem]) -> str:
    listed = "".join(
        f'<option value="{value}"{" selected" if values.get(name) == value else ""}>{label}'
        for value, label in options.items()
    )
    return f"""<fieldset><label class="@@q" for="@@w_{NAMES[name]}">{LABELS[name]}</label><select class="@@f" id="@@w_{NAMES[name]}" name="{NAMES[name]}">
<option value="">Please choose</option>{listed}</select>{_oops(name, errors)}</fieldset>"""


def _oops(name: str, errors: Mapping[str, Problem]) -> str:
    if name not in errors:
        return ""
    words = {
        "missing": "We need this.",
        "format": "This does not look right.",
        "early": "Not before 1 January 2025.",
    }
    return f'<p class="@@oops" role="alert">{words[errors[name]]}</p>'
