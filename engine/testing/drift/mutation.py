"""A mutation: one way in which a site may change."""

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
    """One change of a site, applied to every answer in which it finds something to change.

    Args:
        name: Its name in reports.
        about: The change, in one line.
        effect: ``same``: a reader still finds the same data; ``data``: the data changed, see ``truth``; ``trouble``:
            the site withholds or garbles the requested data, so that only a failure, or the output from before, is
            right.
        html: Changes a page's tree; returns True if there was anything to change.
        json: Returns other JSON data in place of those given; None if there is nothing to change.
        whole: Changes any part of an answer; returns True if it did. Called last.
        ask: Returns the target to request from the site, in place of the original one.
        truth: Returns the right output, given that of the unchanged site; None if it is the same.
        needs: Fields of the layout without which the mutation does nothing.
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
        """Return the path and query to request from the site."""
        return self.ask(target, layout) if self.ask is not None else target

    def apply(self, reply: Reply) -> bool:
        """Change the answer; return True if there was anything to change."""
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
