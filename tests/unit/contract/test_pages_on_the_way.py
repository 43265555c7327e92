"""Values that stand on several pages of a run: they were read from the last of those."""

from __future__ import annotations

from typing import Any

from engine.contract import Observed
from engine.contract.provenance import check_signature, learn_signature
from sandbox import Evidence
from sandbox.page_map import PageMap
from tests.support.maps import Sheet

TASK = "List the products of the category with name and price in pounds."
GOODS = {"lamps": ("Alba", "Birk", "Cato", "Dune"), "clocks": ("Elva", "Faro", "Gila", "Hovden")}
ALL = [(name, f"£{20 + 3 * at}.50") for at, name in enumerate(name for names in GOODS.values() for name in names)]


def run(category: str, *, said: str = "", price: str = "£") -> Observed:
    """Return a run that came by a page of all products to those of a category."""
    start = Sheet("https://shop.example/").heading("All products").cards(ALL)
    rows = [card for card in ALL if card[0] in GOODS[category]]
    shelf = Sheet(f"https://shop.example/c/{category}").heading(category.title())
    if said:
        shelf.heading(said, level=2)
    shelf.cards([(name, text.replace("£", price)) for name, text in rows])
    output = [{"name": name, "price": float(text[1:])} for name, text in rows]
    return Observed(output, Evidence(maps=(start.map(), shelf.map())), None, {"category": category})


def thing(name: str, *, term: str = "Price") -> Observed:
    """Return a run that came by the list of all to the page of one."""
    price = dict(ALL)[name]
    start = Sheet("https://shop.example/").heading("All products").cards(ALL)
    page = Sheet(f"https://shop.example/p/{name}").heading(name).facts([(term, price)])
    output = {"name": name, "price": float(price[1:])}
    return Observed(output, Evidence(maps=(start.map(), page.map())), None, {"product": name})


def told(signature: dict[str, Any], found: Observed) -> list[tuple[str, str]]:
    return [(b.severity, b.kind) for b in check_signature(signature, found) if b.severity != "advisory"]


def test_a_list_is_held_against_its_own_page_and_not_that_of_all() -> None:
    signature = learn_signature([run("lamps"), run("clocks")], TASK)
    assert told(signature, run("clocks")) == []
    assert told(signature, run("lamps", said="Most popular")) == [("doubtful", "heading")]
    assert ("structural", "wording") in told(signature, run("lamps", price="€"))


def test_a_single_thing_is_held_against_its_own_page_and_not_the_list_before_it() -> None:
    signature = learn_signature([thing("Alba"), thing("Faro")], "Give name and price in pounds of a product.")
    assert told(signature, thing("Gila")) == []
    assert told(signature, thing("Gila", term="Price per month")) == [("structural", "label")]


def saved(*titles: str, mapped: bool = True) -> Observed:
    """Return a run that saved a file for each row, which the site names otherwise than its address does."""
    page = Sheet("https://shop.example/reports").heading("Reports")
    addresses = [f"/files/{number}" for number in range(len(titles))]
    page.cards([[title] for title in titles], addresses)
    files = [PageMap(kind="file", url=f"https://shop.example{address}", content="csv") for address in addresses]
    output = [
        {
            "title": title,
            "file": {"name": f"{title}.csv", "sha256": f"{at:064}", "size": 40, "content_type": "text/csv"},
        }
        for at, title in enumerate(titles)
    ]
    answers = tuple((f"https://shop.example{address}", 200) for address in addresses)
    maps = (*(files if mapped else ()), page.map())
    return Observed(output, Evidence(maps=maps, answers=answers), None, {})


def test_files_that_the_site_names_otherwise_leave_the_page_what_was_read() -> None:
    signature = learn_signature([saved("Parks", "Roads", "Trees"), saved("Lakes", "Mills", "Ports")], "List reports.")
    assert signature["runs"] == 2
    assert told(signature, saved("P***", "R***", "T***")) == [("doubtful", "mark")]
    assert learn_signature([saved("Parks", "Roads", "Trees", mapped=False)], "List reports.")["runs"] == 0


def test_a_single_thing_that_is_shown_in_part_only_is_asked_about() -> None:
    signature = learn_signature([thing("Alba"), thing("Faro")], "Give name and price in pounds of a product.")
    page = Sheet("https://shop.example/p/Gila").heading("G***").facts([("Price", "£38.50")])
    run = Observed({"name": "G***", "price": 38.5}, Evidence(maps=(page.map(),)), None, {})
    assert ("doubtful", "mark") in told(signature, run)
    archived = Sheet("https://shop.example/p/Gila").heading("Archived").facts([("Price", "£38.50")])
    run = Observed({"name": "Archived", "price": 38.5}, Evidence(maps=(archived.map(),)), None, {})
    assert ("doubtful", "mark") not in told(signature, run)


def article(name: str, state: str, *, line: str = "", items: int = 1) -> Observed:
    """Return a run that read a page whose content is one article, as applications make it."""
    page = Sheet(f"https://shop.example/p/{name}")
    item = page.item(page.container(items), 0)
    page.text(name, path=">article>h1", item=item)
    if line:
        page.text(line, path=">article", item=item)
    page.text(state, path=">article>b", item=item)
    page.text(state, path=">article>table>tr>td", label="Availability", item=item)
    page.text("£38.50", path=">article>table>tr>td", label="Price", item=item)
    output = {"name": name, "price": 38.5, "available": state == "In stock"}
    return Observed(output, Evidence(maps=(page.map(),)), None, {"product": name})


def test_a_line_in_the_one_article_of_a_page_is_read_as_one_of_the_page() -> None:
    line = "No longer made. Shown below: its successor, Model X2."
    signature = learn_signature([article("Alba", "In stock"), article("Faro", "In stock")], "Give name and state.")
    assert told(signature, article("Gila", "In stock")) == []
    assert ("doubtful", "instead") in told(signature, article("Gila", "In stock", line=line))
    assert ("doubtful", "instead") not in told(signature, article("Gila", "In stock", line=line, items=3))
    assert ("doubtful", "instead") not in told(signature, article("Gila", "Unavailable")), "a value of the page"
