from __future__ import annotations

import pytest

from engine.diagnosis.private_backends import private_backend
from engine.diagnosis.triage import site_cause
from sandbox import Evidence

REFUSED = "policy: 127.0.0.1 is not a public address"


@pytest.mark.parametrize(
    ("start", "origins"),
    [
        ("http://127.0.0.1:3000/", ["http://127.0.0.1:4000"]),
        ("http://localhost:3000/", ["http://127.0.0.1:4000"]),
        ("http://intranet/", ["http://127.0.0.1:4000"]),
        ("http://app.corp/", ["http://127.0.0.1:4000"]),
        ("https://shop.example.com/", None),
        ("http://93.184.216.34/", None),
    ],
)
def test_only_a_private_page_has_private_backends(start: str, origins: list[str] | None) -> None:
    page = Evidence(refused=(("127.0.0.1:4000", REFUSED),), failed_origins=("http://127.0.0.1:4000", "http://x.test"))
    cause = private_backend(page, start)
    assert (cause.details["allow_hosts"] if cause is not None else None) == origins


def test_page_that_leads_to_another_private_origin_names_it() -> None:
    page = Evidence(refused=(("localhost:4000", REFUSED),), main_refused=REFUSED)
    cause = site_cause(None, page, start_url="http://localhost:3000/")
    assert cause is not None
    assert (cause.reason, cause.details["allow_hosts"]) == ("host-not-allowed", ["http://localhost:4000"])
    public = site_cause(None, page, start_url="https://shop.example.com/")
    assert public is not None
    assert "allow_hosts" not in public.details


@pytest.mark.parametrize(
    "page",
    [
        Evidence(refused=(("127.0.0.1:4000", REFUSED),)),  # an image, or the socket of a development server
        Evidence(refused=(("cdn.test:80", "dns"),), failed_origins=("http://cdn.test",)),
        Evidence(
            refused=(("169.254.169.254:80", "policy: 169.254.169.254 is not a public address"),),
            failed_origins=("http://169.254.169.254",),
        ),
    ],
)
def test_what_no_page_needs_is_never_offered(page: Evidence) -> None:
    assert private_backend(page, "http://127.0.0.1:3000/") is None
