"""Bundles put into a store by hand, for tests of what happens to saved code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import BrowserOptions
from engine.bundles import Bundle, BundleMeta, BundleStore, Revision
from engine.bundles.matching import parameter_types

TASK = "Take down what the page says"


def save(
    store: Path,
    key: str,
    code: str,
    *,
    parameters: dict[str, Any] | None = None,
    contract: dict[str, Any] | None = None,
    start_url: str | None = None,
    effects: Any = "read",
    schema: dict[str, Any] | None = None,
    hosts: tuple[str, ...] = (),
    browser: BrowserOptions | None = None,
) -> Revision:
    """Commits code under a key, as if a model had written it."""
    meta = BundleMeta(
        reuse_key=key,
        tasks=(TASK,),
        parameters=parameter_types(parameters or {}, ()),
        output_schema=schema,
        schema_inferred=True,
        start_url=start_url,
        allowed_hosts=hosts,
        effects=effects,
        browser=browser or BrowserOptions(),
        created_at=datetime.now(UTC),
    )
    bundle = Bundle(meta=meta, automation=code, contract=contract or {}, notes="", resources={}, revision=None)
    return BundleStore(store / "default").commit(key, bundle, subject="Saved by hand")
