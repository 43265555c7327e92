"""Automations without a browser for the same sites, written by hand: rows of their own in the benches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.benchmarks.pages.boards import JOBS
from tests.benchmarks.pages.make import Make
from tests.benchmarks.pages.notices import FEE, SERVICES
from tests.benchmarks.pages.shops import CARDS

_CARDS = """\
import re


async def run(web, parameters, task):
    start = await web.get(task.start_url)
    shelf = await web.follow(start.link(parameters["category"], exact=True).one)
    found = []
    for card in shelf.css(".card"):
        found.append({
            "name": card.css("h3").one.text,
            "price": float(re.search(r"\\d[\\d,]*\\.\\d\\d", card.css(".price").first.text)[0].replace(",", "")),
            "rating": float(re.search(r"\\d+(\\.\\d)?", card.css(".rating").one.text)[0]),
            "in_stock": "sold out" not in card.css(".badge").first.text.lower(),
            "image": card.css("img").one["src"],
        })
    return found
"""
_JOBS = """\
import re
from datetime import datetime


async def run(web, parameters, task):
    page = await web.get(task.start_url)
    page = await page.form("Find jobs").submit({"Town": parameters["town"]})
    found = []
    while True:
        for hit in page.css("li.hit"):
            found.append({
                "title": hit.css("h2").one.text,
                "company": hit.css(".meta span").first.text,
                "salary": int(re.search(r"\\d[\\d,]*", hit.css("strong").one.text)[0].replace(",", "")),
                "posted": datetime.strptime(hit.css("time").one.text, "%d %B %Y").date().isoformat(),
                "remote": hit.css(".tag").one.text == "Remote",
            })
        following = page.link("Next", exact=True)
        if not following:
            return found
        page = await web.follow(following.one)
"""
_SERVICES = """\
async def run(web, parameters, task):
    start = await web.get(task.start_url)
    page = await web.follow(start.link(parameters["venue"], exact=True).one)
    return page.css("ul.services li").texts
"""
_FEE = """\
import re


async def run(web, parameters, task):
    start = await web.get(task.start_url)
    page = await web.follow(start.link(parameters["venue"], exact=True).one)
    return float(re.search(r"\\d+\\.\\d\\d", page.css("table.fees td").first.text)[0])
"""
_CODES = ((CARDS, _CARDS), (JOBS, _JOBS), (SERVICES, _SERVICES), (FEE, _FEE))
LIGHT: Mapping[str, Make] = {
    name: replace(make, name=name, code=code) for make, code in _CODES for name in [f"{make.name}-web"]
}
