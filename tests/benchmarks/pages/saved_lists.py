"""Lists of Datasette, Trac, Roundup, Django's admin and AdminLTE, from saved pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import TODAY, Body, Rows, asking, before, chance, flag, listed, moved
from tests.benchmarks.pages.saved import body_of, make, page_of

_PERMIT_KINDS = ("market stall", "roof repair", "street closure", "tree felling")
_DISTRICTS = ("Northgate", "Harbour", "Old Town", "Millside")
_HOLDERS = ("Ana Marsh", "Bo Pope", "Cyril Zabel", "Dora Ito", "Edda Blanc", "Finn Rye", "Hana Novák", "Pia O'Neil")


def _permits(day: int) -> Rows:
    return [
        {
            "kind": kind,
            "number": f"PN-{2021 + number % 5}-{400 * at + 13 * number + 11:04}",
            "holder": _HOLDERS[chance("holder", kind, number).randrange(8)],
            "status": ("granted", "pending", "refused")[
                chance("status", kind, number, moved(day, kind, number)).randrange(3)
            ],
            "issued": before(1500, kind, number),
            "fee": float((12.5, 40, 75.25, 120, 1033.1)[chance("fee", kind, number).randrange(5)]),
            "district": _DISTRICTS[chance("district", kind, number).randrange(4)],
        }
        for at, kind in enumerate(_PERMIT_KINDS)
        for number in range(19)
        if listed(day, kind, number)
    ]


def _datasette(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = query.get("_filter_value_1", "")
    shown = [row for row in rows if asked in (row["kind"], "")]
    said = f'{len(shown)} rows\nwhere kind = "{asked}"' if asked else f"{len(shown)} rows"
    around = {".page-header + h3": said, "title": f"permits: permit: {said}", "[name=_filter_value_1]@value": asked}
    columns = ("number", "holder", "kind", "status", "fee")
    cells = [
        (
            {
                **{f".col-{each}": str(row[each]) for each in columns},
                ".col-issued": row["issued"].isoformat(),
                ".col-district_id a": row["district"],
                ".col-id a": row["number"][-4:].lstrip("0"),
            },
            0,
        )
        for row in shown
    ]
    return body_of(page_of("datasette", around, "table.rows-and-columns tbody tr", cells))


_PERMIT = ("number", "holder", "status", "issued", "fee", "district")
_COLUMNS = {**{name: f".col-{name}" for name in _PERMIT}, "district": ".col-district_id"}
DATASETTE = make(
    "datasette",
    "List the permits of a kind with number, holder, status, date of issue, fee and district",
    "kind", ("roof repair", "street closure"), _permits, _datasette, _PERMIT,
    Marks(
        items="table.rows-and-columns tbody tr",
        name="number",
        fields={**{name: f"td{place}" for name, place in _COLUMNS.items()}, "district": "td.col-district_id a"},
        labels={name: f"th{place} a" for name, place in _COLUMNS.items()},
        roles={"money": "fee", "date": "issued", "text": "holder"},
        heading=".page-header + h3, title",
        total=".page-header + h3",
        goods=False,
        filtered=asking("_filter_value_1", ""),
        another=asking("_filter_value_1", "tree felling"),
    ),
)  # fmt: skip

_COMPONENTS = ("paths", "lighting", "playground")
_TROUBLE = ("Flooded path", "Fallen tree", "Broken lamp", "Loose railing", "Missing sign", "Graffiti", "Leaking tap")
_PLACES = ("the kiosk", "gate 2", "the pond", "lot 3", "the north bridge", "the old mill")


def _tickets(day: int) -> Rows:
    return [
        {
            "component": component,
            "ticket": 1 + at + 3 * number,
            "summary": f"{_TROUBLE[(number + at) % 7]} near {_PLACES[number % 6]}",
            "status": ("new", "assigned", "accepted", "reopened")[
                chance("ticket", component, number, moved(day, component, number)).randrange(4)
            ],
            "priority": ("critical", "major", "minor")[chance("priority", component, number).randrange(3)],
            "milestone": f"milestone{1 + chance('milestone', component, number).randrange(4)}",
            "reporter": ("finn", "ilse", "jon", "lea", "mo")[chance("reporter", component, number).randrange(5)],
        }
        for at, component in enumerate(_COMPONENTS)
        for number in range(21)
        if listed(day, component, number)
    ]


def _trac(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = query.get("component", "")
    shown = [row for row in rows if asked in (row["component"], "")]
    choice = 'select[name="0_component"] option'
    chosen = f'{choice}[value="{asked}"]' if asked else f"{choice}[label]"
    around = {".numrows": f"({len(shown)} matches)", f"{choice}@selected": None, f"{chosen}@selected": "selected"}
    cells = [
        (
            {
                "td.id a": f"#{row['ticket']}",
                "td.summary a": row["summary"],
                "a@href": f"/ticket/{row['ticket']}",
                "td.status": row["status"],
                "td.priority": row["priority"],
                "td.milestone a": row["milestone"],
                "td.reporter span": row["reporter"],
            },
            0,
        )
        for row in shown
    ]
    page = page_of("trac", around, "table.tickets tbody tr", cells)
    for stated in page.select(".numresults"):
        stated.extract()
    return body_of(page)


_TICKET = ("ticket", "summary", "status", "priority", "milestone", "reporter")
_TICKET_COLUMNS = {**{name: f".{name}" for name in _TICKET}, "ticket": ".id"}
TRAC = make(
    "trac",
    "List the open tickets of a component with number, summary, status, priority, milestone and reporter",
    "component", ("paths", "lighting"), _tickets, _trac, _TICKET,
    Marks(
        items="table.tickets tbody tr",
        name="summary",
        fields={name: f"td{place}" for name, place in _TICKET_COLUMNS.items()},
        labels={name: f"table.tickets th{place} a" for name, place in _TICKET_COLUMNS.items()},
        roles={"number": "ticket", "text": "reporter"},
        heading="h1",
        total=".numrows",
        filtered=asking("component", ""),
        another=asking("component", "playground"),
    ),
)  # fmt: skip

_STATES = ("chatting", "testing", "in-progress")
_FAULTS = ("Wi-Fi drops", "Badge refused", "Invoice wrong", "Printer jams", "Door sticks", "Screen flickers")


def _issues(day: int) -> Rows:
    return [
        {
            "status": state,
            "id": 4 + at + 3 * number,
            "title": f"{_FAULTS[(number + 2 * at) % 6]} on floor {number // 3 + 1}",
            "priority": ("critical", "urgent", "bug", "feature", "wish")[chance("issue", state, number).randrange(5)],
            "creator": ("admin", "grace", "hugo", "iris", "jan")[chance("creator", state, number).randrange(5)],
            "age": 1 + day + chance("age", state, number).randrange(20),
        }
        for at, state in enumerate(_STATES)
        for number in range(17)
        if listed(day, state, number)
    ]


def _roundup(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = query.get("status", "")
    shown = [row for row in rows if asked in (row["status"], "")]
    said = query.get("@dispname", "") if asked else ""
    words = f"List of issues\n- {said}" if said else "List of issues"
    around = {"title": f"{words} - Roundup issue tracker", "#body-title h2": words}
    places = {"priority": 1, "id": 2, "status": 5, "creator": 6}
    cells = [
        (
            {
                **{f"td:nth-of-type({at})": str(row[name]) for name, at in places.items()},
                ".date": "yesterday" if row["age"] == 1 else f"{row['age']} days ago",
                "a": row["title"],
                "a@href": f"issue{row['id']}",
            },
            0,
        )
        for row in shown
    ]
    return body_of(page_of("roundup", around, "table.list tr:has(td)", cells))


_ISSUE = {"id": 2, "title": 4, "priority": 1, "creator": 6}
ROUNDUP = make(
    "roundup",
    "List the issues with a status: id, title, priority and creator",
    "status", ("in-progress", "chatting"), _issues, _roundup, tuple(_ISSUE),
    Marks(
        items="table.list tr:has(td)",
        name="title",
        fields={**{name: f"td:nth-of-type({at})" for name, at in _ISSUE.items()}, "title": "a"},
        labels={name: f"table.list th:nth-of-type({at})" for name, at in _ISSUE.items()},
        roles={"number": "id", "text": "creator"},
        heading="#body-title h2, title",
        filtered=asking("status", ""),
        another=asking("status", "testing"),
    ),
)  # fmt: skip

_ORDER_STATES = {"New": "new", "Paid": "paid", "Shipped": "shipped", "Returned": "returned"}
_MONTHS = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")


def _orders(day: int) -> Rows:
    return [
        {
            "status": state,
            "reference": f"SO-{10000 + at + 4 * number}",
            "customer": _HOLDERS[chance("customer", state, number).randrange(8)],
            "placed": before(300, "order", state, number),
            "total": round(chance("total", state, number).uniform(20, 2200), 2),
            "gift": chance("gift", state, number).random() < 0.3,
        }
        for at, state in enumerate(_ORDER_STATES)
        for number in range(22)
        if listed(day, state, number)
    ]


def _admin(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = query.get("status__exact", "")
    shown = [row for row in rows if asked in (_ORDER_STATES[row["status"]], "")]
    status = "#changelist-filter details[data-filter-title=status] li"
    address = f"?all=&status__exact={asked}" if asked else "?all="
    around = {
        ".paginator": f"{len(shown)} orders",
        ".quiet": f"{len(shown)} results (",
        ".quiet a": "Show all",
        "input[name=status__exact]@value": asked,
        f"{status}@class": None,
        f'{status}:has(a[href="{address}"])@class': "selected",
    }
    cells = [
        (
            {
                ".field-reference a": row["reference"],
                ".field-customer": row["customer"],
                ".field-status": row["status"],
                ".field-placed": f"{_MONTHS[row['placed'].month - 1]} {row['placed'].day}, {row['placed'].year}",
                ".field-total": f"{row['total']:.2f}",
                ".field-gift img@alt": str(row["gift"]),
                ".field-gift img@src": f"/img/icon-{'yes' if row['gift'] else 'no'}.svg",
                ".action-select@aria-label": f"Select this object for an action - {row['reference']}",
            },
            0,
        )
        for row in shown
    ]
    return body_of(page_of("django-admin", around, "#result_list tbody tr", cells))


_ORDER = ("reference", "customer", "placed", "total", "gift")
DJANGO_ADMIN = make(
    "django-admin",
    "List the orders with a status: reference, customer, date, total, and whether it is a gift",
    "status", ("Paid", "Shipped"), _orders, _admin, _ORDER,
    Marks(
        items="#result_list tbody tr",
        name="reference",
        fields={**{name: f".field-{name}" for name in _ORDER}, "reference": ".field-reference a"},
        labels={name: f".column-{name} a" for name in _ORDER},
        roles={"money": "total", "date": "placed", "text": "customer"},
        heading="#changelist-filter li.selected:first-of-type",
        total=".paginator, .quiet",
        goods=False,
        filtered=asking("status__exact", ""),
        another=asking("status__exact", "returned"),
    ),
)  # fmt: skip

_TEAMS = ("Harbour", "Old Town", "Millside")
_WORKS = ("Quay lights", "Tram stop", "Bath house", "Market roof", "School yard", "Fish ladder", "Dry dock", "Archive")


def _projects(day: int) -> Rows:
    return [
        {
            "team": team,
            "name": f"{work} {at + 1}{'ABC'[number // 8]}",
            "created": TODAY - timedelta(days=30 + chance("created", team, number).randrange(900)),
            "percent_complete": min(
                99, 3 + chance("done", team, number).randrange(80) + moved(day, "done", team, number)
            ),
            "canceled": not flag(day, 0.75, "project", team, number),
        }
        for at, team in enumerate(_TEAMS)
        for number in range(16)
        for work in [_WORKS[number % 8]]
        if listed(day, team, number)
    ]


def _adminlte(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = {f"/teams/{number}": team for number, team in enumerate(_TEAMS, 1)}.get(path, "")
    shown = [row for row in rows if asked in (row["team"], "")]
    around = {"title": f"AdminLTE 3 | {asked or 'Projects'}", "h1": asked or "Projects", ".card-title": "Projects",
              ".breadcrumb-item.active": asked or "Projects"}  # fmt: skip
    for number, team in enumerate(_TEAMS, 1):
        link = f".nav-sidebar > li:first-of-type .nav-treeview li:nth-of-type({number}) a"
        around |= {f"{link}@href": f"/teams/{number}", f"{link} p": team}
    cells = [
        (
            {
                "td:nth-of-type(2) > a": row["name"],
                ".project_progress > small": f"{row['percent_complete']}% Complete",
                "br + small": f"Created {row['created']:%d.%m.%Y}",
                ".progress-bar@aria-valuenow": str(row["percent_complete"]),
                ".badge": "Canceled" if row["canceled"] else "Success",
                ".badge@class": f"badge badge-{'danger' if row['canceled'] else 'success'}",
            },
            0,
        )
        for row in shown
    ]
    return body_of(page_of("adminlte", around, "table.projects tbody tr", cells))


_PROJECT = {"name": 2, "created": 2, "percent_complete": 4, "canceled": 5}
ADMINLTE = make(
    "adminlte",
    "List the projects of a team with name, date of creation, percent complete, and whether it was canceled",
    "team", ("Harbour", "Old Town"), _projects, _adminlte, tuple(_PROJECT),
    Marks(
        items="table.projects tbody tr",
        name="name",
        fields={"name": "td > a", "created": "td:nth-of-type(2) small", "percent_complete": ".project_progress small",
                "canceled": ".badge"},
        labels={name: f"table.projects th:nth-of-type({at})" for name, at in _PROJECT.items() if name != "created"},
        roles={"number": "percent_complete", "date": "created", "flag": "canceled", "text": "name"},
        heading="h1, title, .breadcrumb-item.active",
        contrary=("Canceled", "Abandoned"),
        filtered=lambda target: "/" if target.startswith("/teams/") else None,
        another=lambda target: "/teams/3" if target.startswith("/teams/") else None,
    ),
)  # fmt: skip
