"""Acceptance of a result that a person found right: what was in doubt about it is known from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.bundles import Bundle, BundleStore, Revision
from engine.contract import rows, signature_of, widen
from engine.errors import InvalidRequest, TaskNotFound
from engine.storage import kept_reads
from engine.storage.kept_reads import KeptRead
from engine.storage.tasks import TaskRecords

_SEARCHED = 200  # tasks of the key, the last
_MASK = "[secret:"


def accept_result(
    root: Path, store: BundleStore, records: TaskRecords, key: str, task_id: str | None = None
) -> Revision:
    """Widen the contract by a result that was refused, or taken with a warning, and commit that alone; blocks.

    Args:
        root: The workspace's directory.
        task_id: The task; default the key's last that has such a result.

    Raises:
        BundleNotFound: Nothing is saved under the key.
        TaskNotFound: There is no such task.
        InvalidRequest: Nothing waits to be accepted, or not for the code that is saved now.
    """
    with store.lock(key):
        store.recover(key)
        bundle = store.load(key, "HEAD")  # the newest, also where it is a proposal
        if bundle is None:
            raise store.missing(key)
        if store.pinned(key) is not None:
            raise InvalidRequest(f"{key!r} is pinned and is not changed; unpin it first", field="reuse_key")
        task_id, kept = _waiting(root, records, key, task_id)
        _check(store, bundle, task_id, kept)
        observed = kept.observed()
        revision = store.commit(
            key,
            replace(bundle, contract=widen(bundle.contract, observed), revision=None),
            subject="Accept: found right by a person",
            body="\n".join(kept.problems),
            trailers={"Task-Id": task_id, "Reason": "accept"},
        )  # the same revision where the contract admits it already, and only earlier outputs spoke against it
        history = records.run_history
        history.inherit(bundle.committed.id, revision.id, trust=True)
        repeatable = bundle.meta.effects == "read" and rows(kept.output) != 0
        repeatable = repeatable and _MASK not in json.dumps(dict(kept.parameters))
        # A bundle of an earlier version has no signature in its contract.
        signature = None if "provenance" in bundle.contract else signature_of(observed, {})
        good = [kept.parameters] if repeatable else []
        history.clean_run(revision.id, good, None, [observed], 0.0, signature)
        kept_reads.keep(root, task_id, replace(kept, revision=revision.id, problems=()))
        return revision


def _waiting(root: Path, records: TaskRecords, key: str, task_id: str | None) -> tuple[str, KeptRead]:
    """Return the task to accept, and what it read."""
    if task_id is not None and records.task(task_id) is None:
        raise TaskNotFound(task_id)
    for found in [task_id] if task_id is not None else _tasks(records, key):
        kept = kept_reads.load(root, found)
        if kept is not None and kept.key == key and kept.problems:
            return found, kept
    which = f"task {task_id} of {key!r}" if task_id is not None else f"the tasks of {key!r}"
    raise InvalidRequest(
        f"nothing waits to be accepted among {which}: only a result of the last seven days that was refused, or taken"
        ' with trust="lenient", does, and only once',
        field="task_id",
    )


def _tasks(records: TaskRecords, key: str) -> Iterator[str]:
    return (task.web_task_id for task in records.tasks("completed", key, _SEARCHED))


def _check(store: BundleStore, bundle: Bundle, task_id: str, kept: KeptRead) -> None:
    if kept.left:
        raise InvalidRequest(
            f"the result of task {task_id} cannot be accepted, for the page itself speaks against it:"
            f" {'; '.join(kept.left)}",
            field="task_id",
        )
    ran = bundle if bundle.committed.id == kept.revision else store.load(bundle.meta.reuse_key, kept.revision)
    if ran is None or ran.automation != bundle.automation:
        raise InvalidRequest(
            f"the automation is another since task {task_id}: run it again, and accept what that finds",
            field="task_id",
        )
