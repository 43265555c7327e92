"""Workers without a browser: forked by a zygote, and started by themselves in each jail."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox import (
    Automation,
    Egress,
    GateDecision,
    Host,
    Outcome,
    PoolOptions,
    Sandbox,
    SandboxLimitExceeded,
    SandboxLimits,
    WorkerDied,
)
from sandbox.workers.web_process import Zygote
from sandbox.workers.web_worker import Nursery
from tests.support.processes import children, families, none_left, opened

READ = """
async def run(web, parameters, task):
    page = await web.get("/")
    task.log("read", page.status)
    return {"title": page.title, "links": len(page.css("a")), "given": parameters["n"]}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["forked", "bubblewrap", "landlock"])
async def jailed(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox for each way in which such a worker comes to be."""
    isolation: Any = "landlock" if request.param == "landlock" else "bubblewrap"
    async with Sandbox(isolation=isolation, pool=PoolOptions(spare=0)) as opened:
        if request.param == "bubblewrap":
            opened._nursery._forks = False
        yield opened


async def run(sandbox: Sandbox, site: str, code: str, parameters: Any = None, **options: Any) -> Outcome:
    egress = options.pop("egress", Egress(allow=(site,)))
    return await sandbox.run(Automation(code), parameters or {}, start_url=f"{site}/", egress=egress, **options)


@pytest.mark.asyncio(loop_scope="module")
async def test_runs_give_value_logs_and_evidence(jailed: Sandbox, site: str) -> None:
    for number in (1, 2):
        outcome = await run(jailed, site, READ, {"n": number}, affinity="one revision")
        assert outcome.value == {"title": "Items", "links": 4, "given": number}, outcome.error
        assert (outcome.logs, outcome.worker_run, outcome.session) == (("read 200",), number, None)
        seen = outcome.evidence
        assert (seen.url, seen.title, seen.status) == (f"{site}/", "Items", 200)
        assert seen.documents == ((f"{site}/", 200),)
        assert seen.hosts == (site.removeprefix("http://"),)
        assert "1,247 results" in seen.text


def body(text: str) -> str:
    """Return an automation of these lines."""
    return "async def run(web, parameters, task):\n" + textwrap.indent(textwrap.dedent(text).strip() + "\n", "    ")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def forked() -> AsyncIterator[Sandbox]:
    """A sandbox whose workers a zygote forks."""
    async with Sandbox(isolation="bubblewrap") as opened:
        yield opened


ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@ONE_LOOP
async def test_failures_are_told_as_a_browsers_are(forked: Sandbox, site: str) -> None:
    cases = {
        "return 1 / 0": ("ZeroDivisionError", "script"),
        "raise SystemExit": ("SystemExit", "script"),
        "await web.get('http://10.0.0.1/')": ("WebError", "navigation"),
        "await web.get('/nowhere')": ("WebError", "script"),
        "return {1, 2}": ("TypeError", "script"),
        "(await web.get('/')).css('li').one": ("NotOnPage", "script"),
    }
    for lines, (name, kind) in cases.items():
        outcome = await run(forked, site, body(lines))
        assert outcome.error is not None, lines
        assert (outcome.error.type, outcome.error.kind) == (name, kind), outcome.error
        assert outcome.error.line == 2 or name == "TypeError"
        if "nowhere" in lines:
            assert (outcome.evidence.status, outcome.evidence.title) == (404, "Not found")
        if "10.0.0.1" in lines:
            assert outcome.evidence.main_refused == "policy: 10.0.0.1 is not a public address"


@ONE_LOOP
async def test_reads_are_mapped_and_the_last_page_is_evidence(forked: Sandbox, site: str) -> None:
    lines = """
        page = await web.get("/")
        titles = [page.title, *page.css("li").texts]
        rows = (await web.get("/data.csv")).text
        await web.get("/2")
        return [titles, rows]
    """
    outcome = await run(forked, site, body(lines))
    assert outcome.ok, outcome.error
    seen = outcome.evidence
    assert [found.kind for found in seen.maps] == ["page", "file"]
    assert {"one", "two"} <= {unit.text for unit in seen.maps[0].units}
    assert (seen.url, seen.title, seen.output_read, seen.unmapped) == (f"{site}/2", "Second", True, 0)
    assert seen.messages == ()
    shown = await run(forked, site, body("return (await web.get('/')).css('li').texts"))
    assert (shown.evidence.counts, shown.evidence.next_controls) == ((("1-2 of 1,247 results", 1247),), ("Next page",))
    assert (await run(forked, site, body("return (await web.get('/')).title"), maps=False)).evidence.maps == ()


@ONE_LOOP
async def test_many_pages_leave_maps_of_all_parts_of_the_run(forked: Sandbox, site: str) -> None:
    lines = "for n in range(40): (await web.get('/', params={'n': n}, allow=404)).title"
    outcome = await run(forked, site, body(lines))
    asked = [int(found.url.partition("n=")[2]) for found in outcome.evidence.maps]
    assert (asked[0], asked[-1], len(asked) + outcome.evidence.unmapped) == (0, 39, 40)
    assert 6 <= len(asked) <= 12


@ONE_LOOP
async def test_host_holds_changes_whatever_the_code_does(forked: Sandbox, site: str) -> None:
    by_the_client = "await web.post('/made', form={'token': 'a'})"
    past_the_client = """
        from contextlib import suppress
        with suppress(BaseException):
            await task._channel.request("http", method="POST", url=task.start_url + "made", headers=[], body="")
        return 1
    """
    for lines in (by_the_client, past_the_client):
        outcome = await run(forked, site, body(lines), hold_changes=True)
        assert outcome.error is not None
        assert (outcome.error.kind, outcome.error.message) == ("held", f"POST {site}/made")
        assert (outcome.value, outcome.evidence.state_changing) == (None, ())


@ONE_LOOP
async def test_rehearsals_send_nothing_behind_the_gate(forked: Sandbox, site: str) -> None:
    class Rehearsing(Host):
        async def gate(self, action: str, key: str | None) -> GateDecision:
            return GateDecision.REHEARSE

    lines = """
        try:
            async with task.irreversible("order"):
                pass
        except BaseException:
            await web.post("/made", form={"token": "b"})
    """
    outcome = await run(forked, site, body(lines), host=Rehearsing())
    assert outcome.error is not None
    assert "is not sent: the run has ended before an irreversible action" in outcome.error.message
    assert outcome.evidence.state_changing == ()


@ONE_LOOP
async def test_task_works_without_a_page(forked: Sandbox, site: str) -> None:
    class Taking(Host):
        def __init__(self) -> None:
            self.progressed: list[tuple[int, int | None]] = []

        async def progress(self, done: int, total: int | None) -> None:
            self.progressed.append((done, total))

        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            return f"{prompt} {content}"

        async def gate(self, action: str, key: str | None) -> GateDecision:
            return GateDecision.GO

        async def download(self, name: str, content_type: str, url: str | None, chunks: Any) -> dict[str, Any]:
            return {"name": name, "type": content_type, "size": len(b"".join([chunk async for chunk in chunks]))}

    host = Taking()
    lines = """
        page = await web.get("/")
        rows = await task.read(page.css("li"), total=2)
        report = await task.download(page.link("Report").one)
        data = await task.attach(await web.get("/data.csv"), name="mine.csv")
        empty = await web.get("/2")
        await task.empty(empty.css(".none"))
        async with task.irreversible("post", key="1"):
            done = await task.outcome(success=empty.get_by_text("Nothing"), failure=empty.css(".error"))
        return [rows.texts, report["type"], report.read()[:4].decode(), data["name"], len(data.text()), done,
                await task.ask("Good?", "text"), task.resource("note.txt").read_text(), len(task.totp("GEZDGNBV"))]
    """
    outcome = await forked.run(
        Automation(body(lines), {"note.txt": b"noted"}),
        {},
        start_url=f"{site}/",
        egress=Egress(allow=(site,)),
        host=host,
    )
    assert outcome.ok, outcome.error
    rows, kind, head, name, size, done, answer, note, code = outcome.value
    assert (rows, kind, head, name, done) == (["one", "two"], "application/pdf", "%PDF", "mine.csv", "Nothing here")
    assert (size > 0, answer, note, code) == (True, "Good? text", "noted", 6)
    assert (host.progressed, outcome.evidence.examined) == ([(2, 2)], (2, 2))
    assert outcome.evidence.messages == ("Nothing here",)


@ONE_LOOP
async def test_kept_workers_are_blank_again(forked: Sandbox, site: str) -> None:
    lines = """
        import csv, os, sys
        seen = [hasattr(csv, "mine"), "mine" in sys.modules, os.listdir("."), "MINE" in os.environ, os.getcwd()]
        sys.modules["mine"] = csv
        open("mine.txt", "w").close()
        os.environ["MINE"] = "1"
        os.chdir("/")
        return [seen, os.getpid(), __import__("random").random()]
    """
    first, second = [await run(forked, site, body(lines), affinity="blank") for _ in range(2)]
    assert first.value[0] == second.value[0] == [False, False, [], False, "/scratch"]
    assert (first.worker_run, second.worker_run) == (1, 2)
    assert first.value[2] != second.value[2]


@ONE_LOOP
@pytest.mark.parametrize(
    "left",
    [
        "import csv; csv.reader = None",
        "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "import asyncio; task.mine = asyncio.ensure_future(asyncio.sleep(9))",
        "import os; os.open('/scratch', os.O_RDONLY)",
    ],
    ids=["a patch", "a thread", "a task", "a descriptor"],
)
async def test_workers_with_residue_serve_no_other_run(forked: Sandbox, site: str, left: str) -> None:
    first, second = [await run(forked, site, body(left), affinity=left) for _ in range(2)]
    assert (first.ok, first.worker_run, second.worker_run) == (True, 1, 1)


@ONE_LOOP
async def test_forks_share_no_random_numbers(forked: Sandbox, site: str) -> None:
    lines = """
        import os, random, tempfile, uuid
        return [random.random(), os.urandom(8).hex(), uuid.uuid4().hex, tempfile.mktemp()]
    """
    first, second = [(await run(forked, site, body(lines))).value for _ in range(2)]
    assert not set(first) & set(second)


@ONE_LOOP
@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        ("while True: pass", "cpu_seconds"),
        ("import asyncio; await asyncio.sleep(60)", "wall_seconds"),
        ("hog = []\nwhile True: hog.append(bytes(1 << 22))", "memory_mb"),
        (
            "import threading, time\nfor _ in range(99): threading.Thread(target=time.sleep, args=(60,)).start()",
            "processes",
        ),
        ("open('big', 'wb').write(bytes(9 << 20))", "scratch_mb"),
        ("for n in range(300): open(f'file{n}', 'w').close()\nimport time; time.sleep(60)", "scratch_files"),
        ("while True: print('x' * 999)", "output_bytes"),
        ("return 'x' * (2 << 20)", "output_bytes"),
        ("import sys\nwhile True: sys.__stderr__.write('x' * 999)", "output_bytes"),
        ("for _ in range(99): await web.get('/')", "web_bytes"),
    ],
)
async def test_limits_hold(forked: Sandbox, site: str, lines: str, limit: str) -> None:
    limits = SandboxLimits(
        wall_seconds=0.3 if limit == "wall_seconds" else 60,
        cpu_seconds=0.3 if limit == "cpu_seconds" else 60,
        memory_mb=128,
        processes=32,
        scratch_mb=8,
        scratch_files=200,
        output_bytes=1 << 20,
        web_bytes=20_000,
    )
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run(forked, site, body(lines), limits=limits)
    assert caught.value.limit == limit


@ONE_LOOP
async def test_forks_see_nothing_of_each_other_and_end_with_their_zygote(forked: Sandbox, site: str) -> None:
    looks = body("""
        import os
        task.log("up")
        return [os.getpid(), os.getppid(), os.listdir("/proc"), os.listdir("/scratch"), sorted(os.environ)]
    """)
    names = ["HOME", "LANG", "PATH", "PWD", "TMPDIR"]
    for outcome in await asyncio.gather(*(run(forked, site, looks) for _ in range(3))):
        assert outcome.value == [1, 0, [], [], names]

    class Listening(Host):
        def __init__(self) -> None:
            self.up = asyncio.Event()

        async def log(self, message: str) -> None:
            self.up.set()

    host = Listening()
    waits = body("task.log('up')\nwhile True: pass")
    running = asyncio.ensure_future(run(forked, site, waits, host=host))
    await host.up.wait()
    zygote = forked._nursery._zygote
    assert zygote is not None
    os.kill(zygote._root_pid, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        await running
    outcome = await run(forked, site, READ, {"n": 1})
    assert outcome.ok, outcome.error
    assert forked._nursery._zygote is not zygote


async def test_worn_zygote_is_replaced_and_ends_with_its_last_worker(site: str) -> None:
    async with Sandbox(isolation="bubblewrap") as opened:
        opened._nursery = nursery = Nursery(lambda: Zygote(most_forks=2))
        assert (await run(opened, site, READ, {"n": 1}, affinity="kept")).ok
        for number in range(2):
            assert (await run(opened, site, READ, {"n": number})).ok
        worn, replacing = nursery._zygote, nursery._replacing
        assert worn is not None
        assert replacing is not None
        await replacing
        assert nursery._zygote is not worn
        kept = await run(opened, site, READ, {"n": 2}, affinity="kept")
        assert (kept.worker_run, worn.usable) == (2, True), "its kept worker still serves"
        while opened._web_pool._waiting:
            opened._web_pool._drop(opened._web_pool._waiting[0])
        await asyncio.wait_for(worn._gone.wait(), 30)
        assert (await run(opened, site, READ, {"n": 3})).ok


@pytest.mark.usefixtures("warm_at_rest")
async def test_nothing_is_left_of_any_worker(site: str) -> None:
    files, earlier, mounts = opened(), children(), Path("/proc/self/mountinfo").read_text()
    async with Sandbox(isolation="bubblewrap") as sandbox:
        for affinity in (None, "a", "a", None):
            assert (await run(sandbox, site, READ, {"n": 1}, affinity=affinity)).ok
        with pytest.raises(SandboxLimitExceeded):
            await run(sandbox, site, body("while True: pass"), limits=SandboxLimits(wall_seconds=0.2))
        assert families(but=earlier)
    assert not await none_left(lambda: [*families(but=earlier), *(opened() - files)])
    assert Path("/proc/self/mountinfo").read_text() == mounts
