"""The map of a parsed page, or of one element of it: what `sandbox.inside.map_script` makes in a browser.

The rules are the same, and so are the bounds; tests hold both maps of the same pages against each other. No style sheet
is fetched here, so what only an outside one hides or strikes through is as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sandbox.page_map import MAP_ATTRIBUTES
from sandbox.web.map_texts import short
from sandbox.web.map_units import BESIDE
from sandbox.web.map_walk import MapWalk
from sandbox.web.trees import Node, Tree, attribute, elements_in, lineage, tag_of, text_of

_LONGEST_URL = 1_900
_NO_TEXT_ABOVE = re.compile(r">(button|a|option|label|th|h1)$")
_MOST_NEAR = 6
_MOST_ABOVE = 8  # elements in which an item of a link is looked for


def page_map(
    tree: Tree,
    url: str,
    *,
    read: Collection[str] = (),
    item: Node | None = None,
    link: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Return the map of a page in the form that `sandbox.page_map.parse_map` takes.

    Args:
        tree: The page.
        url: Its address.
        read: Names of attributes that the automation reads, beside the usual ones.
        item: The element to map; the whole page without.
        link: Text and address of the link that is followed from there.
    """
    walk = MapWalk(tree, list(dict.fromkeys((*MAP_ATTRIBUTES, *read))), frozenset(read))
    start = item or tree.root.css_first("body")
    if start is not None:
        walk.start(start)
    if link is not None:
        walk.note("link", short(link[0], 120), link[1])
    return {
        "kind": "page",
        "url": url[:_LONGEST_URL],
        "title": tree.title[:300],
        "h1": walk.h1,
        "crumbs": walk.crumbs,
        "state": walk.state,
        "rowcount": max(walk.counts, default=None),
        "stated": walk.stated,
        "said": list(dict.fromkeys([*walk.said, *_near(walk)])),
        "places": walk.places,
        "items": walk.items,
        "containers": [box.n for box in walk.boxes],
        "units": walk.units,
        "cut": walk.cut,
    }


def item_map(tree: Tree, url: str, link: Node) -> dict[str, Any]:
    """Return the map of the item that a link stands in.

    Args:
        tree: The page.
        url: Its address.
        link: The link.
    """
    known = link.attributes
    text = known.get("aria-label") or text_of(link) or known.get("title") or ""
    return page_map(tree, url, item=_item_of(link) or link, link=(text, known.get("href") or ""))


def _item_of(link: Node) -> Node | None:
    for each in lineage(link):
        if tag_of(each) in ("tr", "li", "article") or attribute(each, "role") in ("row", "listitem"):
            return each
    for above, _ in zip(lineage(link.parent), range(_MOST_ABOVE), strict=False):
        if tag_of(above) == "body":
            return None
        around = above.parent
        beside = list(elements_in(around))[:50] if around is not None else []
        look = tag_of(above), attribute(above, "class") or ""
        if sum((tag_of(each), attribute(each, "class") or "") == look for each in beside) >= 2:
            return above
    return None


def _near(walk: MapWalk) -> list[str]:
    """Return the paragraphs before the largest list, or the last of all where there is none."""
    sizes = [box.n for box in walk.boxes]
    largest = sizes.index(max(sizes)) if max(sizes, default=0) > 0 else -1
    units = walk.units
    end = next((n for n, unit in enumerate(units) if unit[1] >= 0 and walk.items[unit[1]][1] == largest), len(units))
    near: list[str] = []
    for place, item, text in reversed(units[:end]):
        path, _, _, region, _, hidden, _ = walk.places[place]
        if item >= 0 or hidden or "@" in path or not 2 < len(text) <= 200:
            continue
        if not BESIDE.match(region) and not _NO_TEXT_ABOVE.search(path):
            near.append(short(text, 200))
            if len(near) >= _MOST_NEAR:
                break
    return near[::-1]
