"""Tasks in the JSON form of each route family."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.errors import TaskFailed
from engine.server.files import FileLinks
from engine.storage.result_files import KEPT
from engine.task.outputs import FileResult
from engine.task.wire import TaskResult


async def web_task(task: TaskResult, links: FileLinks) -> dict[str, Any]:
    """Serialize a task for the web-task routes, with signed URLs for its files."""
    return await asyncio.to_thread(_web_task, task, links)


async def run(task: TaskResult, links: FileLinks, *, whole: bool) -> dict[str, Any]:
    """Serialize a task for the run routes, with its bare output as the result.

    Args:
        whole: Include the output even if it is large.
    """
    return await asyncio.to_thread(_run, task, links, whole)


def _web_task(task: TaskResult, links: FileLinks) -> dict[str, Any]:
    data = task.to_wire()
    if (reuse := data.get("reuse")) is not None:  # the public clients differ in their spelling
        reuse |= {"revision_id": reuse["revisionId"], "revision_timestamp": reuse["revisionTimestamp"]}
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


def _run(task: TaskResult, links: FileLinks, whole: bool) -> dict[str, Any]:
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


def _linked(file: dict[str, Any], links: FileLinks) -> dict[str, Any]:
    """Return a stored file with its signed URL, and with its size as the server sends it."""
    path = Path(unquote(urlsplit(file["url"]).path)).resolve()
    if not path.is_relative_to(links.root):  # the store was moved since the result was written
        path = links.root.joinpath(*path.parts[-3:])
    expires = _stamp(datetime.fromisoformat(file["expiresAt"]))
    content = links.content(path, expires) if path.is_file() else None
    size = file["sizeBytes"] if content is None else len(content)
    return file | {"url": links.url(path, expires), "sizeBytes": size}


def _expiry(task: TaskResult) -> int:
    """Return the time when the files of a task are deleted, in seconds since the epoch."""
    if isinstance(task.result, FileResult):
        return _stamp(task.result.file.expires_at)
    return _stamp((task.completed_at or task.created_at) + KEPT)


def _stamp(time: datetime) -> int:
    return int(time.timestamp())
