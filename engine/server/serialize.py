"""Tasks as the two route families tell them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.errors import TaskFailed
from engine.server.files import Links
from engine.storage.result_files import KEPT
from engine.task.wire import FileResult, TaskResult


async def web_task(task: TaskResult, links: Links) -> dict[str, Any]:
    """A task of the first family, its files as signed URLs."""
    return await asyncio.to_thread(_web_task, task, links)


async def run(task: TaskResult, links: Links, *, whole: bool) -> dict[str, Any]:
    """A run of the second family: its result is the bare value.

    Args:
        whole: Also where it is large.
    """
    return await asyncio.to_thread(_run, task, links, whole)


def _web_task(task: TaskResult, links: Links) -> dict[str, Any]:
    data = task.to_wire()
    if task.result is None:
        return data
    if isinstance(task.result, FileResult):
        for form in ("file", "csv"):
            if form in data["result"]:
                data["result"][form] = _linked(data["result"][form], links)
        if "sample" in data["result"].get("preview", {}):
            expires = _stamp(task.result.file.expires_at)
            sample = links.attachments(data["result"]["preview"]["sample"], task.web_task_id, expires)
            data["result"]["preview"]["sample"] = sample
    else:
        data["result"]["data"] = links.attachments(data["result"]["data"], task.web_task_id, _expiry(task))
    return data


def _run(task: TaskResult, links: Links, whole: bool) -> dict[str, Any]:
    data = _web_task(task, links)
    data = {"id": data.pop("webTaskId"), **data}
    if reuse := data.pop("reuse", None):
        data["skillet"] = {"id": reuse["key"], **reuse}
    result = data.pop("result", None)
    if result is None:
        return data
    if result["type"] == "inline":
        data["result"] = result["data"]
        return data
    data["resultFile"] = result["file"]
    if whole and task.result is not None:
        try:
            data["result"] = links.attachments(task.result.data, task.web_task_id, _expiry(task))
        except TaskFailed as expired:
            data["warnings"] = [*data.get("warnings", ()), expired.message]
    return data


def _linked(file: dict[str, Any], links: Links) -> dict[str, Any]:
    """A stored file with the URL under which the server hands it out, and the size that it has then."""
    path = Path(unquote(urlsplit(file["url"]).path)).resolve()
    if not path.is_relative_to(links.root):  # the store was moved since
        path = links.root.joinpath(*path.parts[-3:])
    expires = _stamp(datetime.fromisoformat(file["expiresAt"]))
    content = links.content(path, expires) if path.is_file() else None
    size = file["sizeBytes"] if content is None else len(content)
    return file | {"url": links.url(path, expires), "sizeBytes": size}


def _expiry(task: TaskResult) -> int:
    """When the files of a task are swept, in seconds since the epoch."""
    if isinstance(task.result, FileResult):
        return _stamp(task.result.file.expires_at)
    return _stamp((task.completed_at or task.created_at) + KEPT)


def _stamp(time: datetime) -> int:
    return int(time.timestamp())
