"""Mutations on the fixture sites' own pages: each changes something, and those of effect ``same`` keep the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from html import unescape
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from engine.testing import drift
from engine.testing.drift import MUTATIONS, DriftProxy, Layout, Mutation
from engine.testing.heal.sites import LAYOUTS
from fixtures_sites import serve
from fixtures_sites.ledger.data import PASSWORD, USER
from tests.support.serving import refusing

# For each site, two lists and the names of some of their rows.
PAGES = {
    "directory": (("/?category=joinery", "/?category=joinery&page=2"), ["Aldous & Fenn Joinery", "Pennywell Kitchens"]),
    "ledger": (("/invoices", "/invoices?status=overdue&year=&sort=number&dir=asc"), ["BW-2023-0013", "BW-2025-0004"]),
    "archive": (("/reports/2023", "/reports/2024"), ["CWI-2023-01", "CWI-2023-14"]),
    "feed": (("/api/stories?offset=0&topic=harbor", "/api/stories?offset=15&topic=harbor"), ["Dredging of the"]),
    "form": (("/apply/contact",), ["fld_101", "fld_105"]),
}  # fmt: skip


class Visitor:
    """Fetches pages of one site through a proxy, logged in where the site requires it."""

    def __init__(self, name: str, proxy: DriftProxy) -> None:
        self.name, self.proxy = name, proxy
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        if name == "ledger":
            self.get("/login", urlencode({"user": USER, "password": PASSWORD}).encode())

    def get(self, path: str, data: bytes | None = None) -> str:
        try:
            with self.opener.open(urljoin(self.proxy.url, path), data, timeout=20) as response:
                return str(response.read().decode())
        except HTTPError as error:
            with error:
                return f"{error.code} {error.read().decode()}"

    @cached_property
    def undisturbed(self) -> str:
        """All pages without a mutation."""
        self.proxy.mutation = None
        return self.all()

    def all(self) -> str:
        return "\n".join(self.get(path) for path in PAGES[self.name][0])


@pytest.fixture(scope="module")
def visitors() -> Iterator[dict[str, Visitor]]:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve(name)) for name in PAGES}
        servers["feed"].state.delay = 0.0
        proxies = {name: stack.enter_context(DriftProxy(s.url, LAYOUTS[name])) for name, s in servers.items()}
        yield {name: Visitor(name, proxy) for name, proxy in proxies.items()}


def under(mutation: Mutation, visitor: Visitor) -> tuple[str, int]:
    """Return the site's pages under a mutation, and the number of answers that it changed."""
    visitor.proxy.mutation = mutation
    try:
        return visitor.all(), visitor.proxy.changed
    finally:
        visitor.proxy.mutation = None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_each_mutation_changes_some_site_as_its_effect_says(mutation: Mutation, visitors: dict[str, Visitor]) -> None:
    changed = []
    for name, visitor in visitors.items():
        after, count = under(mutation, visitor)
        assert (after != visitor.undisturbed) == (count > 0), "the proxy counts the changed answers"
        changed += [name] * (count > 0)
        if mutation.effect == "same" and count:
            text = unescape(unescape(after))  # a frame's source is escaped twice
            missing = [row for row in PAGES[name][1] if row not in text]
            assert not missing, f"{name} no longer contains {missing}"
    assert changed, "the mutation changes no site"


def test_proxy_without_a_mutation_changes_nothing(visitors: dict[str, Visitor]) -> None:
    for name, visitor in visitors.items():
        pages = visitor.all()
        for path in PAGES[name][0] if name != "ledger" else ():
            with build_opener().open(visitor.proxy.upstream + path, timeout=20) as response:
                assert response.read().decode() in pages


def test_only_mutations_of_a_field_need_a_layout() -> None:
    with serve("archive") as server, DriftProxy(server.url, Layout()) as proxy:
        for mutation in MUTATIONS:
            proxy.mutation = mutation
            Visitor("archive", proxy).get("/reports/2023")
            assert proxy.changed == 0 or not mutation.needs


def test_old_names_still_work_with_a_warning() -> None:
    for old, new in (("LATER", drift.HELD_OUT), ("Proxy", DriftProxy)):
        with pytest.warns(DeprecationWarning, match=f"{old} was renamed"):
            assert getattr(drift, old) is new
    with pytest.raises(AttributeError, match="NoSuchName"):
        drift.NoSuchName  # noqa: B018  the access itself raises


def test_unreachable_site_is_a_bad_gateway(visitors: dict[str, Visitor]) -> None:
    with refusing() as gone, DriftProxy(gone) as proxy, pytest.raises(OSError, match="502"):
        build_opener().open(proxy.url, timeout=20)
