"""Hosts that runs may reach: those that a saved automation is known to need, every public one, or a list."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from engine.errors import InvalidRequest

if TYPE_CHECKING:
    from engine.cassettes.base import TaskTape
    from sandbox import Egress

EgressOption = Literal["learned", "public"] | Collection[str]


@dataclass(frozen=True)
class NetworkAccess:
    """The options ``egress`` and ``proxy`` of an engine.

    Args:
        hosts: Host patterns that may be reached; None for every public host.
        learns: Replays reach only the start URL's host and those that the promotion runs of their bundle reached.
        proxy: An upstream proxy.
        tape: The task's part of a cassette that is recorded or played; None for neither.
    """

    hosts: tuple[str, ...] | None = None
    learns: bool = True
    proxy: str | None = field(default=None, repr=False)
    tape: TaskTape | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, egress: EgressOption, proxy: str | None) -> NetworkAccess:
        """Parse the options as the user gave them.

        Raises:
            InvalidRequest: They are malformed.
        """
        hosts = None
        if not isinstance(egress, str):
            hosts = tuple(egress)
            if not all(isinstance(host, str) for host in hosts):
                raise InvalidRequest(f"egress takes host names, not {egress!r}", field="egress")
        elif egress not in ("learned", "public"):
            raise InvalidRequest(f'egress is "learned", "public" or a list of hosts, not {egress!r}', field="egress")
        if hosts is not None or proxy is not None:  # else there is nothing that could be malformed
            _check(hosts, proxy)
        return cls(hosts, egress == "learned", proxy)

    def egress(self, allow: tuple[str, ...]) -> Egress:
        """Return the egress of the model's work and its trials.

        Args:
            allow: Origins that may be private.
        """
        from sandbox import Egress

        return Egress(hosts=self.hosts, allow=allow, proxy=self.proxy, tape=self.tape)

    def check(self) -> None:
        """Raise if an exchange of the task was not on its tape.

        Raises:
            CassetteMismatch: One was not.
        """
        if self.tape is not None:
            self.tape.check()

    def replaying(self, egress: Egress, known: Collection[str], start_url: str | None) -> Egress:
        """Return the egress of a saved automation.

        Args:
            egress: The egress of the model's work.
            known: The bundle's hosts, as ``host:port``.
            start_url: Its own host and that one's subdomains are reached, too.
        """
        if not self.learns:
            return egress
        hosts = {name.rpartition(":")[0] for name in known}  # a site that moves from http to https is the same site
        return replace(egress, hosts=tuple(sorted({*filter(None, hosts), *_own(start_url)})))


def _check(hosts: tuple[str, ...] | None, proxy: str | None) -> None:
    from sandbox import Egress

    field_ = "egress"
    try:
        Egress(hosts=hosts)
        field_ = "proxy"
        Egress(proxy=proxy)
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidRequest(f"{field_}: {error}", field=field_) from None


def _own(url: str | None) -> Iterator[str]:
    host = urlsplit(url or "").hostname
    if not host:
        return
    try:
        address = ip_address(host)
    except ValueError:
        with contextlib.suppress(UnicodeError):
            bare = host.removeprefix("www.").encode("idna").decode()  # as browsers write it
            yield from (bare, f"*.{bare}")
    else:
        yield str(address)
