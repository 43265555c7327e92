"""Recording: the tape of each task writes onto one cassette, whose file is written at the end."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import SystemRandom

from engine.cassettes.base import Cassette, TaskTape
from engine.cassettes.content import Content, Exchange, ModelAnswer, digest_of, write
from engine.cassettes.matching import variant_of
from engine.cassettes.models import RecordingTaskModel
from engine.cassettes.options import CassetteOptions
from engine.cassettes.secrets import Disguise, Veil, changed_answer, changed_request
from engine.errors import EngineError, InvalidRequest
from engine.models.base import Model
from engine.models.recorded import RecordedAnswer
from sandbox.egress.tape import LookUp, Moment, Received, Sent

_SEEDS = 1 << 32


class RecordingCassette(Cassette):
    """A cassette that is recorded; its file is written when it is closed."""

    def __init__(self, path: Path, options: CassetteOptions) -> None:
        super().__init__(path, options)
        self._content = Content(options=options)
        self._bodies: dict[str, bytes] = {}
        self._room = options.max_mb << 20
        self._full: EngineError | None = None
        self.disguise = Disguise()
        self._held: list[Callable[[], None]] = []

    def tape(self, secrets: Mapping[str, str]) -> TaskTape:
        """Return the tape of a task."""
        return RecordingTape(self, Veil(secrets))

    def model(self, model: Model, tape: TaskTape, mark: str) -> Model:
        """Return the model, whose answers are recorded."""

        def keep(answer: RecordedAnswer) -> None:
            with self._using:
                self._content.answers.append(ModelAnswer(mark, model.name, answer.to_json()))

        return RecordingTaskModel(model, keep)

    def check(self) -> None:
        """Raise if there is no more room."""
        if self._full is not None:
            raise self._full

    def keep_body(self, body: bytes) -> str:
        """Keep a body once, and return its hash."""
        digest = digest_of(body)
        with self._using:
            if digest and digest not in self._bodies:
                self._room -= len(body)
                if self._room < 0:
                    self._full = InvalidRequest(
                        f"the cassette {self.path} would hold more than {self.options.max_mb} MiB; raise"
                        " CassetteOptions.max_mb, or record a smaller task",
                        field="record",
                    )
                    return ""
                self._bodies[digest] = body
        return digest

    def keep_exchange(self, exchange: Exchange) -> None:
        """Keep an exchange."""
        with self._using:
            self._content.exchanges.append(exchange)

    def keep_lookup(self, host: str, found: list[str] | str) -> None:
        """Keep the addresses of a host, or why it has none; not again where they are the same."""
        with self._using:
            before = self._content.lookups.setdefault(host, [])
            if before[-1:] != [found]:
                before.append(found)

    def hold(self, keep: Callable[[], None]) -> Callable[[], None]:
        """Have something kept at the end; see `sandbox.egress.tape.Tape`."""

        def release() -> None:
            with contextlib.suppress(ValueError):  # at the end it is no longer held
                self._held.remove(keep)

        self._held.append(keep)
        return release

    def new_moment(self) -> Moment:
        """Return the time and a seed, which are kept."""
        moment = Moment(int(time.time() * 1000), SystemRandom().randrange(_SEEDS))
        with self._using:
            self._content.moments.append((moment.clock, moment.seed))
        return moment

    def close(self) -> None:
        """Write the file; one that has no room for all is not written.

        Raises:
            InvalidRequest: It cannot be written, or had no room.
        """
        held, self._held = self._held, []
        for keep in held:
            keep()
        self.check()
        write(self.path, self._content, self._bodies)


class RecordingTape:
    """The tape of a task that is recorded.

    Args:
        cassette: Takes what is recorded.
        veil: Hides the task's secrets in it.
    """

    playing = False

    def __init__(self, cassette: RecordingCassette, veil: Veil) -> None:
        self._cassette = cassette
        self._veil = veil

    def check(self) -> None:
        """Raise if the cassette takes nothing more."""
        self._cassette.check()

    async def resolve(self, host: str, port: int, look_up: LookUp) -> Sequence[str]:
        """Resolve a name, and keep what came of it."""
        try:
            addresses = await look_up(host, port)
        except OSError as error:
            again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            self._cassette.keep_lookup(host, "dns: no answer for now" if again else "dns")
            raise
        self._cassette.keep_lookup(host, list(addresses) or "dns")
        return addresses

    def play(self, sent: Sent) -> Received:
        """Not of a tape that records."""
        raise NotImplementedError

    def keep(self, sent: Sent, received: Received) -> None:
        """Keep an exchange."""
        cassette = self._cassette
        cassette.disguise.learn(received)
        hidden = self._veil.hide_sent(changed_request(sent, cassette.disguise.put_on))
        shown = changed_answer(received, lambda text: self._veil.hide(cassette.disguise.put_on(text)))
        cassette.keep_exchange(
            Exchange(
                hidden.method,
                hidden.url,
                hidden.header("content-type") or "",
                cassette.keep_body(hidden.body),
                variant_of(hidden),
                shown.status,
                list(shown.headers),
                cassette.keep_body(shown.body),
                shown.end,
                shown.refusal,
            )
        )

    def hold(self, keep: Callable[[], None]) -> Callable[[], None]:
        """Have something kept at the end."""
        return self._cassette.hold(keep)

    def moment(self) -> Moment:
        """Return the time, and a new seed."""
        return self._cassette.new_moment()
