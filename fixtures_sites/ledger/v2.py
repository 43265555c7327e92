"""The ledger after its redesign: filters are links, the columns have another order, one is new.

Without an error, a script for v1 breaks after the login, whose labels and button are unchanged: CSS draws the due date
from an attribute (its cell has no text), a column "Project" is where the client was, and v1's query filters nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode

from ..markup import scramble
from ..markup import text as e
from .data import STATUSES, USER, YEARS, Invoice, money, select, total

__all__ = ["invoices", "sign_in"]

_BUILD = "ledger 2"

_CSS = """
*{box-sizing:border-box}body{margin:0;font:15px/1.5 "DejaVu Sans",Verdana,sans-serif;color:#221b2e;background:#fff;display:grid;grid-template-columns:1fr 220px;min-height:100vh}a{color:#6a2fb5}
.@@rail{background:#2a1a40;color:#d9cdea;padding:28px 22px;order:2}.@@rail a{display:block;color:#d9cdea;text-decoration:none;padding:6px 0;font-size:14px}.@@rail strong{color:#fff;font-size:18px;display:block;margin-bottom:22px}
.@@work{padding:34px 44px;min-width:0}.@@h{font-size:27px;margin:0 0 4px;letter-spacing:-.02em}.@@sub{color:#736884;margin:0 0 20px}.@@chips{display:flex;gap:7px;flex-wrap:wrap;margin-bottom:9px;align-items:center;font-size:13px}.@@chips>span{width:62px;color:#736884}
.@@chips a{border:1px solid #d8cfe6;border-radius:99px;padding:4px 13px;text-decoration:none;color:#221b2e}.@@chips a[aria-current]{background:#6a2fb5;border-color:#6a2fb5;color:#fff}
.@@g{width:100%;border-collapse:separate;border-spacing:0;margin-top:18px;font-size:13.5px}.@@g th{font-weight:400;color:#736884;text-align:left;padding:8px 10px;border-bottom:1px solid #d8cfe6}.@@g td{padding:10px;border-bottom:1px solid #f0ebf6}.@@g tbody tr:hover td{background:#faf7fe}
.@@num{text-align:right!important;font-variant-numeric:tabular-nums;font-weight:700}.@@who{max-width:230px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.@@d::after{content:attr(data-on);white-space:nowrap}
.@@dot{white-space:nowrap}.@@dot::before{content:"";display:inline-block;width:9px;height:9px;border-radius:50%;background:#b8aec6;margin-right:7px}.@@dot.@@ok::before{background:#2f9e61}.@@dot.@@late::before{background:#d6453b}.@@dot.@@due::before{background:#3f7fe0}.@@dot.@@q::before{background:#e0a030}
.@@sum{display:flex;justify-content:space-between;background:#f5f0fb;border-radius:10px;padding:14px 18px;margin-top:18px}.@@gate{max-width:400px;margin:60px auto}.@@gate input{font:inherit;width:100%;padding:11px;border:0;border-bottom:2px solid #6a2fb5;background:#f5f0fb;margin:3px 0 16px}
.@@enter{font:700 15px "DejaVu Sans",sans-serif;border:0;border-radius:10px;background:#6a2fb5;color:#fff;padding:13px 28px;cursor:pointer}.@@bad{color:#b3261e;font-weight:700}.@@nil{text-align:center;padding:50px;color:#736884}
"""

_DOTS = {"paid": "@@ok", "overdue": "@@late", "open": "@@due", "disputed": "@@q", "void": "@@nix"}


def _page(title: str, main: str, user: str = "") -> str:
    links = (
        f'<a href="/invoices">All invoices</a><a href="#clients">Clients</a><a href="/logout">Leave, {user}</a>'
        if user
        else ""
    )
    return scramble(
        f"""<!doctype html><html lang="en"><head><title>{title} | brackwater books</title><meta charset="utf-8"><link rel="icon" href="data:,"><style>{_CSS}</style></head>
<body><main class="@@work">{main}</main><aside class="@@rail"><strong>brackwater</strong>{links}<small>Wharf Road 3<br>Release 5.0</small></aside></body></html>""",
        _BUILD,
    )


def sign_in(user: str = "", *, wrong: bool = False) -> str:
    error = '<p class="@@bad" role="alert">That user name and password do not match.</p>' if wrong else ""
    return _page(
        "Welcome",
        f"""<form class="@@gate" method="post" action="/signin"><h2 class="@@h">Welcome back</h2><p class="@@sub">Your books are where you left them.</p>
<label>User name<input name="account_id" value="{e(user)}"></label><label>Password<input type="password" name="passphrase"></label>{error}<button class="@@enter">Sign in</button></form>""",
    )


def invoices(state: str, period: str, by: str) -> str:
    state, period = (state if state in STATUSES else ""), (period if period in map(str, YEARS) else "")
    found = select(state, period, {"amount": "cents", "client": "client"}.get(by, "due"), by == "amount")
    count = "1 invoice" if len(found) == 1 else f"{len(found)} invoices"
    years = {"": "Any year", **{str(each): str(each) for each in YEARS}}
    chips = (
        _chips("Status", "state", {"": "Any status", **STATUSES}, state, {"period": period, "by": by})
        + _chips("Year", "period", years, period, {"state": state, "by": by})
        + _chips(
            "Order",
            "by",
            {"": "Due", "amount": "Largest first", "client": "Client"},
            by,
            {"state": state, "period": period},
        )
    )
    table = f"""<table class="@@g"><thead><tr><th>Status</th><th class="@@num">Amount</th><th>Project</th><th>Invoice</th><th>Due</th><th>Client</th></tr></thead>
<tbody>{"".join(_row(invoice) for invoice in found)}</tbody></table>"""
    body = table if found else '<div class="@@nil" role="status">Nothing found with these filters.</div>'
    return _page(
        "Books",
        f"""<h2 class="@@h">Books</h2><p class="@@sub">Everything you have billed</p>{chips}{body}
<div class="@@sum"><b>{money(total(found))}</b><span>{count}</span></div>""",
        USER,
    )


def _chips(label: str, name: str, values: dict[str, str], chosen: str, others: dict[str, str]) -> str:
    links = ""
    for key, text in values.items():
        query = urlencode({field: value for field, value in {**others, name: key}.items() if value})
        here = ' aria-current="true"' if key == chosen else ""
        links += f'<a href="{e(f"/invoices?{query}" if query else "/invoices")}"{here}>{text}</a>'
    return f'<div class="@@chips"><span>{label}</span>{links}</div>'


def _row(invoice: Invoice) -> str:
    return (
        f'<tr><td><span class="@@dot {_DOTS[invoice.status]}">{STATUSES[invoice.status]}</span></td><td class="@@num">{money(invoice.cents)}</td>'
        f'<td>{invoice.project}</td><td>{invoice.number}</td><td><time class="@@d" datetime="{invoice.due}" data-on="{invoice.printed_due}"></time></td>'
        f'<td class="@@who" title="{e(invoice.client)}">{e(invoice.client)}</td></tr>'
    )
