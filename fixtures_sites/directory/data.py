"""The 53 fictitious businesses of the guide; with another seed, those of another day."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from random import Random

from ..seeds import current_seed, next_day

__all__ = ["CATEGORIES", "ENTRIES", "PAGE_SIZE", "Entry", "entries", "in_category"]

PAGE_SIZE = 12

CATEGORIES = {
    "joinery": "Joinery & Carpentry",
    "electrical": "Electrical Work",
    "gardens": "Landscape & Gardens",
    "surveying": "Surveying",
    "stonemasonry": "Stonemasonry",
    "thatching": "Thatching",
}

# Pages of twelve: two pages, two, exactly one, less than one, four rows, and none at all under "thatching".
_NAMES = {
    "joinery": "Aldous & Fenn Joinery|Brightwater Joinery|Caddow Carpentry|Copperlane Workshop|Dunnock Timberworks|"
    "Elmsgate Joinery|Foxhollow Carpentry|Garrod & Daughter|Hollin Bench Joinery|Ivelstone Woodcraft|"
    "Kettlebridge Stairs|Larchfield Carpentry|Marlowe Sash Windows|Nettlecombe Joinery|Oakhanger & Pyle|"
    "Pennywell Kitchens|Quillfeather Furniture & Fitted Interiors of Upper Harrowmere",
    "electrical": "Amberline Electrical|Beckside Electrics|Currant & Coil|Dovedell Electrical|Evenlight Contractors|"
    "Fairlead Electrics|Glimmerton & Sons|Harrowmere Rewire|Jessamy Electrical|Kilnside Power & Light|"
    "Lowmoor Electrics|Millrace Electrical|Northlight Installations",
    "gardens": "Appledown Gardens|Bracken & Bloom|Cloverhurst Landscapes|Dewpond Gardens|Elderwick Landscaping|"
    "Fernyhalgh Paving|Greenlow Gardens|Hazelmere Hedges|Ivydene Ponds & Water Gardens|Juniper Row Gardens|"
    "Kingcup Landscapes|Longacre Lawns",
    "surveying": "Ashdown Levels|Bearing & Baseline|Chainmark Surveyors|Datum House Surveys|Everhill Land Survey|"
    "Fathom & Field|Greyrule Surveying",
    "stonemasonry": "Ashlar Yard|Bellwether Stone|Chiselbank Masonry|Drystane & Co.",
}
_STREETS = (
    "Quarry Lane|Chapel Street|Mill Road|Station Yard|Weavers Row|Long Meadow|Bridge End|Tanner's Court|Priory Way"
)
_TOWNS = {
    "Aldersby": "HM1",
    "Harrowmere": "HM2",
    "Nether Coombe": "HM3",
    "Saltwick": "HM4",
    "Tarn Bridge": "HM5",
}
_FIRST_NUMBERS = 53
_NEW_TOWN = {"Withy Cross": "HM6"}
_FIRST = "Alder|Birch|Cinder|Drover|Ember|Fallow|Gorse|Hazel|Inglebrook|Juniper|Kestrel|Linden|Marram|Osier|Rowan & Son|Tansy"
_LAST = {
    "joinery": "Joinery|Carpentry|Stair Works",
    "electrical": "Electrical|Electrics|Power & Light",
    "gardens": "Gardens|Landscapes|Hedges & Ponds",
    "surveying": "Surveys|Levels",
    "stonemasonry": "Masonry|Stone",
}
_SERVICES = {
    "joinery": "Staircases, sash windows and fitted cupboards, measured on site and made in our own workshop",
    "electrical": "Rewiring, fuse boards and outdoor lighting for houses, farms and small workshops in the county",
    "gardens": "Planting plans, paving, ponds and hedges, with a maintenance visit every season if you want one",
    "surveying": "Boundary, level and measured building surveys, drawn up within ten working days of the visit",
    "stonemasonry": "Lime pointing, carved lintels and dry stone walls, with stone from two local quarries only",
}


@dataclass(frozen=True)
class Entry:
    """One business of the guide."""

    number: int
    name: str
    category: str
    address: str
    town: str
    phone: str
    website: str | None
    founded: int
    rating: str
    reviews: int
    price: str
    checked: str
    about: str

    @cached_property
    def slug(self) -> str:
        """The name in a path."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def _entry(number: int, name: str, category: str) -> Entry:
    towns = _TOWNS if number <= _FIRST_NUMBERS else {**_TOWNS, **_NEW_TOWN}
    town = list(towns)[number * 7 % len(towns)]
    streets = _STREETS.split("|")
    postcode = f"{towns[town]} {number % 9 + 1}{'ABDEFGHJ'[number % 8]}{'LNPQRSTU'[number * 3 % 8]}"
    domain = re.sub(r"[^a-z]+", "", name.lower())[:18]
    return Entry(
        number=number,
        name=name,
        category=category,
        address=f"{number * 11 % 94 + 2} {streets[number * 5 % len(streets)]}, {town}, {postcode}",
        town=town,
        phone=f"01632 960{number * 17 % 900 + 100}",  # a range kept free for fiction
        website=None if number % 8 == 3 else f"https://www.{domain}.example",
        founded=1951 + number * 29 % 71,
        rating=f"{3.4 + number * 13 % 16 / 10:.1f}",
        reviews=number * 37 % 211 + 3,
        price=f"£{35 + number * 15 % 90}.00",
        checked=f"{number * 5 % 27 + 1} {('January', 'March', 'June', 'September')[number % 4]} 2025",
        about=f"{_SERVICES[category]}. {name} serves {town} and twelve miles around it.",
    )


@cache
def _entries(seed: int) -> tuple[Entry, ...]:
    if seed:
        found = next_day(seed, "directory", _entries(seed - 1), come=_newcomer, change=_changed)
        return tuple(sorted(found, key=lambda entry: entry.name))
    pairs = [(name, category) for category, names in _NAMES.items() for name in names.split("|")]
    pairs.sort(key=lambda pair: pair[0])
    return tuple(_entry(number, name, category) for number, (name, category) in enumerate(pairs, start=1))


def _newcomer(chance: Random, known: list[Entry]) -> Entry | None:
    category = chance.choice(list(_LAST))
    name = f"{chance.choice(_FIRST.split('|'))} {chance.choice(_LAST[category].split('|'))}"
    number = max(_FIRST_NUMBERS, *(entry.number for entry in known)) + 1
    return None if name in {entry.name for entry in known} else _entry(number, name, category)


def _changed(chance: Random, entry: Entry) -> Entry:
    if chance.random() < 0.5:
        return replace(entry, price=f"£{float(entry.price.removeprefix('£')) + chance.choice((-5, 5, 10)):.2f}")
    rating = min(5.0, max(1.0, float(entry.rating) + chance.choice((-0.1, 0.1))))
    return replace(entry, rating=f"{rating:.1f}", reviews=entry.reviews + 1)


ENTRIES = _entries(0)


def entries() -> tuple[Entry, ...]:
    """Return all entries of the current seed, in alphabetical order."""
    return _entries(current_seed())


def in_category(category: str, *, seed: int | None = None) -> tuple[Entry, ...]:
    """Return the entries of a category, in alphabetical order; all entries if the name is empty or unknown."""
    found = entries() if seed is None else _entries(seed)
    return found if category not in CATEGORIES else tuple(entry for entry in found if entry.category == category)
