"""What a worker could say instead of an answer: whatever it is, it is a `ProtocolError` and nothing else."""

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
    "empty",
    "messages",
    "landmarks",
    "groups",
)
SEEN: dict[str, Any] = {"url": "", "title": "", "text": ""} | {name: [] for name in LISTS}
STEP = {"output": "", "error": None, "url": "", "title": "", "seconds": 1.5}
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
        *(("script_error", ERROR, {"line": value}) for value in (HUGE, -1, True, 1.5)),
        *(("script_error", ERROR, {"kind": value}) for value in ([], {}, "other", HUGE)),
        ("snapshot", {}, {"hints": [[1, 2]]}),
        ("locators", {}, {"e1": ["a"]}),
    ],
)
def test_answers(parser: str, good: Any, forged: dict[str, Any]) -> None:
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
async def test_transfers(fields: dict[str, Any]) -> None:
    transfers = Downloads(Taking(), SandboxLimits())
    assert transfers.begin({"t": "download", "name": "a", "type": "b"}) == 1
    with pytest.raises(ProtocolError):
        await (transfers.chunk if fields["t"] == "chunk" else transfers.end)(fields)
    transfers.close()


async def test_the_end_of_a_transfer_told_twice() -> None:
    transfers = Downloads(Taking(), SandboxLimits())
    end = {"t": "downloaded", "stream": transfers.begin({"t": "download", "name": "a", "type": "b"})}
    await transfers.chunk({"t": "chunk", "stream": 1, "data": "aGk="})
    told, again = await asyncio.gather(transfers.end(end), transfers.end(end), return_exceptions=True)
    assert told == {"size": 2}
    assert isinstance(again, ProtocolError)


@pytest.mark.parametrize("id_", [HUGE, True, -1, None, 1.0, []])
def test_numbers_of_messages(id_: Any) -> None:
    line = json.dumps({"t": "gate", "id": id_}).encode()
    with pytest.raises(ProtocolError):
        parse_message(line)
