"""Properties of elements by their names, for the map of a parsed page."""

from __future__ import annotations

import re

from sandbox.web.words import words

_BLOCKS = words(
    "address article aside blockquote body button caption dd details dialog div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hgroup hr label legend li main menu nav ol option p pre search section"
    " summary table tbody td tfoot th thead tr ul"
)
_SKIPPED = words("script style noscript template canvas object head video audio link")
_KEPT = words(
    "table tr td th tfoot thead ul ol li dl dd dt h1 h2 h3 h4 h5 h6 article caption figcaption button a time img"
    " option input textarea summary legend meta data meter"
)
_LANDMARKS = {"nav": "navigation", **{name: name for name in ("main", "aside", "footer", "dialog", "header", "search")}}
LANDMARK_ROLES = {
    "main": "main", "navigation": "navigation", "complementary": "aside", "contentinfo": "footer", "dialog": "dialog",
    "alertdialog": "dialog", "banner": "header", "search": "search", "region": "region", "tabpanel": "tabpanel",
}  # fmt: skip
_MOST_KNOWN = 500  # pages make names up


class Tag:
    """Properties of the elements of one name.

    Args:
        name: The name, in small letters.

    Attributes:
        block: They begin and end a text unit.
        card: Alike ones may be items of a list.
        current: A class may say that they are the current one of several.
        field: They are form fields.
        item: They are items of a list.
        landmark: The landmark that they are, or empty.
        level: Their level as a heading, else 0.
        path: What they add to the path of a place.
        placed: Where they stand among others says more of the place.
        scope: Headings in them count only there.
        skip: Nothing in them is for readers.
        struck: What stands in them is struck through.
    """

    __slots__ = (
        "block", "card", "current", "field", "item", "landmark", "level", "name", "path", "placed", "scope", "skip",
        "struck",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        own = "-" in name
        self.name = name
        self.block = own or name in _BLOCKS
        self.card = own or name in ("div", "a", "section", "tbody")
        self.current = name in ("a", "button", "li")
        self.field = name in ("select", "input", "textarea")
        self.item = name in ("li", "article")
        self.landmark = _LANDMARKS.get(name, "")
        self.level = int(name[1]) if re.fullmatch("h[1-6]", name) else 0
        self.path = f">{name}" if name in _KEPT else ""
        self.placed = name in ("td", "th", "tr", "table", "figure", "dd")
        self.scope = name in ("article", "aside", "nav", "dialog", "section", "footer", "li")
        self.skip = name in _SKIPPED
        self.struck = name in ("s", "del", "strike")


_known: dict[str, Tag] = {}


def tag_named(name: str) -> Tag:
    """Return the properties of the elements of a name."""
    tag = _known.get(name)
    if tag is None:
        tag = Tag(name)
        if len(_known) < _MOST_KNOWN:
            _known[name] = tag
    return tag
