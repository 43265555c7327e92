"""Ended tasks as the database keeps them: deflated, and what many tasks have in common kept once.

A store takes thousands of replays a day, whose requests and outputs are mostly those of the run before.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.storage.database import dump
from engine.task.wire import Attempt, TaskResult

if TYPE_CHECKING:
    import sqlite3

# What texts of tasks are made of, the most frequent last. Never changed once released: stores are read with it.
_WORDS = (
    b'failed reason message details "model_calls":1,"type":"file","parameters":{},"idempotency_key":null,'
    b'{"type": "automation.log", "message": "irreversible": "warnings":["unproven","suspected","kind":"web",'
    b'{"type": "task.pending", "taskId": "wt_", "time": "2026-11-30T18:00:00.000000+00:00", "task": "", "key": "'
    b'", "parameters": {}}\n{"type": "task.started", "taskId": "wt_", "time": "2026-11-30T18:00:00.000000+00:00"}\n'
    b'{"type": "replay.started", "taskId": "wt_", "time": "2026-11-30T18:00:00.000000+00:00", "revision": "", "kind":'
    b' "page"}\n{"type": "attempt.ended", "taskId": "wt_", "time": "2026-11-30T18:00:00.000000+00:00", "kind":'
    b' "replay", "outcome": "success", "revision": "", "modelCalls": 0, "tokens": {"input": 0, "output": 0,'
    b' "cacheRead": 0, "cacheWrite": 0}, "usd": 0.0, "seconds": 0.}\n{"type": "task.completed", "taskId": "wt_",'
    b' "time": "2026-11-30T18:00:00.000000+00:00", "outcome": "success", "usd": 0.0, "model_calls": 0, "error":'
    b' null}\n{"request":{"parameters":{},"idempotency_key":null},"result":{"web_task_id":"wt_","status":"completed",'
    b'"outcome":"success","created_at":"2026-11-30T18:00:00.000000Z","started_at":"2026-11-30T18:00:00.000000Z",'
    b'"completed_at":"2026-11-30T18:00:00.000000Z","cost":{"ai_usd":0.0,"compute":{"unit":"hours","amount":0.000'
    b'}},"reuse":{"key":"","used":true,"created":false,"updated":false,"revision_id":"","revision_timestamp":'
    b'"2026-11-30T18:00:00Z","kind":"page","trust":"trusted"},"result":{"type":"inline","data":null},"error":null,'
    b'"reuse_key":"","title":null,"queue_position":null,"model_calls":0,"tokens":{"input":0,"output":0,'
    b'"cache_read":0,"cache_write":0},"attempts":[{"kind":"replay","outcome":"success","reason":null,"revision":"",'
    b'"model":null,"model_calls":0,"tokens":{"input":0,"output":0,"cache_read":0,"cache_write":0},"usd":0.0,'
    b'"seconds":0.}],"warnings":[],"effect":"none"},"rest":"","output":""}'
)
_OWN = ("parameters", "idempotency_key")  # of a request; all else is mostly that of the key's other tasks
_SHORT = 200  # characters that are not worth a row of their own


def deflate(text: str, beside: str = "") -> bytes:
    """Return a text as the database keeps it.

    Args:
        beside: A text that is there when it is read, too, and has much in common with it.

    >>> inflate(deflate('{"kind":"replay"}'))
    '{"kind":"replay"}'
    """
    packer = zlib.compressobj(9, wbits=-15, zdict=_WORDS + _encoded(beside))
    return packer.compress(_encoded(text)) + packer.flush()


def inflate(data: bytes, beside: str = "") -> str:
    """Return the text that `deflate` was given, with the same text beside."""
    unpacker = zlib.decompressobj(wbits=-15, zdict=_WORDS + _encoded(beside))
    return (unpacker.decompress(data) + unpacker.flush()).decode()


def pack(db: sqlite3.Connection, request: str, result: TaskResult) -> bytes:
    """Return an ended task's request and result; what other tasks may share is put into a table of its own."""
    asked, ended = json.loads(request), json.loads(result.model_dump_json())
    kept: dict[str, Any] = {
        "request": {name: asked.pop(name, None) for name in _OWN},
        "result": ended,
        "rest": _keep_once(db, _compact(asked)),
    }
    shown = ended["result"]
    if shown is not None and shown["type"] == "inline" and len(text := _compact(shown["data"])) > _SHORT:
        kept["output"], shown["data"] = _keep_once(db, text), None
    return deflate(_compact(kept))


def unpack_request(db: sqlite3.Connection, packed: bytes) -> str:
    """Return the request of an ended task, as JSON."""
    kept = json.loads(inflate(packed))
    return _compact(json.loads(_kept_once(db, kept["rest"])) | kept["request"])


def unpack_result(db: sqlite3.Connection, packed: bytes) -> str:
    """Return the result of an ended task, as JSON."""
    kept = json.loads(inflate(packed))
    if "output" in kept:
        kept["result"]["result"]["data"] = json.loads(_kept_once(db, kept["output"]))
    return _compact(kept["result"])


def pack_trace(trace: str, packed: bytes) -> bytes:
    """Return the events of a task, lines of JSON, as they are kept beside its result."""
    return deflate(trace, inflate(packed))


def unpack_trace(trace: bytes, packed: bytes) -> str:
    """Return the events of a task as lines of JSON."""
    return inflate(trace, inflate(packed))


def as_attempt(data: str, packed: bytes | None) -> Attempt:
    """Return an attempt from its row."""
    return Attempt.model_validate_json(data if packed is None else inflate(packed))


def identity(parameters: Mapping[str, Any]) -> str:
    """Return parameters as tasks are found by them: as JSON, or its digest where that is long."""
    text = dump(parameters)
    return text if len(text) <= _SHORT else f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def _keep_once(db: sqlite3.Connection, text: str) -> str:
    data = deflate(text)
    digest = hashlib.blake2b(data, digest_size=16)
    db.execute("INSERT OR IGNORE INTO shared_texts VALUES (?, ?)", (digest.digest(), data))
    return digest.hexdigest()


def _kept_once(db: sqlite3.Connection, digest: str) -> str:
    (data,) = db.execute("SELECT data FROM shared_texts WHERE digest = ?", (bytes.fromhex(digest),)).fetchone()
    return inflate(data)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes its escape, which is JSON, too


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
