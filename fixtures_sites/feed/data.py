"""The 64 fictitious stories of the newspaper; with another seed, those of another day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from random import Random

from ..seeds import current_seed, next_day

__all__ = ["BATCH", "STORIES", "TOPICS", "Story", "about", "stories"]

BATCH = 15

TOPICS = {
    "harbor": "Harbor",
    "weather": "Weather",
    "council": "Council",
    "wildlife": "Wildlife",
    "sport": "Sport",
    "classifieds": "Classifieds",
}

# 19 + 16 + 14 + 10 + 5 + 0: with batches of fifteen, two, two, one, one, one, and an empty one.
_HEADLINES = {
    "harbor": "Ferry timetable moves to winter hours|Crane on pier four passes its inspection|Oyster boats stay in for a third day|"
    "Dredging of the inner basin to start in March|New lamp for the breakwater light|Harbor office opens on Saturdays|"
    "Fishermen ask for a second ice house|Two trawlers swap berths after the storm|Slipway closed for resurfacing|"
    "Sail loft finds a new tenant|Pilot boat back from refit, eleven days late|Mooring fees rise by four percent|"
    "Net store fire was an electrical fault, the inspector says in a report of forty pages|Seaweed harvest lands its first tons|"
    "Lock gates to be opened by hand until Friday|Customs house roof repaired|Old tug becomes a floating library|"
    "Night crossing suspended until Easter|Divers recover a lost anchor",
    "weather": "Fog expected until noon|Spring tide warning for the lower quay|Coldest October morning since 1998|"
    "Storm shutters: what to check before the weekend|Rain gauge at the school breaks a record|Frost reaches the salt pans|"
    "A dry week ahead for the harvest|Thunder over the marsh, no damage reported|Wind closes the causeway twice|"
    "Snow on the high moor|Weather station gets a new mast|Hail dents forty greenhouse panes in Lower Saltmarsh and the villages around it|"
    "Mild air until Sunday|Flood gauges read normal again|Sea temperature above average|Clear skies for the meteor shower",
    "council": "Library hours under review|Bus route 14 keeps its evening service|Budget vote moved to the 19th|"
    "Playground plan goes on display|Council buys back the old mill|Parking on Fish Street: a compromise|"
    "New street lamps use half the power|School meals price frozen for a year|Town clock to strike again|"
    "Residents question the bypass study at a meeting that lasted until midnight|Recycling center adds a Sunday|"
    "Allotment waiting list shrinks|Three candidates for the harbor ward|Bridge repair tender goes out",
    "wildlife": "Seal pups counted on the sandbar|Avocets return to the lagoon|Otter seen below the weir|"
    "Volunteers clear two miles of beach|Eel ladder works, first numbers show|Bats in the bell tower stay|"
    "Geese arrive nine days early this autumn, say the wardens of the marsh reserve|Rare orchid behind the station|"
    "Jellyfish on the north beach|Hedgehog crossing gets a sign",
    "sport": "Rowing club wins the estuary cup|Under-fifteens draw away|Pool reopens after repairs|"
    "Fell race moved to the lower course|Veterans' bowls final goes to an extra end",
}
_AUTHORS = "Ines Calloway|Tobias Wren|Maud Petherick|Olu Sandiford|Greta Lindqvist-Hale|Rafe Ombersley|Hanne Trelawn"
_TODAY = date(2025, 11, 14)
_NEW_AUTHOR = "Jory Penrose-Vane"
_WHO = "Residents|Fishermen|The wardens|Two schools|The harbor master|A neighbor|The club|Three councilors"
_WHAT = "ask for a second look|report a quiet week|wait for the inspection|mark fifty years|open the doors on Sunday|lose a vote"


@dataclass(frozen=True)
class Story:
    """One story; `number` counts from the newest."""

    number: int
    title: str
    topic: str
    author: str
    day: date
    comments: int
    summary: str

    @property
    def printed(self) -> str:
        """The date as the pages show it."""
        return f"{self.day.day} {self.day:%B %Y}"


def _mixed() -> Iterator[tuple[str, str]]:
    """Interleave the topics in proportion, as a newspaper does."""
    places = []
    for order, (topic, titles) in enumerate(_HEADLINES.items()):
        names = titles.split("|")
        places += [((index + 0.5) / len(names), order, topic, name) for index, name in enumerate(names)]
    for _, _, topic, name in sorted(places):
        yield topic, name


def _story(number: int, topic: str, title: str) -> Story:
    authors = _AUTHORS.split("|")
    return Story(
        number=number,
        title=title,
        topic=topic,
        author=authors[number * 5 % len(authors)],
        day=_TODAY - timedelta(days=number * 3 // 2),
        comments=number * 23 % 58,
        summary=f"{title}. What it means for Saltmarsh and the villages along the estuary, whom it concerns, and what is "
        "decided next, as far as it was known when this page went to press.",
    )


@cache
def _stories(seed: int) -> tuple[Story, ...]:
    if not seed:
        return tuple(_story(number, topic, title) for number, (topic, title) in enumerate(_mixed(), start=1))
    today = _TODAY + timedelta(days=seed)

    def newest(chance: Random, known: list[Story]) -> Story | None:
        topic = chance.choice(list(_HEADLINES))
        title = f"{chance.choice(_WHO.split('|'))} {chance.choice(_WHAT.split('|'))} ({seed})"
        story = _story(1000 * seed + len(known), topic, title)
        return replace(story, day=today, author=_NEW_AUTHOR if chance.random() < 0.1 else story.author)

    def read_again(chance: Random, story: Story) -> Story:
        return replace(story, comments=story.comments + chance.randint(1, 3))

    found = next_day(seed, "feed", _stories(seed - 1), come=newest, change=read_again)
    talked_of = [
        replace(story, comments=story.comments + story.number % 3) if (today - story.day).days <= 5 else story
        for story in found
    ]
    return tuple(sorted(talked_of, key=lambda story: story.day, reverse=True))


STORIES = _stories(0)


def stories() -> tuple[Story, ...]:
    """Return all stories of the current seed, newest first."""
    return _stories(current_seed())


def about(topic: str, *, seed: int | None = None) -> tuple[Story, ...]:
    """Return the stories on a topic, newest first; all stories if the name is empty or unknown."""
    found = stories() if seed is None else _stories(seed)
    return found if topic not in TOPICS else tuple(story for story in found if story.topic == topic)
