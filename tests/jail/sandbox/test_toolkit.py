"""The methods of ``task``, from an automation in the jail to its host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import GateDecision, Host
from tests.support.jailed import PDF, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = """
async with task.irreversible("place the order", key="7"):
    await page.goto(task.start_url + "2")
    if parameters.get("broken"): raise ValueError("late")
return await page.title()
"""


class Gatekeeper(Host):
    def __init__(self, decision: GateDecision) -> None:
        self.decision = decision
        self.calls: list[Any] = []

    async def gate(self, action: str, key: str | None) -> GateDecision:
        self.calls.append((action, key))
        return self.decision

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        self.calls.append((action, key, error))


async def test_irreversible_block_runs_where_the_host_allows_it(run: Run) -> None:
    host = Gatekeeper(GateDecision.GO)
    assert (await run(ORDER, host=host)).value == "Second"
    assert host.calls == [("place the order", "7"), ("place the order", "7", None)]


async def test_error_in_an_irreversible_block_is_reported_to_the_host(run: Run) -> None:
    host = Gatekeeper(GateDecision.GO)
    outcome = await run(ORDER, host=host, parameters={"broken": True})
    assert outcome.error is not None
    assert outcome.error.type == "ValueError"
    assert host.calls[1] == ("place the order", "7", "ValueError: late")


@pytest.mark.parametrize(("decision", "kind"), [(GateDecision.REHEARSE, "rehearsal"), (GateDecision.REFUSE, "gate")])
@pytest.mark.parametrize("swallow", ["Exception", "BaseException"])
async def test_refused_gate_stops_the_run_even_if_the_automation_catches_it(
    run: Run, decision: GateDecision, kind: str, swallow: str
) -> None:
    host = Gatekeeper(decision)
    body = "try:\n" + "".join(f"    {line}\n" for line in ORDER.strip().splitlines()) + f"except {swallow}: pass"
    outcome = await run(body, host=host)
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert outcome.evidence.title == "Items"
    assert host.calls == [("place the order", "7")]


async def test_default_host_refuses_irreversible_actions(run: Run) -> None:
    outcome = await run(ORDER)
    assert outcome.error is not None
    assert outcome.error.kind == "gate"


async def test_ask_passes_the_question_to_the_host(run: Run) -> None:
    class Clerk(Host):
        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            return {"prompt": prompt, "length": len(content), "schema": schema}

    outcome = await run("return await task.ask('which?', 'x' * 3000, {'type': 'object'})", path=None, host=Clerk())
    assert outcome.value == {"prompt": "which?", "length": 3000, "schema": {"type": "object"}}


async def test_refused_question_can_be_handled(run: Run) -> None:
    refused = (await run("return await task.ask('which?', '')", path=None)).error
    assert refused is not None
    assert (refused.kind, refused.type) == ("ask", "AskRefused")
    body = "from sandbox.toolkit import AskRefused\ntry: await task.ask('?', '')\nexcept AskRefused as e: return str(e)"
    assert (await run(body, path=None)).value == "this host does not support task.ask"


async def test_error_of_a_host_callback_is_raised_by_run(run: Run) -> None:
    class Broken(Host):
        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            raise LookupError("the caller's own")

        async def log(self, message: str) -> None:
            raise PermissionError("log")

    with pytest.raises(LookupError, match="the caller's own"):
        await run("await task.ask('?', '')", path=None, host=Broken())
    with pytest.raises(PermissionError):
        await run("task.log('?')\nawait page.wait_for_timeout(5000)", path=None, host=Broken())


class FileKeeper(Host):
    def __init__(self) -> None:
        self.files: list[tuple[str, str, str | None, bytes]] = []

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        data = b"".join([chunk async for chunk in chunks])
        self.files.append((name, content_type, url, data))
        return {"name": name, "size": len(data)}


@pytest.mark.parametrize(
    ("source", "name", "content_type", "path", "data"),
    [
        ("'/report'", "Réport.pdf", "application/pdf", "/report", PDF),
        ("page.get_by_text('Report')", "Réport.pdf", "application/pdf", "/report", PDF),
        ("page.get_by_text('Data')", "data.csv", "text/csv", "/data.csv", b"a,b\n1,2\n"),
        ("page.get_by_role('button', name='Make')", "data.csv", "text/csv", "/data.csv", b"a,b\n1,2\n"),
    ],
)
async def test_download_gives_the_file_to_the_host(
    run: Run, site: str, source: str, name: str, content_type: str, path: str, data: bytes
) -> None:
    host = FileKeeper()
    outcome = await run(f"return await task.download({source})", host=host)
    assert outcome.ok, outcome.error
    assert outcome.value == {"name": name, "size": len(data)}
    assert host.files == [(name, content_type, site + path, data)]


async def test_failed_or_refused_download_is_an_error(run: Run) -> None:
    missing = (await run("await task.download('/nothing.pdf')", host=FileKeeper())).error
    assert missing is not None
    assert "HTTP 404" in missing.message
    refused = (await run("await task.download('/report')")).error
    assert refused is not None
    assert "this host does not support task.download and task.attach" in refused.message


async def test_attach_gives_a_written_file_to_the_host(run: Run) -> None:
    host = FileKeeper()
    body = (
        "open('/scratch/a.bin', 'wb').write(bytes(1_000_000))\nreturn await task.attach('/scratch/a.bin', name='b.bin')"
    )
    assert (await run(body, path=None, host=host)).value == {"name": "b.bin", "size": 1_000_000}
    assert host.files[0][0] == "b.bin"


async def test_empty_reports_whether_the_message_is_visible(run: Run) -> None:
    outcome = await run("await task.empty(page.locator('.none'))\nreturn []", path="/2")
    assert outcome.evidence.empty == ((".none", True),)
    hidden = await run("await task.empty(page.locator('.none'))\nreturn []")
    assert hidden.error is not None
    assert "not visible" in hidden.error.message
    assert hidden.evidence.empty == ((".none", False),)


async def test_progress_beyond_the_total_is_an_error(run: Run) -> None:
    outcome = await run("await task.progress(6, 5)")
    assert outcome.error is not None
    assert "does the paging end" in outcome.error.message
