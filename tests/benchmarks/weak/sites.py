"""Small sites on which weak models fail: a table that changes late, a paged list with details, and a long register."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from fixtures_sites.http import Request
from fixtures_sites.server import Site

PEOPLE = {
    "Serving": [("Ina Moss", "Warden", "2015"), ("Olm Pike", "Bursar", "2018"), ("Una Fenn", "Clerk", "2020"),
                ("Rob Hale", "Steward", "2022")],
    "Retired": [("Jem Stour", "Warden", "2003"), ("Kay Lott", "Clerk", "2007"), ("Ned Orme", "Bursar", "2009")],
}  # fmt: skip
TREES = ("Beech", "Larch", "Maple")
THINGS = ("bowl", "spoon", "board", "tray", "ladle", "box", "stand", "rack", "crate", "stool", "bench")
WARES = [
    (f"{tree} {thing}", f"{(n * 17 + m * 11) % 80 + 4}.{n * 3 % 10}5", f"W{n}{m:02}")
    for n, tree in enumerate(TREES)
    for m, thing in enumerate(THINGS[: 7 + 2 * n])
]
_ON_A_PAGE = 5
_FIRMS = 400

GUILD = Site("guild", about="a guild's people, wares and register", state=SimpleNamespace, versions=("v1",))


def _page(title: str, body: str) -> str:
    return f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><main><h1>{title}</h1>{body}</main>"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)


@GUILD.route("/people")
def people(request: Request) -> str:
    """People of the guild; those of another group come a moment after its button was pressed."""
    drawn = "".join(f"<template id={group}>{_rows(rows)}</template>" for group, rows in PEOPLE.items())
    buttons = " ".join(f"<button onclick=\"show('{group}')\">{group}</button>" for group in PEOPLE)
    return _page(
        "People",
        f"<p>{buttons}</p><table><thead><tr><th>Name</th><th>Office</th><th>Since</th></tr></thead>"
        f"<tbody>{_rows(PEOPLE['Serving'])}</tbody></table>{drawn}<script>function show(group) {{ setTimeout(() => {{"
        "document.querySelector('tbody').innerHTML = document.getElementById(group).innerHTML }, 350) }</script>",
    )


@GUILD.route("/wares")
def wares(request: Request) -> str:
    """Wares of one tree, five on a page."""
    tree, number = request.arg("tree"), request.number("page")
    options = "".join(f"<option>{each}</option>" for each in TREES)
    select = f"<select name=tree><option value=''>choose</option>{options}</select>"
    form = f"<form><label>Tree {select}</label><button>Show</button></form>"
    if tree not in TREES:
        return _page("Wares", form)
    found = [ware for ware in WARES if ware[0].startswith(tree)]
    shown = found[(number - 1) * _ON_A_PAGE : number * _ON_A_PAGE]
    more = number * _ON_A_PAGE < len(found)
    following = f'<a rel=next href="/wares?tree={tree}&page={number + 1}">Next</a>' if more else ""
    items = "".join(f'<li><a href="/ware/{code}">{name}</a> <b>£{price}</b></li>' for name, price, code in shown)
    return _page("Wares", f"{form}<p>{len(found)} wares of {tree}</p><ul>{items}</ul>{following}")


@GUILD.route("/ware/{code}")
def ware(request: Request, code: str) -> str:
    """One ware."""
    name, price, _ = next(each for each in WARES if each[2] == code)
    return _page(name, f"<dl><dt>Code</dt><dd>{code}</dd><dt>Price</dt><dd>£{price}</dd></dl>")


def firm(n: int) -> tuple[str, str, str]:
    """Return number, name and town of a firm of the register."""
    return (
        f"{n:04}",
        f"{('Vale', 'Tarn', 'Croft', 'Holm')[n % 4]} Works {n * 37 % 1000}",
        ("Ryde", "Stoke", "Ayr")[n % 3],
    )


@GUILD.route("/register")
def register(request: Request) -> str:
    """A page that is far larger than a small model's window."""
    prose = "".join(
        f"<section><h2>Note {n}</h2><p>{'The register is kept by the clerk. ' * 10}</p></section>" for n in range(30)
    )
    head = "<thead><tr><th>No</th><th>Firm</th><th>Town</th></tr></thead>"
    return _page("Register", f"<table>{head}<tbody>{_rows([firm(n) for n in range(_FIRMS)])}</tbody></table>{prose}")


def wares_of(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the right rows of the task on wares."""
    return [{"name": n, "price": float(p)} for n, p, _ in WARES if n.startswith(parameters["tree"])]


def people_of(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the right rows of the task on people."""
    return [{"name": n, "office": o, "since": int(s)} for n, o, s in PEOPLE[parameters["group"]]]


def firms_of(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the right rows of the task on the register."""
    rows = [firm(n) for n in range(_FIRMS)]
    return [{"number": no, "firm": name} for no, name, town in rows if town == parameters["town"]]
