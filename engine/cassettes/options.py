"""The options of a cassette."""

from __future__ import annotations

from dataclasses import dataclass, fields

from engine.errors import InvalidRequest

SUFFIX = ".wtrec"
"""The suffix of a cassette."""


@dataclass(frozen=True, kw_only=True)
class CassetteOptions:
    """The parts of requests that differ from run to run and are not compared. They are kept in the cassette.

    Args:
        ignore_query: Names of query parameters: ``("token", "_")``.
        ignore_body: Names of form fields, and of keys anywhere in a JSON body.
        ignore_headers: Names of headers that do not tell two equal requests apart: ``("cookie",)``.
        optional: Patterns of URLs that fail quietly where they were not recorded, as a page's beacons:
            ``("https://stats.example/*",)``.
        max_mb: The most that a cassette may hold, in MiB before compression.

    Raises:
        InvalidRequest: One of these is malformed.
    """

    ignore_query: tuple[str, ...] = ()
    ignore_body: tuple[str, ...] = ()
    ignore_headers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    max_mb: int = 256

    def __post_init__(self) -> None:
        for name in _NAMES:
            given = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(each, str) and each for each in given):
                raise InvalidRequest(f"CassetteOptions.{name} must be a list of names, not {given!r}", field="cassette")
            object.__setattr__(self, name, tuple(given))
        if not isinstance(self.max_mb, int) or self.max_mb < 1:
            raise InvalidRequest(
                f"CassetteOptions.max_mb must be a whole number from 1, not {self.max_mb!r}", field="cassette"
            )

    def joined(self, kept: CassetteOptions) -> CassetteOptions:
        """Return these options together with those that a cassette was recorded with."""
        names = {name: tuple(dict.fromkeys((*getattr(kept, name), *getattr(self, name)))) for name in _NAMES}
        return CassetteOptions(**names, max_mb=max(self.max_mb, kept.max_mb))


_NAMES = tuple(each.name for each in fields(CassetteOptions) if each.name != "max_mb")
