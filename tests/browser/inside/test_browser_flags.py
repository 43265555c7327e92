"""The flags that the browser of a worker got."""

from __future__ import annotations

from tests.support.mapped import Run


async def test_a_worker_browser_disables_what_playwright_does_and_keeps_its_frames(run: Run) -> None:
    outcome = await run(
        "<p>x</p>",
        """
        import pathlib
        commands = [path.read_bytes().split(b"\\0") for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
        browser = next(command for command in commands if b"--remote-debugging-pipe" in command)
        return [flag.decode().partition("=")[2] for flag in browser if flag.startswith(b"--disable-features=")]
        """,
    )
    of_playwright, ours = (set(str(features).split(",")) for features in outcome.value)
    assert ours - of_playwright == {"RenderDocument"}
    assert of_playwright < ours
