"""Places of values where there is no browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import AsyncEngine
from engine.contract import Observed, learn
from sandbox import Automation, Egress
from tests.support.pages import Pages, pages
from tests.support.saved import save
from tests.support.stage import NoModel
from tests.support.warm import LentSandbox

READS = """\
async def run(web, parameters, task):
    page = await web.get(task.start_url)
    return [{"name": row["Name"], "price": row["Price"]} for row in page.table("Name", "Price")]
"""


def prices(header: str, mark: str) -> str:
    rows = "".join(f"<tr><td>Lamp number {n}</td><td>{mark}{n}.50</td></tr>" for n in range(1, 9))
    return f"<title>Lamps</title><h1>Lamps</h1><table><tr><th>Name</th><th>{header}</th></tr>{rows}</table>"


@pytest.fixture
def site() -> Iterator[Pages]:
    with pages() as site:
        yield site


async def test_another_unit_beside_the_values_is_drift_without_a_browser_too(
    warm: LentSandbox, site: Pages, tmp_path: Path
) -> None:
    site.html["/"] = prices("Price", "£")
    good = await warm.run(Automation(READS), {}, start_url=f"{site.url}/", egress=Egress(allow=(site.url,)))
    assert good.ok, good.error
    assert good.evidence.maps
    save(tmp_path, "k", READS, contract=learn([Observed(good.value, good.evidence)]), start_url=f"{site.url}/")
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        assert (await engine.run(reuse_key="k", start_url=f"{site.url}/", ai="never")).ok
        site.html["/"] = prices("Price", "$")
        result = await engine.run(reuse_key="k", start_url=f"{site.url}/", ai="never")
    assert result.error is not None
    assert result.error.reason == "drift"
