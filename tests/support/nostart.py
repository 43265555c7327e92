"""A short recorded first run, without a start URL: the names of the misbehaving site's products."""

from __future__ import annotations

from typing import Any

from engine.models.recorded import RecordedModel
from tests.support.paths import RECORDINGS


def recorded(url: str) -> RecordedModel:
    """Return the recorded model, for the site at this address."""
    return RecordedModel(RECORDINGS / "nostart.explore.jsonl", substitutions={"site": url.rstrip("/")})


def request(url: str) -> dict[str, Any]:
    """Return the arguments of the run."""
    origin = url.rstrip("/")
    return {"task": f"List the names of the products at {origin}/list", "allow_hosts": [origin]}
