"""The correct result of each scenario, computed from the sites' own data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .archive.model import of_year
from .directory.data import CATEGORIES, in_category
from .feed.data import TOPICS, about
from .ledger.data import STATUSES, select
from .seeds import seeded

__all__ = ["truth"]


def truth(site: str, parameters: Mapping[str, Any], *, seed: int = 0) -> list[dict[str, Any]]:
    """Return the rows that the scenario of ``site`` must return; a file is represented as ``{"sha256": …}``.

    >>> truth("directory", {"category": "Stonemasonry"})[0]["name"]
    'Ashlar Yard'
    """
    with seeded(seed):
        return _TRUTHS[site](parameters)


def _directory(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "town": each.town,
            "rating": float(each.rating),
            "call_out_price": float(each.price.removeprefix("£")),
        }
        for each in in_category(_key(CATEGORIES, parameters["category"]))
    ]


def _feed(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"headline": each.title, "author": each.author, "date": each.day.isoformat(), "comments": each.comments}
        for each in about(_key(TOPICS, parameters["topic"]))
    ]


def _ledger(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"number": each.number, "client": each.client, "due": each.due.isoformat(), "amount": each.cents / 100}
        for each in select(_key(STATUSES, parameters["status"]), sort="number")
    ]


def _archive(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "number": each.number,
            "title": each.title,
            "published": each.published.isoformat(),
            "data": {"sha256": hashlib.sha256(each.csv.content).hexdigest()},
        }
        for each in reversed(of_year(int(parameters["year"])))
    ]


def _key(names: Mapping[str, str], name: str) -> str:
    return next(key for key, shown in names.items() if shown == name)


_TRUTHS = {"archive": _archive, "directory": _directory, "feed": _feed, "ledger": _ledger}
