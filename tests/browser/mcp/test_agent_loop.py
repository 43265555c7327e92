"""An agent's own loop calls ``webtasks mcp``, a process of its own, which replays on a real site.

The answers of the model are recorded, by `answered(store, live)`; its first call leaves a parameter out, as models do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from fixtures_sites import serve
from tests.support.mcp_agent import Ask, converse, recorded
from tests.support.saved import save

ROWS_OF_TRADE = """\
async def run(page, parameters, task):
    found = []
    for row in await page.locator("tr", has_text=parameters["category"]).all():
        cells = await row.locator("td").all_inner_texts()
        if len(cells) > 3:
            found.append({"name": cells[1].strip().splitlines()[0], "town": cells[3].strip()})
    return found
"""


async def answered(store: Path, ask: Ask) -> list[dict[str, object]]:
    """Return the conversation of an agent with ``webtasks mcp`` on the directory of trades."""
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "town": {"type": "string"}},
            "required": ["name", "town"],
        },
    }
    with serve("directory") as site:
        save(
            store, "businesses", ROWS_OF_TRADE, parameters={"category": "Surveying"}, schema=schema, start_url=site.url
        )
        arguments = ["-m", "engine.cli", "--store", str(store), "mcp"]
        server = StdioServerParameters(command=sys.executable, args=arguments)
        async with Client(stdio_client(server)) as client:
            return await converse(client, ask)


async def test_an_agent_mends_its_call_and_answers_from_the_site(tmp_path: Path) -> None:
    messages = await answered(tmp_path, recorded())
    results = [block for message in messages if message["role"] == "user" for block in message["content"]
               if isinstance(block, dict)]  # fmt: skip
    assert [each["is_error"] for each in results] == [True, False]
    assert "category" in str(results[0]["content"]), "it is told what to add"
    rows = json.loads(str(results[1]["content"]).partition("\n")[0])
    (said,) = messages[-1]["content"]
    assert all(row["name"] in said["text"] for row in rows)
