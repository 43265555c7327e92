"""The tape of a job's exchanges with the world outside: what one that records or plays them has to offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

TextHeader = tuple[str, str]
End = Literal["complete", "client", "server"]
MESSAGE = "MESSAGE"
"""The method of a message that a page sends by a WebSocket."""

LARGEST_BODY = 64 << 20
"""Bytes of a request or an answer that a tape takes."""

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

NOT_RECORDED = "not-recorded: "
"""Begins the reason of a connection that was refused because the tape does not have it."""


@dataclass(frozen=True)
class Sent:
    """A request as it leaves the sandbox.

    Args:
        method: In capitals.
        url: The whole URL, without a fragment.
        headers: Names as they were written, with values.
        body: The body, without its framing.
    """

    method: str
    url: str
    headers: tuple[TextHeader, ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the value of a header, named in lower case."""
        return next((value for each, value in self.headers if each.lower() == name), None)


@dataclass(frozen=True)
class Received:
    """The outcome of a request: an answer, or the reason why there was none.

    Args:
        status: Its status; 0 where there was no answer.
        headers: Names as they came, with values, without those that only frame the message.
        body: The body, without framing and compression.
        end: Who ended it before it was complete, if anybody did.
        refusal: Why there was no answer: ``dns``, ``tls``, ``refused``, ``timeout`` …
    """

    status: int = 0
    headers: tuple[TextHeader, ...] = ()
    body: bytes = b""
    end: End = "complete"
    refusal: str = ""


@dataclass(frozen=True)
class Moment:
    """The clock and the chance that the pages of a job see.

    Args:
        clock: Milliseconds since 1970 at which the job began.
        seed: The seed of ``Math.random``.
    """

    clock: int
    seed: int


class Tape(Protocol):
    """The tape of one task; it records all exchanges of the task's jobs, or plays them in place of the network."""

    @property
    def playing(self) -> bool:
        """True where nothing is sent, and everything comes from the tape."""

    async def resolve(self, host: str, port: int, look_up: LookUp) -> Sequence[str]:
        """Return the addresses of a host.

        Raises:
            OSError: It has none.
            RefusedError: The tape does not know it.
        """

    def play(self, sent: Sent) -> Received:
        """Return what came of this request when it was recorded.

        Raises:
            RefusedError: It was not recorded; the reason begins with `NOT_RECORDED`.
        """

    def keep(self, sent: Sent, received: Received) -> None:
        """Record what came of a request."""

    def hold(self, keep: Callable[[], None]) -> Callable[[], None]:
        """Have what goes on kept as far as it is, if the tape ends before it.

        Args:
            keep: Keeps it; called once, if at all.

        Returns:
            A call that takes this back: it has ended.
        """

    def moment(self) -> Moment:
        """Return the clock and the seed of the next job."""
