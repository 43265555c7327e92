"""The browser's options that a request may set: user agent, locale, time zone, viewport, headers."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from engine.errors import InvalidRequest
from engine.task.redaction import secret_names

if TYPE_CHECKING:
    from sandbox import ContextOptions

_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_BY_THE_BROWSER = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"})
_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")
_LONGEST = 1_000  # characters of a user agent or a header
_MOST_HEADERS = 30


def _line(text: str) -> str:
    if not text.strip() or not text.isascii() or not text.isprintable() or len(text) > _LONGEST:
        raise ValueError(f"must be one line of 1 to {_LONGEST} ASCII characters")
    return text


def _locale(text: str) -> str:
    if _LOCALE.fullmatch(text) is None:
        raise ValueError("must be a language tag such as de-DE")
    return text


def _timezone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(_line(text))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if zoneinfo.available_timezones():  # a system without the database refuses none
            raise ValueError("must be a name of the time zone database, such as Europe/Berlin") from None
    return text


def _pair(size: Any) -> Any:
    """Take ``{"width": …, "height": …}`` too."""
    if isinstance(size, Mapping) and set(size) == {"width", "height"}:
        return (size["width"], size["height"])
    return tuple(size) if isinstance(size, list) else size


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    if len(headers) > _MOST_HEADERS:
        raise ValueError(f"may be at most {_MOST_HEADERS}")
    for name, value in headers.items():
        lower = name.lower()
        if _HEADER_NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name of a header")
        _line(value)
        if lower in _BY_THE_BROWSER:
            raise ValueError(f"{name} is set by the browser; leave it out")
        if lower == "user-agent":
            raise ValueError(f"{name}: use user_agent")
        if lower == "cookie":
            raise ValueError(f"{name} is the browser's own; let the automation log in")
        if secret_names({lower: value}) and not _PARAMETER.search(value):
            raise ValueError(
                f"{name} holds a secret, and headers are saved with the automation; give the secret as a parameter, and"
                f' name that in the header, as in "{{token}}" or "Bearer {{token}}"'
            )
    return headers


_Side = Annotated[int, Field(ge=1, le=10_000)]


class BrowserOptions(BaseModel):
    """The browser that a site meets; None stands for the browser's own.

    They are saved with the automation, and later runs use them without being told. Options of a later request win, one
    by one, and are saved when the automation is next written or repaired.

    Args:
        user_agent: The user agent, for sites that refuse "HeadlessChrome".
        locale: Language tag such as ``de-DE``: the browser's language, its dates and numbers.
        timezone: Name in the time zone database, such as ``Europe/Berlin``.
        viewport: Width and height of the page in CSS pixels; default 1280 by 720.
        headers: Further headers. One that names parameters, such as ``"Bearer {token}"``, is filled in for each run and
            sent to the start URL's own origin alone; others go to every host, and hold no secrets.

    >>> BrowserOptions(locale="de-DE", viewport=(390, 844)).viewport
    (390, 844)
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    user_agent: Annotated[str, AfterValidator(_line)] | None = None
    locale: Annotated[str, AfterValidator(_locale)] | None = None
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    viewport: Annotated[tuple[_Side, _Side] | None, BeforeValidator(_pair)] = None
    headers: Annotated[Mapping[str, str], AfterValidator(_headers)] = Field(default_factory=dict)

    @classmethod
    def parse(cls, given: BrowserOptions | Mapping[str, Any] | None) -> BrowserOptions:
        """Return the options as the caller gave them.

        Raises:
            InvalidRequest: They are malformed.
        """
        if given is None or isinstance(given, BrowserOptions):
            return given or cls()
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}".removeprefix(": ")
                for each in error.errors()
            )
            raise InvalidRequest(f"browser: {said}", field="browser") from None

    def over(self, saved: BrowserOptions) -> BrowserOptions:
        """Return the saved options, with those of these in their place that are set, each header by itself."""
        own = {name.lower() for name in self.headers}
        kept = {name: value for name, value in saved.headers.items() if name.lower() not in own}
        update = {name: value for name, value in self if value}
        return saved.model_copy(update=update | ({"headers": kept | {**self.headers}} if own else {}))

    @property
    def header_parameters(self) -> dict[str, frozenset[str]]:
        """The names of the parameters that headers name, by header; none of headers that name none."""
        named = {header: frozenset(_PARAMETER.findall(value)) for header, value in self.headers.items()}
        return {header: names for header, names in named.items() if names}

    def filled(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers that name parameters, with the values of these.

        >>> BrowserOptions(headers={"X-Key": "{key}", "X-Team": "red"}).filled({"key": "s3same"})
        {'X-Key': 's3same'}
        """
        return {
            header: _PARAMETER.sub(lambda found: str(parameters[found[1]]), self.headers[header])
            for header, names in self.header_parameters.items()
            if names <= parameters.keys()
        }

    def context(self, parameters: Mapping[str, Any], start_url: str | None) -> ContextOptions:
        """Return them as the sandbox takes them, for a run with these parameters."""
        from sandbox import ContextOptions

        filled = self.filled(parameters)
        plain = {name: value for name, value in self.headers.items() if name not in filled}
        own = filled if start_url is not None else {}
        parts = urlsplit(start_url or "")
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if own else None
        return ContextOptions(**{**dict(self), "headers": plain}, own_headers=own, own_origin=origin)
