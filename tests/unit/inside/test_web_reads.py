"""The record of reads and inputs of automations without a browser: maps, elements taken of several, inputs."""

from __future__ import annotations

import json
from typing import Any

from sandbox.inside.run_trace import RunTrace
from sandbox.inside.web_reads import WebReads
from sandbox.page_map import MOST_MAPS, PageMap, parse_maps
from sandbox.web.client import Web
from sandbox.web.transport import WebAnswer
from tests.unit.web.sites import URL, Site, html, redirect, web_on


def site(answers: dict[str, WebAnswer]) -> Site:
    return Site({path: [given] for path, given in answers.items()})


def reads_on(where: Site, parameters: Any = None, *, maps: bool = True) -> tuple[Web, WebReads]:
    reads = WebReads(RunTrace(), parameters or {}, maps=maps)
    return web_on(where, observer=reads), reads


def maps_of(reads: WebReads, web: Web) -> tuple[PageMap, ...]:
    found, broken = parse_maps(reads.evidence(reads.shown(web))["maps"])
    assert not broken
    return found


def answer(text: str, kind: str) -> WebAnswer:
    return WebAnswer(200, (("Content-Type", kind),), text.encode())


async def test_pages_and_data_that_were_read_are_mapped_and_the_last_is_last() -> None:
    rows = json.dumps({"rows": [{"name": "Fig", "price": 3}, {"name": "Pear", "price": 4}]})
    where = site({
        "/": html("<title>One</title><p data-price=7>first"), "/rows": answer(rows, "application/json"),
        "/list.csv": answer("a,b\n1,2\n", "text/csv"), "/unread": html("<p>never"),
        "/2": html("<title>Two</title><p>x"),
    })  # fmt: skip
    web, reads = reads_on(where)
    assert (await web.get("/")).css("p").one["data-price"] == "7"
    (await web.get("/rows")).json()
    assert (await web.get("/list.csv")).text
    await web.get("/unread")
    assert (await web.get("/2")).css("p")
    one, data, lines, two = maps_of(reads, web)
    assert [one.title, two.title] == ["One", "Two"]
    assert "7" in [unit.text for unit in one.units], "an attribute that code reads"
    assert [(data.places[u.place].label, u.text) for u in data.units][:2] == [("name", "Fig"), ("price", "3")]
    assert (data.kind, data.places[0].headings) == ("json", ("rows",))
    assert [unit.text for unit in lines.units] == ["a,b", "1,2"]


async def test_data_in_the_scripts_of_a_page_is_mapped_where_code_reads_it_from_there() -> None:
    page = html('<p>x<script type="application/json" id=rows>{"rows": [{"price": 12.5, "name": "Fig"}]}</script>')
    for read, mapped in ((lambda p: p.embedded(), True), (lambda p: p.source, True), (lambda p: p.css("p"), False)):
        web, reads = reads_on(site({"/": page}))
        read(await web.get("/"))
        kinds = [found.kind for found in maps_of(reads, web)]
        assert ("json" in kinds) is mapped, kinds


async def test_of_many_pages_the_first_the_last_and_some_between_are_mapped() -> None:
    web, reads = reads_on(site({f"/{n}": html(f"<title>{n}</title><p>page {n}") for n in range(41)}))
    for number in range(41):
        assert (await web.get(f"/{number}")).css("p")
    told = reads.evidence(reads.shown(web))
    titles = [found.title for found in parse_maps(told["maps"])[0]]
    assert 6 <= len(titles) <= MOST_MAPS
    assert (titles[0], titles[-1]) == ("0", "40")
    assert told["unmapped"] == 41 - len(titles)


async def test_nothing_is_mapped_where_nobody_asks_for_maps() -> None:
    web, reads = reads_on(site({"/": html("<title>One</title><p>Total: 12 results")}), maps=False)
    assert (await web.get("/")).css("p")
    told = reads.evidence(reads.shown(web))
    assert "maps" not in told
    assert (told["title"], told["counts"]) == ("One", [["12 results", 12]])


async def test_element_that_a_parameter_names_and_that_is_taken_of_several_is_told() -> None:
    page = html("<ul><li><a href=/a>Newport</a><li><a href=/b>Newport Pagnell</a></ul><a href=/c>Leeds</a><b>Leeds</b>")
    web, reads = reads_on(site({"/": page}), {"town": "Newport"})
    read = await web.get("/")
    assert read.link("Newport").first.href == URL + "a"
    assert read.link("Leeds").one
    assert [each.text for each in read.link("Newport")]
    ((locator, used, count, names, parameter, text),) = reads.evidence(read)["ambiguous"]
    assert (locator, used, count) == ("link named 'Newport'", "Newport | /a", 2)
    assert (names, parameter, text) == (["Newport | /a", "Newport Pagnell | /b"], "town", "Newport")


async def test_element_that_is_taken_by_several_positions_is_none_of_several() -> None:
    page = html("<a href=/a>Newport</a><a href=/b>Newport Pagnell</a>")
    web, reads = reads_on(site({"/": page}), {"town": "Newport"})
    read = await web.get("/")
    assert [read.link("Newport")[at].text for at in range(2)]
    assert reads.evidence(read)["ambiguous"] == []


async def test_inputs_are_what_the_code_gave_and_not_what_the_site_did() -> None:
    given = []
    for token, town in (("t1", "Ashby"), ("t2", "Ashby"), ("t3", "Corran")):
        hidden = f"<input type=hidden name=csrf value={token}>"
        options = "<option value=1>Ashby<option value=2>Corran"
        field = f"<label>Town <select name=town>{options}</select></label>"
        form = f"<form method=post action=/find>{hidden}{field}<button>Go</button></form>"
        web, reads = reads_on(
            site({"/": html(form), "/find": redirect(f"/found/{token}"), f"/found/{token}": html("x")})
        )
        page = await web.get("/")
        assert (await page.form("Go").submit({"Town": town})).status == 200
        given.append(set(reads.trace.inputs))
    assert given[0] == given[1]
    assert {kind for kind, _ in given[0] ^ given[2]} == {"sent"}


async def test_page_that_code_did_not_read_is_evidence_where_it_read_none() -> None:
    web, reads = reads_on(site({"/": html("<title>Sorry</title><p role=alert>Closed today")}))
    await web.get("/")
    told = reads.evidence(reads.shown(web))
    assert (told["title"], told["alerts"]) == ("Sorry", ["Closed today"])
    assert [found.title for found in parse_maps(told["maps"])[0]] == ["Sorry"]


async def test_before_an_action_the_page_that_came_last_is_shown_read_or_not() -> None:
    where = site({"/": html("<title>Form</title><p>x"), "/confirm": html("<title>Confirm</title><p>4 March")})
    web, reads = reads_on(where)
    assert (await web.get("/")).css("p")
    await web.get("/confirm")
    shown = [parse_maps([each])[0][0] for each in await reads.of_open_pages(web)]
    assert [page.title for page in shown] == ["Form", "Confirm"]
    assert "4 March" in [unit.text for unit in shown[-1].units]
