"""Forged answers of a worker, each of which is a `ProtocolError` and no other error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sandbox import Host, SandboxLimits
from sandbox.egress.proxy import EgressProxy
from sandbox.protocol import ProtocolError, parse_message
from sandbox.workers import parse
from sandbox.workers.downloads import Downloads

LISTS = (
    "documents",
    "answers",
    "next_controls",
    "counts",
    "state_changing",
    "logins",
    "agreements",
    "background",
    "own_signatures",
    "change_signatures",
    "failed_origins",
    "empty",
    "messages",
    "landmarks",
    "groups",
    "inputs",
    "notices",
    "alerts",
)
SEEN: dict[str, Any] = {"url": "", "title": "", "text": ""} | {name: [] for name in LISTS}
STEP = {"output": "", "error": None, "url": "", "title": "", "seconds": 1.5, "parts": [], "notices": []}
ERROR = {"kind": "script", "type": "E", "message": "", "traceback": "", "line": 1}
HUGE = 10**400
PARSERS: dict[str, Callable[[Any], Any]] = {
    "evidence": lambda data: parse.evidence(data, EgressProxy()),
    "execution": parse.execution,
    "script_error": parse.script_error,
    "snapshot": parse.snapshot,
    "locators": lambda data: parse.locators(data, ["e1"]),
}


@pytest.mark.parametrize(
    ("parser", "good", "forged"),
    [
        *(("evidence", SEEN, {"screenshot": text}) for text in ("é", "a", "a===", "\x00", 1)),
        *(
            ("evidence", SEEN, {"failed_document": [url, ""]})
            for url in ("http://[", "http://a:99999", "http://a:x", 1)
        ),
        *(("evidence", SEEN, {"status": number}) for number in (HUGE, -1, 1.5, True, "200")),
        *(("evidence", SEEN, {name: [["a", HUGE]]}) for name in ("documents", "answers", "counts", "groups")),
        *(("evidence", SEEN, {name: [["a", True]]}) for name in ("documents", "answers", "counts", "groups")),
        *(("evidence", SEEN, {name: {}}) for name in ("documents", "counts", "empty", "messages", "landmarks")),
        *(("execution", STEP, {"seconds": value}) for value in (HUGE, -1, True, "1", None, [])),
        *(("execution", STEP, {"parts": value}) for value in ([1], [-1], [1, -1], ["a"], [True], {}, None)),
        *(("script_error", ERROR, {"line": value}) for value in (HUGE, -1, True, 1.5)),
        *(("script_error", ERROR, {"kind": value}) for value in ([], {}, "other", HUGE)),
        ("snapshot", {}, {"hints": [[1, 2]]}),
        ("locators", {}, {"e1": ["a"]}),
    ],
)
def test_forged_answers_are_protocol_errors(parser: str, good: Any, forged: dict[str, Any]) -> None:
    if good:
        PARSERS[parser](good)
    with pytest.raises(ProtocolError):
        PARSERS[parser]({**good, **forged})


class Taking(Host):
    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        size = sum([len(chunk) async for chunk in chunks])
        await asyncio.sleep(0.01)
        return {"size": size}


@pytest.mark.parametrize(
    "fields",
    [
        *({"t": "chunk", "stream": stream, "data": ""} for stream in ([], {}, "1", None, 2, HUGE, 1.0, True)),
        *({"t": "chunk", "stream": 1, "data": data} for data in ("é", "a", "a===", "\x00", 1, None)),
        *({"t": "downloaded", "stream": stream} for stream in ([], {}, "1", None, 2, HUGE, 1.0, True)),
    ],
)
async def test_forged_downloads_are_protocol_errors(fields: dict[str, Any]) -> None:
    downloads = Downloads(Taking(), SandboxLimits())
    assert downloads.begin({"t": "download", "name": "a", "type": "b"}) == 1
    with pytest.raises(ProtocolError):
        await (downloads.chunk if fields["t"] == "chunk" else downloads.end)(fields)
    downloads.close()


async def test_a_download_that_ends_twice_is_a_protocol_error() -> None:
    downloads = Downloads(Taking(), SandboxLimits())
    end = {"t": "downloaded", "stream": downloads.begin({"t": "download", "name": "a", "type": "b"})}
    await downloads.chunk({"t": "chunk", "stream": 1, "data": "aGk="})
    first, second = await asyncio.gather(downloads.end(end), downloads.end(end), return_exceptions=True)
    assert first == {"size": 2}
    assert isinstance(second, ProtocolError)


@pytest.mark.parametrize("id_", [HUGE, True, -1, None, 1.0, []])
def test_forged_message_ids_are_protocol_errors(id_: Any) -> None:
    line = json.dumps({"t": "gate", "id": id_}).encode()
    with pytest.raises(ProtocolError):
        parse_message(line)
