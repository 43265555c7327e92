"""Crawl4AI's generated schemas as a system of the bench."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from engine.errors import EngineError
from engine.models.base import Usage
from engine.models.prices import resolve_model
from engine.testing.heal.program import Program
from engine.testing.heal.systems import Answer, System, Task, recorded
from sandbox.browser import find_browser

RECORDINGS = Path(__file__).with_name("recordings")
"""For each site, the schema that a model generated for Crawl4AI, and what it cost."""
PYTHON = "WEBTASKS_CRAWL4AI_PYTHON"
"""Environment variable: the Python that has Crawl4AI; by default the one that runs the bench."""
_MOST_PAGES = 20
_STEP_MS = 8_000
_BLANK = "Near-empty content (0 bytes)"  # in Crawl4AI's words
_DATES = ("%d %b %Y", "%d %B %Y", "%Y-%m-%d")
_VERSION = "import importlib.metadata as m; print(m.version('crawl4ai'))"


@dataclass(frozen=True)
class Way:
    """The way to a site's list, which the user of Crawl4AI writes by hand.

    Args:
        link: The parameter that names the link to the list, on the start page.
        script: Makes the JavaScript that opens the list instead, from the parameters: each step, and when it is done.
        options: Options of each crawl of the list, in Crawl4AI's names.
        order: The field by which the rows are sorted; empty for the order of the page.
        upward: The rows of the page come in the opposite order.
    """

    link: str = ""
    script: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] | None = None
    options: Mapping[str, Any] | None = None
    order: str = ""
    upward: bool = False


def _log_in(parameters: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    fill = "const f = document.forms[0]; f.elements.user.value = %s; f.elements.password.value = %s; f.submit();"
    choose = (
        "const s = document.querySelector('select[name=status]');"
        "s.value = [...s.options].find(each => each.text === %s).value; s.form.submit();"
    )
    user, password = json.dumps(parameters["username"]), json.dumps(parameters["password"])
    return [
        (fill % (user, password), "document.querySelector('select[name=status]') !== null"),
        (choose % json.dumps(parameters["status"]), "location.search.includes('status=')"),
    ]


WAYS: Mapping[str, Way] = {
    "archive": Way(link="year", upward=True),
    "directory": Way(link="category"),
    "feed": Way(link="topic", options={"scan_full_page": True, "flatten_shadow_dom": True}),
    "ledger": Way(script=_log_in, order="number"),
}


class Crawl4AI(System):
    """Crawl4AI: a model generates a CSS schema once, and ``JsonCssExtractionStrategy`` extracts rows by it.

    The way to the list and the conversion of texts to the task's types are written by hand, as its users do; the
    bench's part for them is `WAYS` and `converted`. What it extracts is believed, as it does itself.

    Args:
        model: Name of a live model, which generates the schema anew; by default a recorded schema is used.
        python: The Python that has Crawl4AI; default: see `PYTHON`.
        browser: Path of the Chromium; by default the one that the engine would take.
    """

    name = "crawl4ai"
    sites = tuple(WAYS)
    about = "a CSS schema generated once by a model; the way to the list and the types are written by hand"

    def __init__(self, model: str = "", python: str = "", browser: str | Path | None = None) -> None:
        self._python = python or os.environ.get(PYTHON) or sys.executable
        self.version = f"crawl4ai {installed(self._python)}"
        self._live = model
        executable = str(find_browser(browser).executable)
        quiet = {"CRAWL4AI_NO_CLOUD_NOTICE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        self._program = Program(self._python, "crawl.py", executable, environment=os.environ | quiet)
        self._schema: Mapping[str, Any] = {}

    async def learn(self, task: Task) -> Answer:
        """Generate the schema, or take the recorded one, and extract by it once."""
        if self._live:
            made = await self.generate(task, self._live)
        else:
            made = json.loads((RECORDINGS / f"crawl4ai.{task.site}.json").read_text(encoding="utf-8"))
        self._schema = made["schema"]
        answer = await self.run(task)
        model = self._live or recorded(made["model"])
        return Answer(answer.output, model=model, model_calls=made["model_calls"], dollars=made["dollars"])

    async def generate(self, task: Task, model: str) -> dict[str, Any]:
        """Have a model generate a schema for the list that the task's parameters lead to.

        The model is asked at ``ANTHROPIC_BASE_URL``, with the key in ``ANTHROPIC_API_KEY``.
        """
        page = (await self._pages(task, html=True))[0]
        info = resolve_model(model)
        request = {
            "do": "schema",
            "html": page["html"],
            "query": task.text,
            "example": json.dumps(example(task.output_schema)),
            "provider": f"anthropic/{info.id}",
            "key": os.environ.get("ANTHROPIC_API_KEY", ""),
            "base_url": os.environ.get("ANTHROPIC_BASE_URL", ""),
        }
        answer = await self._asked(request, 20 * task.seconds)
        used = Usage(answer["prompt_tokens"], answer["completion_tokens"])
        return {
            "model": info.id,
            "model_calls": 1,
            "dollars": round(info.cost(used), 6),
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "schema": answer["schema"],
        }

    async def run(self, task: Task) -> Answer:
        """Crawl the list, and extract its rows by the schema."""
        way = WAYS[task.site]
        found: list[dict[str, Any]] = []
        for page in await self._pages(task):
            for row in page["rows"]:
                found.append(await asyncio.to_thread(converted, row, task.output_schema, page["url"]))
        if way.order:
            found.sort(key=lambda row: str(row.get(way.order)))
        return Answer(found[::-1] if way.upward else found)

    async def _pages(self, task: Task, *, html: bool = False) -> list[dict[str, Any]]:
        """Crawl from the start page to the list, and along its links to a next page."""
        way, seconds = WAYS[task.site], task.seconds
        options = dict(way.options or {})
        common = {"do": "crawl", "schema": dict(self._schema), "html": html}
        if way.script is not None:
            session = {"session_id": task.start_url}
            await self._asked({"do": "crawl", "url": task.start_url, "options": session}, seconds)
            for script, done in way.script(task.parameters):
                step = common | {"url": task.start_url}
                try:
                    page = await self._asked(step | {"options": session | _in_session(script, done)}, seconds)
                except CrawlFailed as failed:
                    if _BLANK not in str(failed):
                        raise
                    # It was read while the next page was on its way.
                    page = await self._asked(step | {"options": session | _in_session("0", done)}, seconds)
            return [page]
        start = await self._asked({"do": "crawl", "url": task.start_url}, seconds)
        address = link(start["links"], str(task.parameters[way.link]))
        pages: list[dict[str, Any]] = []
        while address and len(pages) < _MOST_PAGES:
            pages.append(await self._asked(common | {"url": address, "options": options}, seconds))
            # Crawl4AI lists an address once: where "2" and "Next" lead to the same page, under its number.
            number = str(len(pages) + 1)
            address = next((each for text, each in pages[-1]["links"] if text.strip() == number), "")
        return pages

    async def _asked(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        answer = await self._program.ask(request, seconds=seconds)
        if not answer.get("success", True):
            raise CrawlFailed(answer["error"])
        return answer

    async def close(self) -> None:
        """End the browser."""
        await self._program.close()


class CrawlFailed(Exception):
    """Crawl4AI says that a crawl failed, or the way to the list is gone."""


@cache
def installed(python: str) -> str:
    """Return the version of Crawl4AI that a Python has.

    Raises:
        EngineError: It has none.
    """
    found = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=False)
    if found.returncode:
        raise EngineError(
            f"{python} has no Crawl4AI, which the system 'crawl4ai' needs; install it (about 900 MB) with:"
            f" python -m venv c4ai && c4ai/bin/pip install crawl4ai; then set {PYTHON}=c4ai/bin/python"
        )
    return found.stdout.strip()


def _in_session(script: str, done: str) -> dict[str, Any]:
    loaded = f"js:() => document.readyState === 'complete' && {done}"
    return {
        "js_code": script,
        "js_only": True,
        "wait_for": loaded,
        "wait_for_timeout": _STEP_MS,
        "delay_before_return_html": 0.5,
    }


def link(links: Sequence[Sequence[str]], words: str) -> str:
    """Return the address of the first link whose text begins with these words.

    Raises:
        CrawlFailed: There is none.

    >>> link([["All trades 53", "http://a.example/"], ["Surveying 7", "http://a.example/?c=s"]], "Surveying")
    'http://a.example/?c=s'
    """
    for text, address in links:
        if text.strip().startswith(words):
            return address
    raise CrawlFailed(f"no link begins with {words!r}")


def example(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return an example of one row for Crawl4AI: each field's name, and its type in words.

    >>> from engine.testing.heal.sites import output_schema
    >>> example(output_schema("ledger"))
    {'number': 'text', 'client': 'text', 'due': 'date', 'amount': 'number'}
    """
    fields = schema["items"]["properties"]
    return {
        name: _kind(kind).replace("string", "text").replace("attachment", "address") for name, kind in fields.items()
    }


def _kind(field: Mapping[str, Any]) -> str:
    names = field["type"]
    return str(field.get("format") or (names if isinstance(names, str) else names[0]))


def converted(row: Mapping[str, Any], schema: Mapping[str, Any], page: str) -> dict[str, Any]:
    """Return an extracted row in the task's types; a field that was not extracted is None.

    Raises:
        ValueError: A text is no number or no date.

    >>> from engine.testing.heal.sites import output_schema
    >>> converted({"number": "A-1", "due": "03 Feb 2025", "amount": "€1,250.00"}, output_schema("ledger"), "")
    {'number': 'A-1', 'client': None, 'due': '2025-02-03', 'amount': 1250.0}
    """
    fields = schema["items"]["properties"]
    return {name: _value(row[name], _kind(kind), page) if row.get(name) else None for name, kind in fields.items()}


def _value(text: str, kind: str, page: str) -> Any:
    if kind == "attachment":
        with urllib.request.urlopen(urljoin(page, text)) as answer:  # noqa: S310  the fixture site's own address
            return {"sha256": hashlib.sha256(answer.read()).hexdigest()}
    if kind == "date":
        return _date(text)
    if kind in ("number", "integer"):
        number = re.search(r"\d[\d,]*(?:\.\d+)?", text)
        if number is None:
            raise ValueError(f"{text!r} has no number")
        return (float if kind == "number" else int)(number[0].replace(",", ""))
    return text.strip()


def _date(text: str) -> str:
    for form in _DATES:
        try:
            return datetime.strptime(text.strip(), form).date().isoformat()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    raise ValueError(f"{text!r} is no date")
