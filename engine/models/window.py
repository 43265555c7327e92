"""The context window of a local model, as its server tells it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

_SECONDS = 1.5  # a local server answers at once, or has no such address
_MOST_BYTES = 1 << 20


async def ask_window(base_url: str, model: str) -> int | None:
    """Return the tokens of the window that the server gives this model, or None where it does not say.

    Asked are llama.cpp (``/props``), Ollama (``/api/ps``, then the model's own limit by ``/api/show``), LM Studio
    (``/api/v0/models``) and vLLM (``/v1/models``).
    """
    return await asyncio.to_thread(_ask, base_url.rstrip("/"), model)


def _ask(base: str, model: str) -> int | None:
    asked: tuple[tuple[str, Any, Callable[[Any, str], Any]], ...] = (
        ("/props", None, lambda found, _: found["default_generation_settings"]["n_ctx"]),
        ("/api/ps", None, lambda found, name: _of(found["models"], name, "context_length")),
        ("/api/v0/models", None, lambda found, name: _of(found["data"], name, "loaded_context_length")),
        ("/v1/models", None, lambda found, name: _of(found["data"], name, "max_model_len")),
        ("/api/show", {"model": model}, lambda found, _: _num_ctx(found)),
    )
    for path, body, read in asked:
        try:
            window = read(_fetch(base + path, body), model)
        except ConnectionError:
            return None  # nobody is there: the request itself will say so
        except (OSError, ValueError, KeyError, TypeError, StopIteration):
            continue
        if isinstance(window, int) and not isinstance(window, bool) and window > 0:
            return window
    return None


def _fetch(url: str, body: Any) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310  the user's own endpoint, http or https
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  as above
            return json.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError) and not isinstance(error.reason, TimeoutError):
            raise ConnectionError(str(error.reason)) from error
        raise


def _of(models: list[dict[str, Any]], name: str, field: str) -> Any:
    return next(m[field] for m in models if name in (m.get("id"), m.get("name"), m.get("model")) and m.get(field))


def _num_ctx(found: dict[str, Any]) -> int | None:
    """Return Ollama's ``num_ctx`` of a model's own parameters; its trained limit says nothing of what is loaded."""
    lines = str(found.get("parameters") or "").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("num_ctx")), None)
