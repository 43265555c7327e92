"""The context window, as local servers tell it, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from engine.models.errors import ModelEndpoint, refused
from engine.models.window import ask_window

LOADED = {"id": "qwen3", "loaded_context_length": 16384}


@contextmanager
def server(**answers: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.strip("/").replace("/", "_"))
            body = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.mark.parametrize(
    ("answers", "window"),
    [
        ({"props": {"default_generation_settings": {"n_ctx": 8192}}}, 8192),
        ({"api_ps": {"models": [{"name": "qwen3", "context_length": 4096}]}}, 4096),
        ({"api_v0_models": {"data": [{"id": "other", "loaded_context_length": 1}, LOADED]}}, 16384),
        ({"v1_models": {"data": [{"id": "qwen3", "max_model_len": 32768}]}}, 32768),
        ({"api_show": {"parameters": 'stop "x"\nnum_ctx 12000'}}, 12000),
        ({"api_ps": {"models": []}, "v1_models": {"data": [{"id": "qwen3"}]}, "props": ["?"]}, None),
        ({}, None),
    ],
)
async def test_the_window_is_asked_of_the_server(answers: dict[str, Any], window: int | None) -> None:
    with server(**answers) as url:
        assert await ask_window(url, "qwen3") == window


async def test_a_server_that_is_away_tells_none() -> None:
    with server() as url:
        pass
    assert await ask_window(url, "qwen3") is None


@pytest.mark.parametrize(
    ("said", "window"),
    [
        ("request (9100 tokens) exceeds the available context size (8192 tokens), try increasing it", 8192),
        ("prompt is too long: 9100 tokens > 8192 maximum", 8192),
        ("This model's maximum context length is 8192 tokens. However, you requested 9100 tokens", 8192),
        ("The number of tokens to keep from the initial prompt is greater than the context length.", None),
    ],
)
def test_a_refusal_for_the_windows_size_is_known_as_that(said: str, window: int | None) -> None:
    error = refused(ModelEndpoint("qwen3", "http://h"), said, status=400)
    assert error.details["reason"] == "context-window"
    assert error.details["window"] == window
