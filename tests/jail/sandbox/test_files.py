"""Files that an automation hands over: downloads in the ways of real sites, and files of its own, in every jail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import Host
from tests.support.jailed import PDF, Run
from tests.support.jails import IN_EACH_JAIL

pytestmark = pytest.mark.asyncio(loop_scope="module")


class FileKeeper(Host):
    def __init__(self) -> None:
        self.files: list[tuple[str, str, str | None, bytes]] = []

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        data = b"".join([chunk async for chunk in chunks])
        self.files.append((name, content_type, url, data))
        return {"name": name, "size": len(data)}


@IN_EACH_JAIL
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


@IN_EACH_JAIL
async def test_attach_gives_a_written_file_to_the_host(run: Run) -> None:
    host = FileKeeper()
    body = "open('a.bin', 'wb').write(bytes(1_000_000))\nreturn await task.attach('a.bin', name='b.bin')"
    assert (await run(body, path=None, host=host)).value == {"name": "b.bin", "size": 1_000_000}
    assert host.files[0][0] == "b.bin"


def button(name: str) -> str:
    return f"page.get_by_role('button', name={name!r})"


def link(name: str) -> str:
    return f"page.get_by_role('link', name={name!r}, exact=True)"


@pytest.mark.parametrize(
    ("source", "name", "content_type"),
    [
        (button("Statement"), "made.pdf", "application/pdf"),
        (button("New tab"), "download.pdf", "application/pdf"),
        (button("By script"), "Übersicht.pdf", "application/pdf"),
        (button("Preview"), "download.pdf", "application/pdf"),
        (button("Draw"), "Réport.pdf", "application/pdf"),
        (link("By method"), "made.pdf", "application/pdf"),
        (link("Viewer"), "Réport.pdf", "application/pdf"),
        (link("Letter"), "Letter für 2024 €.pdf", "application/pdf"),
        (button("Answers"), "Letter für 2024 €.pdf", "application/pdf"),
        (link("Told"), "as told.pdf", "application/pdf"),
        ("page.locator('embed')", "Réport.pdf", "application/pdf"),
        ("'/plain'", "plain.pdf", "application/pdf"),
    ],
)
async def test_file_comes_in_whatever_way_the_site_gives_it_out(
    run: Run, source: str, name: str, content_type: str
) -> None:
    host = FileKeeper()
    outcome = await run(f"return await task.download({source}, timeout=30)", path="/files", host=host)
    assert outcome.ok, outcome.error
    assert [(file[0], file[1], file[3]) for file in host.files] == [(name, content_type, PDF)]


async def test_file_that_is_given_out_once_is_asked_for_once(run: Run) -> None:
    host = FileKeeper()
    body = f"await task.download({button('One time')}, timeout=30)\nreturn len(page.context.pages), page.url"
    outcome = await run(body, path="/files", host=host)
    assert outcome.ok, outcome.error
    assert outcome.value[0] == 1
    assert outcome.value[1].endswith("/files")
    assert host.files[0][3] == PDF


async def test_document_that_a_frame_shows_was_asked_for_by_the_page(run: Run) -> None:
    host = FileKeeper()
    outcome = await run("await task.download(page.locator('iframe'))", path="/framed", host=host)
    assert outcome.ok, outcome.error
    assert host.files[0][3] == PDF


async def test_text_that_the_browser_shows_is_taken_and_the_page_comes_back(run: Run) -> None:
    host = FileKeeper()
    body = f"file = await task.download({button('Note')}, timeout=30)\nreturn file.text(), page.url.rpartition('/')[2]"
    assert (await run(body, path="/files", host=host)).value == ["Größe: 5 €", "files"]


async def test_data_of_a_link_needs_no_request(run: Run) -> None:
    host = FileKeeper()
    await run(f"await task.download({link('Rows')})", path="/files", host=host)
    assert host.files == [("rows.csv", "text/csv", None, b"a;b\n")]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (button("Gone"), "was answered with HTTP 404 at"),
        (button("Nothing"), "started no download within 1 s"),
        (link("A page"), "started no download within 1 s; it opened http"),
    ],
)
async def test_click_that_brings_no_file_says_what_it_brought(run: Run, source: str, problem: str) -> None:
    timeout = 8 if "Gone" in source else 1
    error = (await run(f"await task.download({source}, timeout={timeout})", path="/files", host=FileKeeper())).error
    assert error is not None
    assert problem in error.message


class Shelf(Host):
    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        size = sum([len(chunk) async for chunk in chunks])
        return {"name": name, "size": size, "path": f"/srv/user/store/{name}"}


@IN_EACH_JAIL
async def test_file_can_be_read_by_the_automation_and_has_the_hosts_path_in_the_output(run: Run) -> None:
    body = """
    file = await task.download("/data.csv")
    rows = open(file["path"]).read().splitlines()
    return {"file": file, "where": file["path"], "rows": rows, "text": file.text(), "bytes": len(file.read())}
    """
    kept = {"name": "data.csv", "size": 8, "path": "/srv/user/store/data.csv"}
    expected = {"file": kept, "where": kept["path"], "rows": ["a,b", "1,2"], "text": "a,b\n1,2\n", "bytes": 8}
    assert (await run(body, host=Shelf())).value == expected


async def test_names_that_no_file_system_takes_are_made_so(run: Run) -> None:
    host = FileKeeper()
    body = """
    open("f", "w").write("x")
    for name in ("x" * 5000 + ".csv", "invoice\\u202efdp.exe", "a\\nb\\x1b[31m.csv", "\\U000e0041\\u200b"):
        await task.attach("f", name=name)
    """
    outcome = await run(body, path=None, host=host)
    assert outcome.ok, outcome.error
    assert [file[0] for file in host.files] == ["x" * 251 + ".csv", "invoicefdp.exe", "a b[31m.csv", "download"]


@IN_EACH_JAIL
async def test_library_code_that_looks_for_files_of_the_system_works(run: Run) -> None:
    body = """
    import mimetypes, platform, shutil, tempfile, zoneinfo
    from pathlib import Path
    zoneinfo.ZoneInfo("Europe/Berlin"), platform.platform(), platform.freedesktop_os_release(), tempfile.mkdtemp()
    Path("a.csv").write_text("1")
    shutil.copy("a.csv", "b.csv"), shutil.copy2("a.csv", "c.csv"), Path("a.csv").touch()
    return [mimetypes.guess_type("c.csv")[0], Path("b.csv").read_text(), Path("c.csv").read_text()]
    """
    outcome = await run(body, path=None)
    assert outcome.value == ["text/csv", "1", "1"], outcome.error
