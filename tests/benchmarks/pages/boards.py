"""Search results with facets, a dashboard of numbers, and a table that is fed by JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import (
    TODAY,
    Body,
    Make,
    Rows,
    as_json,
    asking,
    before,
    chance,
    flag,
    html,
    listed,
    missing,
    moved,
    printed,
)  # fmt: skip

_TOWNS = ("Leeds", "Hull", "York", "Bradford")
_JOBS = ("Carpenter", "Plumber", "Welder", "Baker", "Nurse", "Cook", "Driver", "Tutor", "Clerk", "Fitter")
_FIRMS = ("Aire Works", "Ouse & Co", "Minster Group", "Calder Care", "Humber Line", "Ridings Ltd")


def _jobs(day: int) -> Rows:
    return [
        {
            "town": town,
            "title": f"{('Senior', 'Trainee', 'Lead')[number % 3]} {job}",
            "company": _FIRMS[chance("firm", town, number).randrange(len(_FIRMS))],
            "salary": 18_500 + 250 * chance("salary", town, number).randrange(120),
            "posted": before(60, town, number),
            "remote": flag(day, 0.3, "remote", town, number),
        }
        for town in _TOWNS
        for number, job in enumerate(_JOBS + _JOBS)
        if listed(day, town, number)
    ]


def _search(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    town = query.get("town", "")
    choice = "".join(f"<option{' selected' * (each == town)}>{each}</option>" for each in ("Anywhere", *_TOWNS))
    form = (
        f'<form action="/jobs" role="search"><label>Town <select name="town">{choice}</select></label>'
        f'<label><input type="checkbox" name="remote" value="1"> Remote only</label><button>Find jobs</button></form>'
    )
    if path == "/":
        return html("Ridings Jobs", f"<h1>Find work in Yorkshire</h1>{form}")
    found = [row for row in rows if town in (row["town"], "Anywhere", "")]
    at, name = int(query.get("page", 1)), town if town in _TOWNS else "Yorkshire"
    lines = "".join(
        f'<li class="hit"><h2><a href="/job/{number}">{row["title"]}</a></h2>'
        f'<div class="meta"><span>{row["company"]}</span> · <span>{row["town"]}</span> · '
        f"<time>{printed(row['posted'])}</time></div>"
        f'<p><i class="key">Salary</i> <strong>£{row["salary"]:,} a year</strong></p>'
        f'<span class="tag">{"Remote" if row["remote"] else "On site"}</span></li>'
        for number, row in enumerate(found[10 * at - 10 : 10 * at])
    )
    ahead = urlencode({**query, "page": at + 1})
    following = f'<a rel="next" href="/jobs?{ahead}">Next</a>' if len(found) > 10 * at else ""
    main = (
        f'<aside><h2>Filter</h2>{form}</aside><h1>Jobs in {name}</h1><p class="count">{len(found)} jobs in {name}</p>'
        f'<ol>{lines}</ol><nav aria-label="Pages">{following}</nav>'
    )
    return html(f"Jobs in {name} | Ridings Jobs", main)


_JOB_FIELDS = ("title", "company", "salary", "posted", "remote")
JOBS = Make(
    name="jobs",
    group="town",
    task="List all jobs in a town with title, company, yearly salary, date of posting and whether they are remote",
    code="""\
import re
from datetime import datetime


async def run(page, parameters, task):
    await page.get_by_label("Town").select_option(label=parameters["town"])
    await page.get_by_role("button", name="Find jobs").click()
    found = []
    while True:
        await page.locator("main ol").wait_for(state="attached")
        for hit in await page.locator("li.hit").all():
            meta = await hit.locator(".meta span").all_inner_texts()
            found.append({
                "title": await hit.locator("h2").inner_text(),
                "company": meta[0],
                "salary": int(re.search(r"\\d[\\d,]*", await hit.locator("strong").inner_text())[0].replace(",", "")),
                "posted": datetime.strptime(await hit.locator("time").inner_text(), "%d %B %Y").date().isoformat(),
                "remote": await hit.locator(".tag").inner_text() == "Remote",
            })
        following = page.get_by_role("link", name="Next", exact=True)
        if not await following.count():
            return found
        await following.click()
        await page.wait_for_load_state()
""",
    parameters=({"town": "Leeds"}, {"town": "Hull"}),
    marks=Marks(
        items="li.hit",
        name="title",
        fields={"title": "h2 a", "company": ".meta span", "salary": "strong", "posted": "time", "remote": ".tag"},
        labels={"salary": "li.hit .key"},
        roles={"money": "salary", "date": "posted", "flag": "remote", "text": "company"},
        heading="h1, title",
        total=".count",
        goods=False,
        filtered=asking("town", "Anywhere"),
        another=asking("town", "Bradford"),
    ),
    rows=_jobs,
    render=_search,
    truth=lambda asked, rows: [
        {name: row[name].isoformat() if name == "posted" else row[name] for name in _JOB_FIELDS}
        for row in rows
        if row["town"] == asked["town"]
    ],
)

_BRANCHES = {"north": "North Quay", "south": "South Gate", "mill": "Mill Lane"}


def _branches(day: int) -> Rows:
    return [
        {
            "slug": slug,
            "branch": name,
            "visitors": 1_050 + chance("visitors", slug, day).randrange(400) + 900 * number,
            "revenue": round(8_200 + chance("revenue", slug, day).uniform(0, 2_500) + 4_000 * number, 2),
            "open_tickets": chance("tickets", slug, day).randrange(12, 40),
            "response_min": round(chance("response", slug, day).uniform(3, 9), 1),
            "as_of": TODAY + timedelta(days=day),
        }
        for number, (slug, name) in enumerate(_BRANCHES.items())
    ]


def _dashboard(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    if path == "/":
        links = "".join(f'<li><a href="/b/{slug}">{name}</a></li>' for slug, name in _BRANCHES.items())
        return html("Branches", f"<h1>Branches</h1><ul>{links}</ul>")
    row = next((row for row in rows if path == f"/b/{row['slug']}"), None)
    if row is None:
        return missing()
    tiles = "".join(
        f'<div class="tile"><h3>{head}</h3><b>{value}</b><small>{note}</small></div>'
        for head, value, note in (
            ("Visitors", f"{row['visitors']:,}", "this week"),
            ("Revenue", f"£{row['revenue']:,.2f}", "this week"),
            ("Open tickets", row["open_tickets"], "now"),
            ("Response time", f"{row['response_min']} min", "median"),
        )
    )
    tabs = "".join(
        f'<button role="tab" aria-selected="{str(name == "Week").lower()}">{name}</button>'
        for name in ("Today", "Week", "Month")
    )
    main = (
        f'<h1>{row["branch"]}</h1><div role="tablist">{tabs}</div>'
        f'<p>As of <span class="asof">{printed(row["as_of"])}</span></p><section>{tiles}</section>'
    )
    return html(f"{row['branch']} - dashboard", main)


def _tile(number: int, part: str) -> str:
    return f".tile:nth-of-type({number}) {part}"


_TILES = ("visitors", "revenue", "open_tickets", "response_min")
TILES = Make(
    name="tiles",
    group="branch",
    task="Give this week's visitors, revenue in pounds, open tickets and response time in minutes of a branch",
    code="""\
import re
from datetime import datetime


async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["branch"], exact=True).click()
    await page.locator(".tile").first.wait_for()
    shown = await page.locator(".tile b").all_inner_texts()
    numbers = [float(re.search(r"\\d[\\d,]*(\\.\\d+)?", text)[0].replace(",", "")) for text in shown]
    as_of = datetime.strptime(await page.locator(".asof").inner_text(), "%d %B %Y").date()
    return {
        "visitors": int(numbers[0]),
        "revenue": numbers[1],
        "open_tickets": int(numbers[2]),
        "response_min": numbers[3],
        "as_of": as_of.isoformat(),
    }
""",
    parameters=({"branch": "North Quay"}, {"branch": "South Gate"}),
    marks=Marks(
        name="visitors",
        fields={**{name: _tile(at + 1, "b") for at, name in enumerate(_TILES)}, "as_of": ".asof"},
        labels={name: _tile(at + 1, "h3") for at, name in enumerate(_TILES)},
        roles={"money": "revenue", "measure": "response_min", "number": "visitors", "date": "as_of"},
        heading="h1, title",
        goods=False,
        another=lambda target: "/b/mill" if target.startswith("/b/") else None,
        listed=False,
    ),
    rows=_branches,
    render=_dashboard,
    truth=lambda asked, rows: next(
        {**{name: row[name] for name in _TILES}, "as_of": row["as_of"].isoformat()}
        for row in rows
        if row["branch"] == asked["branch"]
    ),
)

_AIRPORTS = {"LBA": "Leeds Bradford", "HUY": "Humberside", "MME": "Teesside"}
_CITIES = (
    "Oslo",
    "Malaga",
    "Dublin",
    "Faro",
    "Gdansk",
    "Nice",
    "Bergen",
    "Rome",
    "Krakow",
    "Paris",
    "Alicante",
    "Riga",
)


def _flights(day: int) -> Rows:
    return [
        {
            "airport": code,
            "flight": f"{('KX', 'RV', 'TQ')[number % 3]}{210 + 13 * number + 3 * place}",
            "to": city,
            "departs": f"{6 + number:02}:{chance('minute', code, city).randrange(0, 60, 5):02}",
            "delay_min": chance("delay", code, city, day).choice((0, 0, 0, 5, 10, 20, 35)),
            "boarding": chance("boarding", code, city, day).random() < 0.4,
            "fare": round(24 + chance("fare", code, city, moved(day, code, city)).randrange(180) + 0.99, 2),
        }
        for place, code in enumerate(_AIRPORTS)
        for number, city in enumerate(_CITIES)
        if listed(day, code, city)
    ]


_BOARD = """<h1 id="where">Departures</h1>
<label>Airport <select id="airport"><option value="">Choose</option>{options}</select></label>
<p id="total"></p>
<table><thead>
<tr><th>Flight</th><th>To</th><th>Departs</th><th>Delay (min)</th><th>Boarding</th><th>Fare (£)</th></tr></thead>
<tbody id="rows"></tbody></table>
<script>
const box = document.querySelector("#airport");
box.addEventListener("change", async () => {{
  const answer = await fetch("/api/departures?airport=" + box.value);
  const data = await answer.json();
  document.querySelector("#where").textContent = "Departures from " + data.airport;
  document.querySelector("#total").textContent = data.total + " flights";
  document.querySelector("#rows").replaceChildren(...data.flights.map(flight => {{
    const row = document.createElement("tr");
    for (const key of ["flight", "to", "departs", "delay", "gate", "fare"]) {{
      const cell = document.createElement("td");
      cell.textContent = flight[key];
      row.append(cell);
    }}
    return row;
  }}));
  document.body.dataset.loaded = box.value;
}});
</script>"""


def _departures(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    if path == "/":
        options = "".join(f'<option value="{code}">{name}</option>' for code, name in _AIRPORTS.items())
        return html("Departures", _BOARD.format(options=options))
    if path != "/api/departures":
        return missing()
    shown = [row for row in rows if query.get("airport", "") in (row["airport"], "")]
    flights = [
        {
            "flight": row["flight"], "to": row["to"], "departs": row["departs"], "delay": row["delay_min"],
            "gate": "Boarding" if row["boarding"] else "Closed", "fare": f"{row['fare']:.2f}",
        }
        for row in shown
    ]  # fmt: skip
    name = _AIRPORTS.get(query.get("airport", ""), "all airports")
    return as_json({"airport": name, "total": len(flights), "flights": flights})


_FLIGHT_FIELDS = ("flight", "to", "departs", "delay_min", "boarding", "fare")
FLIGHTS = Make(
    name="flights",
    group="airport",
    task="List the departures of an airport with flight, destination, time, delay in minutes, boarding, fare in pounds",
    code='''\
async def run(page, parameters, task):
    await page.get_by_label("Airport").select_option(label=parameters["airport"])
    await page.locator("body[data-loaded]").wait_for()
    rows = await page.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return [
        {
            "flight": cells[0],
            "to": cells[1],
            "departs": cells[2],
            "delay_min": int(cells[3]),
            "boarding": cells[4] != "Closed",
            "fare": float(cells[5]),
        }
        for cells in rows
    ]
''',
    parameters=({"airport": "Leeds Bradford"}, {"airport": "Humberside"}),
    marks=Marks(
        items="#rows tr",
        name="flight",
        fields={"flight": "flight", "to": "to", "departs": "departs", "delay_min": "delay", "boarding": "gate",
                "fare": "fare"},
        labels={name: f"thead th:nth-of-type({at + 1})" for at, name in enumerate(_FLIGHT_FIELDS)},
        roles={"money": "fare", "measure": "delay_min", "clock": "departs", "flag": "boarding", "text": "to"},
        heading="h1",
        contrary=("Closed", "Not yet open"),
        filtered=lambda target: "/api/departures" if target.startswith("/api/") else None,
        another=lambda target: "/api/departures?airport=MME" if target.startswith("/api/") else None,
    ),
    rows=_flights,
    render=_departures,
    truth=lambda asked, rows: [
        {name: row[name] for name in _FLIGHT_FIELDS} for row in rows if _AIRPORTS[row["airport"]] == asked["airport"]
    ],
)  # fmt: skip
