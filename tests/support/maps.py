"""Maps of pages, built by hand: a heading, a table, cards, loose texts, each with its place."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.page_map import Item, PageMap, Place, Unit


class Sheet:
    """A page that is written from top to bottom; `map` returns what a worker would send of it."""

    def __init__(self, url: str = "https://shop.example/list", title: str = "", region: str = "main") -> None:
        self.url, self.title, self.region = url, title, region
        self._headings: list[tuple[int, str]] = []
        self._h1: list[str] = []
        self._state: list[tuple[str, str, str]] = []
        self._places: dict[Place, int] = {}
        self._items: list[Item] = []
        self._containers: list[int] = []
        self._units: list[Unit] = []
        self.totals: tuple[tuple[str, int], ...] = ()
        self.messages: tuple[str, ...] = ()

    def heading(self, text: str, level: int = 1) -> Sheet:
        """Write a heading, under which all that follows stands."""
        self._headings = [h for h in self._headings if h[0] < level]
        self.text(text, path=f">h{level}")
        self._headings.append((level, text))
        if level == 1:
            self._h1.append(text)
        return self

    def text(
        self, text: str, *, path: str = ">p", label: str = "", hidden: bool = False, item: int = -1, region: str = ""
    ) -> Sheet:
        """Write one unit; `\\u0001…\\u0002` is struck through."""
        headings = tuple(h for _, h in self._headings)
        place = Place(path, label, headings, region or self.region, hidden=hidden)
        self._units.append(Unit(self._places.setdefault(place, len(self._places)), item, text))
        return self

    def choice(self, kind: str, name: str, value: str) -> Sheet:
        """Add a form field's state."""
        self._state.append((kind, name, value))
        return self

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], size: int = 0) -> Sheet:
        """Write a table with column heads; with a size, the rows are a sample of as many."""
        for column in columns:
            self.text(column, path=">table>thead>tr>th")
        container = self.container(size or len(rows))
        for number, row in enumerate(rows):
            item = self.item(container, number)
            for column, cell in zip(columns, row, strict=True):
                self.text(cell, path=">table>tr>td", label=column, item=item)
        return self

    def cards(self, cards: Sequence[Sequence[str]], links: Sequence[str] = ()) -> Sheet:
        """Write cards: the first text of each is its heading, the others have no label; each may have a link."""
        container = self.container(len(cards))
        for number, card in enumerate(cards):
            item = self.item(container, number)
            for at, text in enumerate(card):
                self.text(text, path=">li>h3" if at == 0 else ">li", item=item)
            if links:
                self.text(links[number], path=">li>a@href", item=item)
        return self

    def facts(self, facts: Sequence[tuple[str, str]]) -> Sheet:
        """Write a list of terms, each with what it says."""
        for term, said in facts:
            self.text(term, path=">dl>dt")
            self.text(said, path=">dl>dd", label=term)
        return self

    def container(self, size: int) -> int:
        """Begin a list of items; return its index."""
        self._containers.append(size)
        return len(self._containers) - 1

    def item(self, container: int, number: int) -> int:
        """Begin an item of a list; return its index."""
        self._items.append(Item(-1, container, number))
        return len(self._items) - 1

    def map(self) -> PageMap:
        """Return the page's map."""
        return PageMap(
            kind="page", url=self.url, title=self.title, h1=tuple(self._h1), state=tuple(self._state),
            totals=self.totals, messages=self.messages, places=tuple(self._places), items=tuple(self._items),
            containers=tuple(self._containers), units=tuple(self._units),
        )  # fmt: skip
