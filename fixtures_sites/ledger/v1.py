"""The ledger before its redesign: a form of selects above a table with sortable heads."""

from __future__ import annotations

from urllib.parse import urlencode

from ..markup import scramble
from ..markup import text as e
from .data import STATUSES, USER, YEARS, Invoice, money, select, total

__all__ = ["invoices", "login"]

_BUILD = "ledger 1"

_COLUMNS = {"number": "Number", "client": "Client", "due": "Due date", "cents": "Amount", "status": "Status"}

_CSS = """
*{box-sizing:border-box}body{margin:0;font:14px/1.45 "Liberation Sans",Arial,sans-serif;color:#1f2a37;background:#eef1f5}a{color:#1f5fa8}
.@@bar{background:#22374f;color:#dbe4ee;height:54px;display:flex;align-items:center;padding:0 28px;gap:28px}.@@bar b{font-size:17px;color:#fff}.@@bar a{color:#dbe4ee;text-decoration:none}.@@who{margin-left:auto}
.@@body{padding:26px 28px;max-width:1180px;margin:0 auto}h1{font-size:24px;margin:0 0 16px}
.@@flt{background:#fff;border:1px solid #d5dbe3;border-radius:5px;padding:14px 18px;display:flex;gap:18px;align-items:end;margin-bottom:16px}.@@flt label{display:block;font-size:12px;color:#5b6878;margin-bottom:3px}select,.@@inp{font:inherit;padding:7px 9px;border:1px solid #b7c1cd;border-radius:4px;background:#fff;min-width:150px}
.@@b{font:inherit;padding:8px 18px;border:0;border-radius:4px;background:#1f5fa8;color:#fff;cursor:pointer}.@@tb{width:100%;border-collapse:collapse;background:#fff;border:1px solid #d5dbe3}
.@@tb th{background:#f6f8fa;text-align:left;padding:10px 14px;border-bottom:2px solid #d5dbe3}.@@tb th a{text-decoration:none}.@@tb td{padding:9px 14px;border-bottom:1px solid #e8ecf1}.@@tb tbody tr:nth-child(even){background:#fafbfd}
.@@cl{max-width:300px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.@@am{text-align:right!important;font-variant-numeric:tabular-nums}.@@tb tfoot td{font-weight:700;background:#f6f8fa;border-top:2px solid #d5dbe3}
.@@s{display:inline-block;padding:1px 9px;border-radius:9px;font-size:12px;background:#e8ecf1}.@@paid{background:#d6efdc;color:#1c6b35}.@@overdue{background:#fbdcd8;color:#a12a1c}.@@open{background:#dbe9fb;color:#1f5fa8}.@@disputed{background:#fdeecb;color:#855b06}
.@@lg{max-width:360px;margin:70px auto;background:#fff;border:1px solid #d5dbe3;border-radius:6px;padding:30px}.@@lg label{display:block;margin:14px 0 4px}.@@lg .@@inp{width:100%}.@@lg .@@b{width:100%;margin-top:20px}.@@err{background:#fbdcd8;color:#a12a1c;padding:9px 12px;border-radius:4px}
.@@bot{text-align:center;color:#5b6878;padding:20px;font-size:12px}
"""


def _page(title: str, main: str, user: str = "") -> str:
    who = f'<span class="@@who">Signed in as {user}</span><a href="/logout">Log out</a>' if user else ""
    links = '<a href="/invoices">Invoices</a><a href="#reports">Reports</a>' if user else ""
    return scramble(
        f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title} - Brackwater Bookkeeping</title><meta name="robots" content="noindex">
<link rel="icon" href="data:,"><style>{_CSS}</style></head><body><div class="@@bar"><b>Brackwater Bookkeeping</b>{links}{who}</div>
<div class="@@body" id="@@body">{main}</div><div class="@@bot">Brackwater Bookkeeping, Wharf Road 3 · Version 4.18 · 2025</div></body></html>""",
        _BUILD,
    )


def login(user: str = "", *, wrong: bool = False) -> str:
    error = '<p class="@@err" role="alert">The user name or password is wrong.</p>' if wrong else ""
    return _page(
        "Log in",
        f"""<form class="@@lg" method="post" action="/login"><h1>Log in</h1>{error}<label for="@@u">User name</label><input class="@@inp" id="@@u" name="user" value="{e(user)}" autocomplete="username">
<label for="@@p">Password</label><input class="@@inp" id="@@p" name="password" type="password" autocomplete="current-password"><button class="@@b" type="submit">Sign in</button></form>""",
    )


def invoices(status: str, year: str, sort: str, direction: str) -> str:
    found = select(status, year, sort, direction == "desc")
    heads = "".join(_head(key, status, year, sort, direction) for key in _COLUMNS)
    rows = "".join(_row(invoice) for invoice in found) or (
        '<tr><td colspan="5">No invoices match this filter.</td></tr>'
    )
    count = "1 invoice" if len(found) == 1 else f"{len(found)} invoices"
    states = _options({"": "All", **STATUSES}, status)
    years = _options({"": "All", **{str(each): str(each) for each in YEARS}}, year)
    return _page(
        "Invoices",
        f"""<h1>Invoices</h1><form class="@@flt" action="/invoices"><div><label for="@@fs">Status</label><select id="@@fs" name="status">{states}</select></div>
<div><label for="@@fy">Year</label><select id="@@fy" name="year">{years}</select></div><button class="@@b" type="submit">Apply</button><a href="/invoices">Reset</a></form>
<table class="@@tb" id="@@tb"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody><tfoot><tr><td>{count}</td><td></td><td>Total</td><td class="@@am">{money(total(found))}</td><td></td></tr></tfoot></table>""",
        USER,
    )


def _options(names: dict[str, str], chosen: str) -> str:
    return "".join(
        f'<option value="{key}"{" selected" if key == chosen else ""}>{name}</option>' for key, name in names.items()
    )


def _head(key: str, status: str, year: str, sort: str, direction: str) -> str:
    descending = key == sort and direction != "desc"
    query = urlencode({"status": status, "year": year, "sort": key, "dir": "desc" if descending else "asc"})
    mark = (" ▼" if direction == "desc" else " ▲") if key == sort else ""
    right = ' class="@@am"' if key == "cents" else ""
    return f'<th{right}><a href="/invoices?{e(query)}">{_COLUMNS[key]}</a>{mark}</th>'


def _row(invoice: Invoice) -> str:
    return (
        f'<tr><td>{invoice.number}</td><td class="@@cl" title="{e(invoice.client)}">{e(invoice.client)}</td><td>{invoice.printed_due}</td>'
        f'<td class="@@am">{money(invoice.cents)}</td><td><span class="@@s @@{invoice.status}">{STATUSES[invoice.status]}</span></td></tr>'
    )
