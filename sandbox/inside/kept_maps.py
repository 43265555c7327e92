"""The maps of a run that are kept: of more than fit, some of all its parts.

They are the first, every so many after it, and the last.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sandbox.http_login import split_userinfo
from sandbox.inside.data_maps import content_kind, map_of_data, map_of_text, parsed
from sandbox.page_map import MOST_BYTES, MOST_FILES, MOST_MAPS

_LOG = logging.getLogger(__name__)
RESERVED = MOST_BYTES // 2
"""The most bytes of the last map, and those that are left for it."""
_SHORTEST_SECRET = 4
_LONGEST_URL = 1_900


class KeptMaps:
    """The maps of one run.

    Args:
        secrets: Gives the passwords and codes that were typed so far; no map holds them.

    Attributes:
        unmapped: The number of times that something was read and is in none of the maps.
    """

    def __init__(self, secrets: Callable[[], Collection[str]] = tuple) -> None:
        self.unmapped = 0
        self._secrets = secrets
        self._kept: list[tuple[int, str, dict[str, Any]]] = []
        self._files: list[list[Any]] = []
        self._last: list[list[Any]] = []
        self._number, self._step = 0, 1

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """Let no error of ours fail the run: what it cost is counted as not mapped."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  evidence is what can be had
            _LOG.debug("not mapped: %r", error)
            self.unmapped += 1

    def __bool__(self) -> bool:
        """Return True where any map was due."""
        return self._number > 0

    def due(self) -> int | None:
        """Return the number of the next map; None, counted, where it is not among those that are kept."""
        number, self._number = self._number, self._number + 1
        if self.is_kept(number):
            return number
        self.unmapped += 1
        return None

    def is_kept(self, number: int) -> bool:
        """Return True for the number of a map that is still among those that are kept."""
        return number % self._step == 0

    def keep(self, number: int, text: str | None, beside: dict[str, Any]) -> None:
        """Keep a map, and every second of all maps until they fit beside the last."""
        if text is None or any(kept == text for _, kept, _ in self._kept):
            return
        self._kept.append((number, text, beside))
        while len(self._kept) >= MOST_MAPS or sum(len(kept) for _, kept, _ in self._kept) > MOST_BYTES - RESERVED:
            self.thin()

    def thin(self) -> None:
        """Keep every second map from now on."""
        self._step *= 2
        kept = [each for each in self._kept if self.is_kept(each[0])]
        self.unmapped += len(self._kept) - len(kept)
        self._kept = kept

    def keep_last(self, text: str, beside: dict[str, Any]) -> None:
        """Keep a map as that of the page which the run left."""
        self._last = [[text, beside]]
        self._kept = [each for each in self._kept if each[1] != text]

    def keep_data(self, data: Any, url: str) -> None:
        """Keep the map of data."""
        if (number := self.due()) is not None:
            self.keep(number, map_of_data(data, url), {"url": address(url)})

    def keep_text(self, number: int, text: str, url: str) -> None:
        """Keep the map of a text: as data where it is JSON, else line by line."""
        data, beside = parsed(text), {"url": address(url)}
        if data is not None:
            self.keep(number, map_of_data(data, url), beside)
        else:
            self.keep(number, map_of_text(text), {**beside, "content": content_kind(text.encode()[:512])})

    def note_file(self, link: str | None, url: str | None, name: str, head: bytes) -> bool:
        """Note a file that was saved, and return True for one whose text the code may read.

        Args:
            link: The map of the item that its link stands in; None where an address was given.
            url: The address that it came from.
            name: Its name.
            head: Its first bytes.
        """
        if len(self._files) >= MOST_FILES:
            self.unmapped += 1
            return False
        kind = content_kind(head)
        beside = {"kind": "file", "url": address(url or ""), "title": name[:300], "content": kind}
        self._files.append([link or "{}", beside])
        return kind in ("csv", "text")

    def clean(self, text: str) -> str:
        """Return a text without the secrets that were typed."""
        for secret in self._secrets():
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "[secret]")
        return text

    def wire(self) -> list[list[Any]]:
        """Return the maps for the host: the JSON of each, and what belongs to it beside."""
        kept = sorted(self._kept, key=itemgetter(0))
        maps = [*self._files, *([text, beside] for _, text, beside in kept), *self._last]
        return [[self.clean(text), beside] for text, beside in maps]


def address(url: str) -> str:
    """Return a URL as maps have it."""
    return split_userinfo(url)[0][:_LONGEST_URL]
