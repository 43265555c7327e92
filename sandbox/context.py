"""The options of the browser context that a run gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ContextOptions:
    """The options of a run's browser context; None stands for the browser's own.

    Args:
        user_agent: The user agent that requests and pages are told.
        locale: Language tag such as ``de-DE``: the language of the browser, its numbers and dates.
        timezone: Name in the time zone database, such as ``Europe/Berlin``.
        viewport: Width and height of the page in CSS pixels.
        headers: Further headers of every request of the page and of ``page.request``, to whatever host.
        own_headers: Those of requests to ``own_origin`` alone, redirected ones, too; they may hold secrets.
        own_origin: Scheme, host and port, such as ``https://shop.example``.

    >>> ContextOptions(locale="de-DE", viewport=(800, 600)).arguments()
    {'locale': 'de-DE', 'viewport': {'width': 800, 'height': 600}}
    """

    user_agent: str | None = None
    locale: str | None = None
    timezone: str | None = None
    viewport: tuple[int, int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    own_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    own_origin: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of Playwright's ``new_context`` that these options stand for; empty for none.

        ``own_headers``, the origin and the headers, is none of Playwright's.
        """
        size = {"width": self.viewport[0], "height": self.viewport[1]} if self.viewport is not None else None
        given = {
            "user_agent": self.user_agent,
            "locale": self.locale,
            "timezone_id": self.timezone,
            "viewport": size,
            "extra_http_headers": dict(self.headers) or None,
            "own_headers": [self.own_origin, dict(self.own_headers)] if self.own_origin and self.own_headers else None,
        }
        return {name: value for name, value in given.items() if value is not None}
