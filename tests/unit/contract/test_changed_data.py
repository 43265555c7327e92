"""Data that change from day to day on the same page are not taken for drift."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.contract import check, learn
from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of

Rows = list[dict[str, Any]]
_WORDS = ("oak", "river", "stone", "mill", "north", "amber", "quay", "field", "harbor", "elm", "forge", "lane")
_TOWNS = ("Harrow", "Penfield", "Ashby", "Corran", "Low Mill", "Tresco")


def name(rng: random.Random) -> str:
    return " ".join(rng.sample(_WORDS, rng.randint(2, 4))).title()


class Shops:
    """A list in which rows come and go and prices move a little."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.rows = [self.row() for _ in range(rng.randint(4, 60))]

    def row(self) -> dict[str, Any]:
        rng = self.rng
        return {
            "name": f"{name(rng)} {rng.randint(1, 99)}",
            "town": rng.choice(_TOWNS),
            "rating": round(rng.uniform(2.5, 5), 1),
            "price": float(rng.randint(20, 400)),
            "phone": f"0{rng.randint(1000, 9999)} {rng.randint(100000, 999999)}" if rng.random() < 0.85 else None,
            "since": f"{rng.randint(1990, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        }

    def another_day(self) -> Rows:
        rng = self.rng
        kept = [row for row in self.rows if rng.random() > 0.1] or self.rows[:1]
        for row in kept:
            if rng.random() < 0.3:
                row["price"] = round(row["price"] * rng.uniform(0.8, 1.25), 2)
            if rng.random() < 0.2:
                row["rating"] = round(rng.uniform(2.5, 5), 1)
        self.rows = kept + [self.row() for _ in range(rng.randint(0, len(kept) // 6 + 1))]
        return [dict(row) for row in self.rows]


class News:
    """A list that is mostly new each time, with counts that grow, texts as the page shows them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.day, self.rows = rng, 1, list[dict[str, Any]]()
        self.another_day()

    def another_day(self) -> Rows:
        rng = self.rng
        self.day += rng.randint(1, 5)
        for row in self.rows:
            row["comments"] += rng.randint(0, 30)
        new = [
            {
                "headline": f"{name(rng)}: {name(rng).lower()} {rng.choice(('wins', 'burns', 'opens', 'closes'))}",
                "author": rng.choice(("Ada Kern", "Bo Lund", "Cy Marsh", "Di Noor")),
                "published": f"{1 + self.day % 28} {('Jan', 'Feb', 'March', 'May', 'Sept')[self.day // 28 % 5]} 2025",
                "comments": rng.randint(0, 80),
            }
            for _ in range(rng.randint(3, 15))
        ]
        self.rows = (new + self.rows)[: rng.randint(18, 25)]
        return [dict(row) for row in self.rows]


class Quotes:
    """The same rows each time, every number another; money as text."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.prices = {f"{w.upper()}{n}": rng.uniform(1, 900) for n, w in enumerate(_WORDS)}

    def another_day(self) -> Rows:
        self.prices = {code: p * self.rng.uniform(0.9, 1.1) for code, p in self.prices.items()}
        change = {code: self.rng.uniform(-10, 10) for code in self.prices}
        return [
            {"code": code, "price": f"€ {p:,.2f}", "change": f"{change[code]:+.1f} %".replace("+", "")}
            for code, p in self.prices.items()
        ]


SOURCES: tuple[Callable[[random.Random], Any], ...] = (Shops, News, Quotes)


@pytest.mark.parametrize("source", SOURCES)
def test_false_alarms_are_rare(source: Callable[[random.Random], Any], database: Database) -> None:
    alarms: list[str] = []
    runs = 0
    for seed in range(10):
        rng = random.Random(seed)
        lists = {q: source(rng) for q in ("a", "b", "c")}
        first = run_of(lists["a"].another_day(), {"q": "a"})
        past = CleanRuns(database, first)
        past.contract = learn([first, run_of(lists["b"].another_day(), {"q": "b"})], "newest first")
        past.revision = str(seed)
        past.add(first)
        for _ in range(10):
            q = rng.choice("aab" if rng.random() < 0.8 else "c")
            run = run_of(lists[q].another_day(), {"q": q})
            runs += 1
            alarms += [f"seed {seed}: {b}" for b in check(past.contract, run, past.history(run))]
            past.add(run)  # as if it had been settled
    assert len(alarms) <= runs / 100, alarms
