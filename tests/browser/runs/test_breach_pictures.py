"""The page of a result that was refused: kept with the places of the values that depart, beside those of a good run."""

from __future__ import annotations

from pathlib import Path

from engine import AsyncEngine, Event
from engine.contract import Observed, learn
from engine.task.schema import infer
from sandbox import Evidence
from tests.support.own_site import Answer, Asked, own_site
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

READS = """\
async def run(page, parameters, task):
    rows = await page.locator("tr.lamp").all()
    return [
        {"name": await row.locator("td").nth(0).inner_text(), "price": await row.locator("td").nth(1).inner_text()}
        for row in rows
    ]
"""
NAMES = ["Fir", "Oak", "Elm", "Ash"]
GOOD = [{"name": name, "price": f"{n + 1}.50"} for n, name in enumerate(NAMES)]


def lamps(prices: list[str], head: str) -> str:
    rows = "".join(
        f'<tr class="lamp"><td>{name}</td><td>{price}</td></tr>' for name, price in zip(NAMES, prices, strict=True)
    )
    return f"<title>Lamps</title><table><tr><th>Name</th><th>{head}</th></tr>{rows}</table>"


async def test_refused_values_are_shown_where_they_stand_beside_good_ones(tmp_path: Path) -> None:
    shown = [lamps([row["price"] for row in GOOD], "Price")]
    save(tmp_path, "k", READS, contract=learn([Observed(GOOD, Evidence())]), schema=infer([GOOD]))
    events: list[Event] = []

    def answer(asked: Asked) -> Answer:
        return Answer(shown[0], headers={"content-type": "text/html"})

    with own_site(answer) as site:
        async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
            asked = {"start_url": f"{site.url}/", "reuse_key": "k", "ai": "never"}
            good = await engine.run(TASK, **asked)
            assert good.ok, good.error
            shown[0] = lamps(["12.25", "70.75", "9.50", "81.25"], "Weight")
            refused = await engine.run(TASK, on_event=events.append, **asked)
            html = refused.report(tmp_path / "report.html").read_text()
    assert refused.error is not None
    assert refused.error.reason == "drift"
    (pictured,) = [event for event in events if event.type == "breaches.pictured"]
    left, top, width, height = pictured.data["boxes"]["$[*].price"]
    assert left > 10, "the second column"
    assert min(top, width, height) > 0
    assert f'data-crop="page-now" data-box="{left},{top},{width},{height}"' in html
