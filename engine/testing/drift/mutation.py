"""One way in which a site may change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bs4 import BeautifulSoup

from engine.testing.drift.reply import Layout, Reply, parse

Effect = Literal["same", "data", "trouble"]
Html = Callable[[BeautifulSoup, Reply], bool]
Json = Callable[[Any, Reply], Any]


@dataclass(frozen=True)
class Mutation:
    """One change of a site, applied to every answer for which it says something.

    Args:
        name: Its name in reports.
        about: What changes, in one line.
        effect: ``same``: a reader finds what was there before; ``data``: the data changed, see ``truth``;
            ``trouble``: the site withholds or garbles what was asked for, so that only a failure, or what was right
            before, is right.
        html: Changes a page's tree and says whether there was anything to change.
        json: Gives JSON data in place of those given, or None where there is nothing to change.
        whole: Changes anything of an answer, and says whether it did; called last.
        ask: What to ask the site for, in place of the target.
        truth: The right output, given that of the unchanged site; None where it is the same.
        needs: Fields of the layout without which it does nothing.
    """

    name: str
    about: str
    effect: Effect
    html: Html | None = None
    json: Json | None = None
    whole: Callable[[Reply], bool] | None = None
    ask: Callable[[str, Layout], str] | None = None
    truth: Callable[[Any, Layout], Any] | None = None
    needs: tuple[str, ...] = ()

    def target(self, target: str, layout: Layout) -> str:
        """The path and query to ask the site for."""
        return self.ask(target, layout) if self.ask is not None else target

    def apply(self, reply: Reply) -> bool:
        """Changes the answer, and says whether it did."""
        if any(not getattr(reply.layout, name) for name in self.needs):
            return False
        changed = False
        if reply.is_html and self.html is not None:
            page = parse(reply.text)
            if changed := self.html(page, reply):
                reply.put_html(page)
        elif reply.is_json and self.json is not None:
            data = self.json(json.loads(reply.body), reply)
            if changed := data is not None:
                reply.put_json(data)
        if self.whole is not None:
            changed |= self.whole(reply)
        return changed
