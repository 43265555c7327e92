"""Crawls pages with Crawl4AI: each line of the input is a request, each line of the output its answer.

``{"do": "crawl", "url", "options", "schema"}`` crawls a page and extracts rows by a generated schema; ``{"do":
"schema", "html", "query", "example", "provider", "key", "base_url"}`` has a model generate one. Run by a Python that
has ``crawl4ai``; it imports nothing of the engine.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from typing import Any

from crawl4ai import AsyncWebCrawler, BrowserConfig, CacheMode, CrawlerRunConfig, JsonCssExtractionStrategy, LLMConfig
from crawl4ai.models import TokenUsage
from playwright.async_api import BrowserType


async def crawl(crawler: AsyncWebCrawler, request: dict[str, Any]) -> dict[str, Any]:
    """Crawl a page; return its rows, its links and its HTML."""
    schema = request.get("schema")
    config = CrawlerRunConfig(
        cache_mode=CacheMode.BYPASS, verbose=False, **request.get("options", {}),
        extraction_strategy=JsonCssExtractionStrategy(schema) if schema else None,
    )  # fmt: skip
    page = await crawler.arun(request["url"], config=config)
    return {
        "success": page.success,
        "error": page.error_message or "",
        "url": page.redirected_url or page.url,
        "rows": json.loads(page.extracted_content or "[]"),
        "links": [[link.get("text") or "", link["href"]] for link in (page.links or {}).get("internal", [])],
        "html": page.html if request.get("html") else "",
    }


async def schema(request: dict[str, Any]) -> dict[str, Any]:
    """Have a model generate a schema; return it, and the tokens that it took."""
    used = TokenUsage()
    made = await JsonCssExtractionStrategy.agenerate_schema(
        html=request["html"],
        query=request["query"],
        target_json_example=request["example"],
        llm_config=LLMConfig(
            provider=request["provider"], api_token=request["key"], base_url=request["base_url"] or None
        ),
        usage=used,
        temperature=None,  # Crawl4AI's own is refused by today's models
    )
    return {"schema": made, "prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens}


async def main(executable: str) -> None:
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Crawl4AI prints is no answer
    if executable:  # Crawl4AI has no option for the browser's path
        launch = functools.partialmethod(BrowserType.launch, executable_path=executable)
        BrowserType.launch = launch  # type: ignore[method-assign, assignment]  # the only way
    async with AsyncWebCrawler(config=BrowserConfig(headless=True, verbose=False)) as crawler:
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            try:
                answer = await (crawl(crawler, request) if request["do"] == "crawl" else schema(request))
            except Exception as error:  # noqa: BLE001  a library may raise anything; it is told
                answer = {"success": False, "error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
