"""Bundles put into a store by hand, for tests of what happens to saved code."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import BrowserOptions
from engine.bundles import Bundle, BundleMeta, BundleStore, Revision
from engine.bundles.matching import parameter_types
from tests.support.paths import DRIVER_CACHE

TASK = "Take down what the page says"

# A first commit starts git two dozen times, and hundreds of tests begin with one: each is made once and copied.
_made: dict[str, tuple[Path, Revision]] = {}


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
    """Commit code under a key, as if a model had written it."""
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
    _share_driver_cache(store)
    target = store / "default" / "bundles" / key
    if target.exists() or not key.isalnum() or not key.islower():  # another commit, or a directory of another name
        return BundleStore(store / "default").commit(key, bundle, subject="Saved by hand")
    known = repr((key, code, parameters, contract, start_url, effects, schema, hosts))
    if known not in _made:
        template = Path(tempfile.mkdtemp(prefix="saved-"))
        atexit.register(shutil.rmtree, template, ignore_errors=True)
        revision = BundleStore(template / "default").commit(key, bundle, subject="Saved by hand")
        _made[known] = template / "default" / "bundles" / key, revision
    made, revision = _made[known]
    shutil.copytree(made, target, symlinks=True)
    return revision


def _share_driver_cache(store: Path) -> None:
    """Let engines of all test stores have the driver's code compiled once, beside the driver."""
    link = store / ".cache"
    if DRIVER_CACHE.parent.is_dir() and not link.exists():
        DRIVER_CACHE.mkdir(exist_ok=True)
        store.mkdir(parents=True, exist_ok=True)
        link.symlink_to(DRIVER_CACHE)
