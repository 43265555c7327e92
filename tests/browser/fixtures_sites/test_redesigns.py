"""The redesigns: v2 of each site shares no class, no id and no order of elements with v1."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from fixtures_sites import FixtureServer
from fixtures_sites.directory.data import ENTRIES
from fixtures_sites.ledger.data import PASSWORD, USER

ENTRY = f"entry/7-{ENTRIES[6].slug}"
PATHS = {
    "archive": (["", "reports/2024"], ["", "?y=2024"]),
    "directory": (["", "?category=thatching", ENTRY], ["", "?category=thatching", ENTRY]),
    "feed": (["", "?topic=classifieds", "story/3"], ["", "#classifieds", "read/3"]),
    "form": (["", "apply/contact", "status"], ["", "permit/car", "track"]),
    "ledger": (["login", "invoices", "invoices?status=void"], ["login", "invoices", "invoices?state=void"]),
    "misbehaving": (["list", "list?state=empty"], ["list", "list?state=empty"]),
}
WALK = """() => {
    const names = new Set(), tags = [];
    const walk = root => root.querySelectorAll('*').forEach(element => {
        element.classList.forEach(name => names.add('.' + name));
        if (element.id) names.add('#' + element.id);
        if (element.shadowRoot) walk(element.shadowRoot);
    });
    walk(document);
    for (const element of document.body.children) tags.push(element.localName);
    return [[...names], tags.join(' ')];
}"""


@pytest.mark.parametrize("name", PATHS)
def test_redesign_shares_no_class_id_or_order(open_site: Callable[..., FixtureServer], page: Page, name: str) -> None:
    site = open_site(name)
    names: dict[str, set[str]] = {"v1": set(), "v2": set()}
    orders: dict[str, set[str]] = {"v1": set(), "v2": set()}
    if name == "ledger":
        page.request.post(f"{site.url}login", form={"user": USER, "password": PASSWORD})
    for version, paths in zip(names, PATHS[name], strict=True):
        site.version = version
        for path in paths:
            page.goto("about:blank")  # a change of the fragment alone would load nothing
            page.goto(site.url + path, wait_until="networkidle")
            found, tags = page.evaluate(WALK)
            names[version] |= set(found)
            orders[version].add(tags)

    assert len(names["v1"]) > 10
    assert len(names["v2"]) > 10
    assert names["v1"] & names["v2"] == set()
    assert orders["v1"] & orders["v2"] == set()
