"""The site of a trial: a fixture site that is served for it, or any other, behind the proxy that changes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from engine.errors import InvalidRequest
from engine.studies.judging import known_truth
from engine.studies.references import resolve
from engine.studies.spec import Case, Variant

# By name, because the drift bench is built upon the engine, and this room is below it.
_DRIFT = "engine.testing.drift"
_LISTS = ("MUTATIONS", "MEANINGS", "HARMLESS", "HELD_OUT_MEANINGS", "LATER_HELD_OUT_MEANINGS")


@dataclass
class StudySite:
    """A task's site, which takes on one variant at a time.

    Args:
        case: The task.
        home: The directory in which modules are looked for.
        server: The fixture site; None for another.
        proxy: The proxy in front of it; None where no variant has a mutation.
    """

    case: Case
    home: Path
    server: Any = None
    proxy: Any = None
    _variant: Variant | None = None
    _mutation: Any = None

    def change(self, variant: Variant | None) -> None:
        """Let the site be as in a variant; None for as it was at first."""
        self._variant = variant
        self._mutation = mutation(variant, self.home) if variant is not None else None
        if self.proxy is not None:
            self.proxy.mutation = self._mutation
        if self.server is not None:
            self.server.version = (variant.version if variant is not None else None) or self.server.site.versions[0]
            self.server.seed = self._seed

    @property
    def _seed(self) -> int:
        return (self._variant.seed if self._variant is not None else None) or 0

    @property
    def start_url(self) -> str:
        """The address that a run begins at."""
        if self._variant is not None and self.case.id in self._variant.start_urls:
            return self._variant.start_urls[self.case.id]
        if self.proxy is None:
            return self._own_url
        parts = urlsplit(self._own_url)
        return f"{str(self.proxy.url).rstrip('/')}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    @property
    def _own_url(self) -> str:
        return self.case.start_url or urljoin(str(self.server.url), self.case.start_path)

    @property
    def was_changed(self) -> bool:
        """True unless a mutation has found nothing to change since it was set."""
        return self._mutation is None or bool(self.proxy.changed)

    def truth(self) -> Any:
        """Return the right output on the site as it is now."""
        right = known_truth(self.case, self._seed)
        if self._mutation is None or self._mutation.truth is None or right is None:
            return right
        return self._mutation.truth(right, _layout(self.case, self.home))


@contextmanager
def open_site(case: Case, variants: Sequence[Variant], home: Path) -> Iterator[StudySite]:
    """Serve what the trials of a task need; it blocks for a moment."""
    with ExitStack() as stack:
        site = StudySite(case, home)
        if case.site is not None:
            site.server = stack.enter_context(resolve("engine.fixtures_sites:serve", field="site")(case.site))
        if any(variant.mutation for variant in variants):
            make = resolve(f"{_DRIFT}:DriftProxy", field="variants")
            site.proxy = stack.enter_context(make(site.start_url, _layout(case, home)))
        yield site


def mutation(variant: Variant, home: Path) -> Any:
    """Return the mutation of a variant; None where it has none.

    Raises:
        InvalidRequest: There is no such mutation, or packages of the extra ``testing`` are missing.
    """
    if variant.mutation is None:
        return None
    if ":" in variant.mutation:
        return resolve(variant.mutation, home, field="mutation")
    known = {each.name: each for name in reversed(_LISTS) for each in resolve(f"{_DRIFT}:{name}", field="mutation")}
    if variant.mutation not in known:
        raise InvalidRequest(
            f"there is no mutation {variant.mutation!r}; there are {', '.join(sorted(known))}", field="mutation"
        )
    return known[variant.mutation]


def _layout(case: Case, home: Path) -> Any:
    if case.layout is not None:
        return resolve(case.layout, home, field="layout")
    return resolve(f"{_DRIFT}:Layout", field="layout")()
