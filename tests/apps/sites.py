"""Opens any site that has a scenario: a fixture site, or Django's admin."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from fixtures_sites import serve
from tests.apps.django_admin import django_admin


class Site(Protocol):
    """The attributes that all sites have."""

    version: str

    @property
    def url(self) -> str: ...


def open_site(name: str, version: str = "v1") -> AbstractContextManager[Site]:
    """Starts the site on a free loopback port."""
    return django_admin(version) if name == "django_admin" else serve(name, version=version)
