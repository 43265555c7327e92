"""Replays of automations that are plain files, from what was recorded with each: for ``webtasks check`` and for CI.

The files count as they are, committed or not. Each key is replayed with the parameters in its ``checks.json``, a list
of objects with ``parameters`` and perhaps ``start_url``; without the file once, without parameters.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.bundles import Bundle, PlainBundles
from engine.bundles.plain import RECORDING
from engine.errors import EngineError, InvalidRequest

if TYPE_CHECKING:
    from engine.api.async_engine import AsyncEngine

CHECKS = "checks.json"
"""The file beside a bundle's own that has the parameters to check it with."""

Mode = Literal["replay", "live", "record"]
"""``replay`` plays the recordings, without a network; ``live`` asks the sites; ``record`` does, and records them."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The replay of one key with one set of parameters.

    Args:
        key: The reuse key; of a directory that no key has, its name.
        parameters: Its parameters, without secrets.
        ok: True where the result was good.
        rows: The number of rows of a list.
        seconds: Its time.
        reason: The reason of a failure, as in ``result.error.reason``.
        message: What happened and what to do.
    """

    key: str
    parameters: Mapping[str, Any]
    ok: bool
    rows: int | None = None
    seconds: float = 0.0
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class CheckedParameters:
    """One set of parameters to check a key with.

    Args:
        parameters: All that are not secret.
        start_url: The page to begin at; default: that of the bundle.
    """

    parameters: Mapping[str, Any]
    start_url: str | None = None


async def check_bundles(
    directory: Path,
    keys: Sequence[str] = (),
    *,
    open_engine: Callable[..., AsyncEngine],
    mode: Mode = "replay",
    given: CheckedParameters | None = None,
    on_check: Callable[[Check], None] = lambda _: None,
) -> list[Check]:
    """Replay automations that are plain files, and return what became of each.

    No model is asked, but where the recording has its answers to ``task.ask``.

    Args:
        directory: The directory of the automations.
        keys: The keys to check; default all.
        open_engine: Opens an engine with the options that it is called with, such as ``AsyncEngine``.
        mode: Where the answers come from.
        given: Parameters for this once, in place of those in the file; with ``record`` they go into the file.
        on_check: Called after each replay.

    Raises:
        InvalidRequest: There is no such directory or key, or a file of parameters cannot be read.
    """
    plain = PlainBundles(directory, committed=False)
    if unknown := sorted(set(keys) - set(plain.keys())):
        raise InvalidRequest(
            f"{directory} has no automation of the key {unknown[0]!r}; it has {', '.join(plain.keys()) or 'none'}",
            field="key",
        )
    found: list[Check] = []

    def note(check: Check) -> None:
        found.append(check)
        on_check(check)

    for name in [] if keys else plain.unusable_names():
        note(_failed(name, "name", f"{directory / name} is named as no key's directory: rename it"))
    with tempfile.TemporaryDirectory(prefix="webtasks-check-") as store:
        for number, key in enumerate(keys or plain.keys()):
            sets = [given] if given is not None else checked_parameters(plain.path(key))
            if mode == "record" and given is not None:
                text = json.dumps([{"parameters": given.parameters} | _url(given)], indent=2, ensure_ascii=False)
                (plain.path(key) / CHECKS).write_text(text + "\n", encoding="utf-8")
            own = {"store": store, "workspace": f"check-{number}"}
            for check in await _check(plain, key, sets, mode, partial(open_engine, **own)):
                note(check)
    return found


def checked_parameters(bundle: Path) -> list[CheckedParameters]:
    """Return the sets of parameters in a bundle's ``checks.json``; one without parameters where there is no file.

    Raises:
        InvalidRequest: The file is malformed.
    """
    file = bundle / CHECKS
    if not file.exists():
        return [CheckedParameters({})]
    try:
        sets = json.loads(file.read_text("utf-8"))
        return [CheckedParameters(dict(each["parameters"]), each.get("start_url")) for each in sets]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidRequest(
            f'{file} must be a list of objects such as {{"parameters": {{"category": "Surveying"}}}}: {error!r}',
            field="checks",
        ) from error


async def _check(
    plain: PlainBundles,
    key: str,
    sets: Sequence[CheckedParameters],
    mode: Mode,
    open_engine: Callable[..., AsyncEngine],
) -> list[Check]:
    recording = plain.path(key) / RECORDING
    if mode == "replay" and not recording.exists():
        told = f"{recording} is not there: record it (--record), or ask the site itself (--live)"
        return [_failed(key, "no-recording", told)]
    cassette = {} if mode == "live" else {mode: recording}
    try:
        bundle = plain.load(key)
        assert bundle is not None, "the key is one of the directory's"
        asks = mode == "replay" and "task.ask(" in bundle.automation
        async with open_engine(bundles=plain, **cassette) as engine:
            return [await _run(engine, key, bundle, each, ai="auto" if asks else "never") for each in sets]
    except EngineError as error:
        return [_failed(key, type(error).__name__, error.message)]


async def _run(
    engine: AsyncEngine, key: str, bundle: Bundle, checked: CheckedParameters, ai: Literal["auto", "never"]
) -> Check:
    secret = {
        name: os.environ.get(f"WEBTASKS_SECRET_{name.upper()}", "not-recorded")
        for name, each in bundle.meta.parameters.items()
        if each.secret and name not in checked.parameters
    }
    began = time.monotonic()
    result = await engine.run(
        reuse_key=key,
        parameters={**checked.parameters, **secret},
        start_url=checked.start_url,
        secrets=list(secret),
        ai=ai,
    )
    check = Check(
        key=key,
        parameters=checked.parameters,
        ok=result.ok,
        rows=len(result.output) if result.ok and isinstance(result.output, list) else None,
        seconds=time.monotonic() - began,
    )
    if result.error is None:
        return check
    return replace(check, reason=result.error.reason, message=result.error.message)


def _failed(key: str, reason: str, message: str) -> Check:
    return Check(key=key, parameters={}, ok=False, reason=reason, message=message)


def _url(checked: CheckedParameters) -> dict[str, str]:
    return {"start_url": checked.start_url} if checked.start_url is not None else {}
