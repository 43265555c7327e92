"""Exploration of a live page."""

from __future__ import annotations

import ast
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, SandboxLimitExceeded
from tests.support.warm import LentSandbox

DEAF = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\nwhile True: pass"
Session = Any  # lent by the session's sandbox


@pytest.fixture
async def session(warm: LentSandbox, site: str) -> AsyncIterator[Session]:
    opened = await warm.open_session({"n": 3}, start_url=site + "/", egress=Egress(allow=(site,)), host=Host())
    async with opened:
        yield opened


async def test_names_persist_and_the_last_value_is_output(session: Session, site: str) -> None:
    assert session.opened is None
    first = await session.execute("title = await page.title()\nprint('looking')\nparameters['n']")
    assert (first.ok, first.output, first.url, first.title) == (True, "looking\n3", site + "/", "Items")
    assert (await session.execute("title")).output == "'Items'"
    assert (await session.execute("def f(): return title * 2")).output == ""
    assert (await session.execute("f()")).output == "'ItemsItems'"
    assert (await session.execute("await page.goto(task.start_url)")).output == "HTTP 200"


async def test_errors_show_the_lines_of_the_code(session: Session) -> None:
    broken = await session.execute("def f():\n    raise KeyError('k')\nf()")
    assert broken.error is not None
    assert (broken.error.type, broken.error.line) == ("KeyError", 2)
    assert broken.error.traceback.splitlines()[0].strip() == "line 3, in <module>: f()"
    slow = await session.execute("await asyncio.sleep(9)", timeout=0.2)
    assert slow.error is not None
    assert (slow.error.kind, slow.error.line) == ("timeout", 1)
    assert (await session.execute("1")).ok


async def test_output_is_shortened(session: Session) -> None:
    output = (await session.execute("print('a' * 50_000)\n'z' * 50_000")).output
    assert len(output) < 12_200
    assert output.startswith("aaa")
    assert output.endswith("zzz'")


async def test_uninterruptible_code_ends_the_session(session: Session) -> None:
    with pytest.raises(SandboxLimitExceeded) as caught:
        await session._call(str, "execute", 0.5, code=DEAF, timeout=0.1)
    assert caught.value.limit == "wall_seconds"
    with pytest.raises(SandboxLimitExceeded):
        await session.execute("1")


async def test_refs_become_durable_locators(session: Session) -> None:
    snapshot = await session.snapshot()
    assert snapshot.title == "Items"
    line = next(line for line in snapshot.aria.splitlines() if "Next page" in line)
    ref = line.partition("[ref=")[2].partition("]")[0]
    found = await session.locators([ref, "e999"])
    assert found[ref] == 'page.get_by_role("link", name="Next page")'
    assert found["e999"].startswith("error: ")
    assert (await session.execute(f"await {found[ref]}.click()\nawait page.wait_for_url('**/2')")).ok
    assert (await session.evidence()).title == "Second"


async def test_hints_contain_what_the_snapshot_omits(session: Session, site: str) -> None:
    await session.execute(f"await page.goto('{site}/cut')")
    hints = (await session.snapshot()).hints
    assert any(key.startswith("title:") and text == "A very long title of a book" for key, text in hints)


async def test_snapshot_follows_a_new_tab_and_page_stays(session: Session) -> None:
    step = "async with page.expect_popup() as popup:\n    await page.get_by_text('Popup').click()\n"
    step += "await (await popup.value).wait_for_load_state()\nlen(page.context.pages)"
    assert (await session.execute(step)).output == "2"
    assert (await session.snapshot()).title == "Second"
    assert (await session.execute("await page.title(), len(pages)")).output == "('Items', 2)"
    await session.execute("await pages[1].close()")
    assert (await session.snapshot()).title == "Items"


async def test_password_under_any_name_logs_in_by_web(warm: LentSandbox, site: str) -> None:
    egress = Egress(allow=(site,))
    async with await warm.open_session({"password": "Fen-38-otter"}, start_url=site + "/", egress=egress) as session:
        await session.execute("await web.post('/made', form={'u': 'ada', 'p': parameters['password']}, allow=True)")
        await session.execute("await web.post('/made', form={'u': 'ada'}, allow=True)")
        evidence = await session.evidence()
    assert evidence.logins == evidence.state_changing[:1]
    assert len(evidence.state_changing) == 2


async def test_unreachable_start_url_is_reported_in_opened(warm: LentSandbox) -> None:
    async with await warm.open_session(
        {}, start_url="http://nowhere.invalid/", egress=Egress(), host=Host()
    ) as session:
        assert session.opened is not None
        assert session.opened.kind == "navigation"
        evidence = await session.evidence(screenshot=True)
        assert evidence.main_refused == "dns"
        assert evidence.refused == (("nowhere.invalid:80", "dns"),)
        assert evidence.screenshot is not None


async def test_field_named_like_a_form_property_has_its_hint(session: Session) -> None:
    """Pages have fields named "method" (of payment), and a form's own property of that name is then the field."""
    html = '<form method="post" action="/pay"><input name="method"><input name="iban"></form>'
    await session.execute(f"await page.set_content({html!r})")
    assert ("form", "POST /pay: method iban") in (await session.snapshot()).hints


async def test_a_picture_covers_what_holds_a_secret(session: Session) -> None:
    html = (
        "<body style='margin:0;background:white'><p style='margin:0;height:40px'>Key: hunter2xyz</p>"
        "<input value='hunter2xyz' style='position:absolute;top:60px;left:0;width:200px;height:40px'>"
        "<p style='position:absolute;top:120px'>Hello</p></body>"
    )
    await session.execute(f"await page.set_content({html!r})")
    covered, open_ = await session.picture(["hunter2xyz"]), await session.picture()
    assert covered.image.startswith(b"\xff\xd8")
    assert len(covered.image) < 20_000
    assert "hunter2xyz" not in covered.legible
    assert "Hello" in covered.legible
    assert open_.legible is None
    assert await gray(session, covered.image, (100, 20), (100, 80), (600, 300)) == [True, True, False]
    assert await gray(session, open_.image, (100, 20), (100, 80)) == [False, False]


async def test_a_run_with_boxes_shows_its_whole_page_without_secrets(warm: LentSandbox, site: str) -> None:
    code = (
        "async def run(page, parameters, task):\n"
        "    await page.set_content('<p>Key: hunter2xyz</p><p style=\"margin-top:2000px\">End</p>')\n"
        "    return await page.locator('p').last.inner_text()\n"
    )
    ran = await warm.run(
        Automation(code), {}, start_url=site + "/", egress=Egress(allow=(site,)), boxes=True, covered=["hunter2xyz"]
    )
    picture = ran.evidence.picture
    assert picture is not None
    assert picture.url == site + "/"
    assert "hunter2xyz" not in picture.legible
    assert "End" in picture.legible
    plain = await warm.run(Automation(code), {}, start_url=site + "/", egress=Egress(allow=(site,)))
    assert plain.evidence.picture is None


async def test_a_page_that_is_gone_gives_no_picture(session: Session) -> None:
    await session.execute("await page.close()")
    assert await session.picture() is None


async def gray(session: Session, image: bytes, *points: tuple[int, int]) -> list[bool]:
    """Tell for each point of an image if it has the color of a cover."""
    read = """async ([image, points]) => {
      const bitmap = await createImageBitmap(await (await fetch('data:image/jpeg;base64,' + image)).blob());
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      context.drawImage(bitmap, 0, 0);
      return points.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3));
    }"""
    arguments = [base64.b64encode(image).decode(), [list(point) for point in points]]
    shown = await session.execute(f"await page.evaluate({read!r}, {arguments!r})")
    return [all(abs(level - 128) < 8 for level in color) for color in ast.literal_eval(shown.output)]
