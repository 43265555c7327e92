"""Values that stand on several pages of a run: they were read from the last of those."""

from __future__ import annotations

from typing import Any

from engine.contract import Observed
from engine.contract.provenance import check_signature, learn_signature
from sandbox import Evidence
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
