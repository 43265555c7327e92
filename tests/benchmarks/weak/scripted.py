"""Scripted answers of weak models and their servers, played over a Messages API on loopback."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from engine.models.base import Usage
from engine.models.prices import resolve_model
from tests.benchmarks.weak.mistakes import CALL_MISTAKES, CODE_MISTAKES, Blocks, call
from tests.benchmarks.weak.tasks import TASKS, WeakTask

Answer = tuple[int, bytes, str]
"""Status, body and content type."""
_RIGHT, _FAILS = ("right",), ("failed",)
_EITHER = ("right", "failed")
_PER_TOKEN = 3.3
_PRICES = resolve_model("haiku")
_WARES = next(task for task in TASKS if task.path == "/wares")
_PEOPLE = next(task for task in TASKS if task.path == "/people")
_REGISTER = next(task for task in TASKS if task.path == "/register")
_DIRECTORY = TASKS[0]


@dataclass(frozen=True)
class Scripted:
    """One scenario.

    Args:
        name: What is wrong with the answers.
        task: The task.
        answer: Returns the answer to a request, which is counted from 1.
        ends: What it may come to.
        most_turns: Answers, at most.
        most_usd: What they may cost.
    """

    name: str
    task: WeakTask
    answer: Callable[[int, dict[str, Any]], Answer]
    ends: Sequence[str] = _EITHER
    most_turns: int = 20
    most_usd: float = 0.05


@dataclass
class Exchange:
    """The requests and answers of one scenario, counted."""

    answers: int = 0
    usd: float = 0.0
    sent: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


@contextmanager
def endpoint(script: Scripted) -> Iterator[tuple[str, Exchange]]:
    """Serve the scenario's answers; yield the base URL and what was exchanged."""
    exchange = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.endswith("/v1/messages"):  # it is asked for its window
                self._send(404, b"404 page not found", "text/plain")
                return
            status, data, kind = script.answer(next(exchange.numbers), json.loads(body))
            if status == 200:
                exchange.answers += 1
                new = max(0, len(body) - exchange.sent)
                tokens = [int(size / _PER_TOKEN) for size in (len(data), exchange.sent, new)]
                exchange.usd += _PRICES.cost(Usage(0, tokens[0], tokens[1], tokens[2]))
                exchange.sent = len(body)
            self._send(status, data, kind)

        def do_GET(self) -> None:
            self._send(404, b"404 page not found", "text/plain")

        def _send(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", exchange
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _json(data: Any, status: int = 200) -> Answer:
    return status, json.dumps(data).encode(), "application/json"


def _said(content: Any, **changed: Any) -> Answer:
    """Return an answer of the Messages API, with blocks as they stand and fields changed; None leaves a field out."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if isinstance(content, list):
        content = [
            {"id": f"t{n}", **block} if block.get("type") == "tool_use" else block for n, block in enumerate(content)
        ]
    message = {
        "id": "m", "type": "message", "role": "assistant", "model": "weak", "content": content,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3_000, "output_tokens": 200}, **changed,
    }  # fmt: skip
    return _json({name: value for name, value in message.items() if value != _LEFT_OUT})


_LEFT_OUT = object()


def _good(task: WeakTask) -> Blocks:
    finish = call("finish", summary="Lists the rows", other_parameters=dict(task.parameters[1]))
    return [call("write", code=task.code), finish]


def _always(content: Any, **changed: Any) -> Callable[[int, dict[str, Any]], Answer]:
    return lambda n, request: _said(content, **changed)


def _first(content: Any, task: WeakTask, **changed: Any) -> Callable[[int, dict[str, Any]], Answer]:
    """Return answers of which the first is this, and all others are good."""
    return lambda n, request: _said(content, **changed) if n == 1 else _said(_good(task))


def _insisting(code: str, task: WeakTask, reason: str) -> Callable[[int, dict[str, Any]], Answer]:
    """Return answers that hand the same code in again and again."""
    finish: dict[str, Any] = {"summary": "done", "other_parameters": dict(task.parameters[1])}
    again = {**finish, "why_right": reason} if reason else finish
    return lambda n, request: _said(
        [call("write", code=code), call("finish", **finish)] if n == 1 else [call("finish", **again)]
    )


def _forms() -> Iterator[Scripted]:
    """Yield calls that are written as text, and blocks that are not as they should be."""
    write, finish = _good(_WARES)
    calls = [(each["name"], each["input"]) for each in (write, finish)]
    forms: dict[str, Callable[[str, Any], str]] = {
        "a JSON fence": lambda name, given: f"```json\n{json.dumps({'name': name, 'arguments': given})}\n```",
        "a tool_call tag": lambda name, given: (
            f"<tool_call>\n{json.dumps({'name': name, 'arguments': given})}\n</tool_call>"
        ),
        "a function tag": lambda name, given: (
            f"<function={name}>\n"
            + "".join(
                f"<parameter={k}>\n{v if isinstance(v, str) else json.dumps(v)}\n</parameter>\n"
                for k, v in given.items()
            )
            + "</function>"
        ),
        "bare JSON after thinking": lambda name, given: (
            f"<think>\nnow {name}\n</think>\n\n{json.dumps({'name': name, 'parameters': given})}"
        ),
    }
    for name, form in forms.items():
        texts = [form(*each) for each in calls]
        yield Scripted(f"call as {name}", _WARES, lambda n, r, t=texts: _said(t[min(n, 2) - 1]), _RIGHT, 3)
    python = f"Here it is:\n```python\n{_WARES.code}\n```\nDone."
    yield Scripted(
        "call as a Python fence", _WARES, lambda n, r: _said(python) if n == 1 else _said([finish]), _RIGHT, 3
    )
    blocks: dict[str, Any] = {
        "no id": [{"type": "tool_use", "id": None, "name": "look", "input": {}}],
        "no input": [{"type": "tool_use", "name": "look"}],
        "null input": [{"type": "tool_use", "name": "look", "input": None}],
        "JSON text for input": [{"type": "tool_use", "name": "look", "input": "{}"}],
        "a list for input": [{"type": "tool_use", "name": "look", "input": []}],
        "no name": [{"type": "tool_use", "input": {}}],
        "text null": [{"type": "text", "text": None}, call("look")],
        "text missing": [{"type": "text"}, call("look")],
        "an unknown block": [{"type": "output_text", "text": "x"}, call("look")],
        "a thinking block": [{"type": "thinking", "thinking": "hm", "signature": ""}, call("look")],
        "content null": None,
        "content a text": "I look first.",
    }
    for name, content in blocks.items():
        yield Scripted(f"block: {name}", _WARES, _first(content, _WARES), _RIGHT, 3)
    for name, changed in {
        "no usage": {"usage": _LEFT_OUT}, "usage null": {"usage": None},
        "usage of texts": {"usage": {"input_tokens": "n/a"}},
        "usage of fractions": {"usage": {"input_tokens": 2.5, "output_tokens": -1}},
        "usage of another API": {"usage": {"prompt_tokens": 3}}, "no stop reason": {"stop_reason": _LEFT_OUT},
        "stop reason tool_calls": {"stop_reason": "tool_calls"},
    }.items():  # fmt: skip
        yield Scripted(name, _WARES, lambda n, r, c=changed: _said(_good(_WARES), **c), _RIGHT, 2)


def _servers() -> Iterator[Scripted]:
    """Yield servers that refuse, cut or speak something else."""
    refusals = {
        "no tools": _json({"error": {"message": "model does not support tools"}}, 400),
        "no model": _json({"error": {"message": "model 'weak' not found"}}, 404),
        "no such path": (404, b"404 page not found", "text/plain"),
        "no such method": (405, b"Method Not Allowed", "text/plain"),
        "a web page": (200, b"<html><body>Studio</body></html>", "text/html"),
        "chat completions": _json({"object": "chat.completion", "choices": [{"message": {"content": "hi"}}]}),
        "an error with 200": _json({"error": "model runner has unexpectedly stopped"}),
        "an unexpected endpoint": _json({"error": "Unexpected endpoint or method. (POST /v1/messages)"}),
    }
    for name, refusal in refusals.items():
        yield Scripted(f"server: {name}", _WARES, lambda n, r, a=refusal: a, _FAILS, 6)
    for tokens in (4_096, 8_192):
        for task in (_DIRECTORY, _REGISTER):
            ends = _FAILS if tokens < 6_000 else _RIGHT
            yield Scripted(f"window of {tokens}: {task.site}{task.path}", task, _window(tokens, task), ends, 12)
    strict = {"loc": ["body", "system"], "msg": "str type expected", "type": "type_error.str"}
    yield Scripted(
        "server: system as a text alone", _WARES,
        lambda n, r: _said(_good(_WARES)) if isinstance(r.get("system"), str) else _json({"detail": [strict]}, 422),
        _RIGHT, 2,
    )  # fmt: skip


def _window(tokens: int, task: WeakTask) -> Callable[[int, dict[str, Any]], Answer]:
    """Return answers of a model with a small window, that reads much before it writes."""
    dump = "print((await page.content())[{n}000:{n}000 + 6000])"
    steps = [
        [call("look", unfold="page")],
        *([call("python", code=dump.replace("{n}", str(n)))] for n in range(4)),
        [call("look")],
    ]
    taken = itertools.count()

    def answer(n: int, request: dict[str, Any]) -> Answer:
        size = int(len(json.dumps({name: request.get(name) for name in ("system", "tools", "messages")})) / _PER_TOKEN)
        if size > tokens:
            said = f"request ({size} tokens) exceeds the available context size ({tokens} tokens), try increasing it"
            return _json({"error": {"code": 400, "message": said, "n_ctx": tokens}}, 400)
        step = next(taken)
        return _said(steps[step] if step < len(steps) else _good(task))

    return answer


def _loops() -> Iterator[Scripted]:
    """Yield models that do the same for ever; none may cost more than half a cent."""
    bad = (
        "async def run(page, parameters, task):\n    tree = parameters['tree']\n"
        "    return await page.get_by_role('row').all_inner_texts()\n"
    )
    for name, content in {
        "looks": [call("look")], "prints": [call("python", code="print(await page.title())")],
        "writes the same": [call("write", code=bad)], "finishes": [call("finish", summary="done")],
        "writes and gives up": [call("give_up", reason="impossible", message="no"), call("write", code=bad)],
        "says what it will do": "Now I look.", "thinks": "<think>I should call write.</think>", "says nothing": [],
        "refuses": "I am sorry, I cannot help with scraping.",
        "speaks another language": "Ich sehe mir zuerst die Seite an.",
        "gives up": [call("give_up", reason="impossible", message="I cannot browse the internet.")],
    }.items():  # fmt: skip
        yield Scripted(f"for ever: {name}", _WARES, _always(content), _FAILS, 7, 0.02)


def _mistakes() -> Iterator[Scripted]:
    """Yield each mistake: once, and insisted on with and without a reason."""
    for task in (_WARES, _PEOPLE):
        for mistake in CODE_MISTAKES:
            code = mistake.spoil(task.code, task)
            if code is None or code == task.code:
                continue
            for how, reason in (("again", ""), ("with a reason", "I checked it and the result is right as it is")):
                ends = (*_EITHER, "wrong, with a warning") if reason else _EITHER
                yield Scripted(f"{mistake.name}, {how}: {task.path}", task, _insisting(code, task, reason), ends, 12)
    for turn in CALL_MISTAKES:
        yield Scripted(f"once: {turn.name}", _WARES, _first(turn.blocks(_WARES.code), _WARES), _RIGHT, 4)


SCRIPTED: Sequence[Scripted] = (*_forms(), *_servers(), *_loops(), *_mistakes())
