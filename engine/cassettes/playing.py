"""Playing: the tape of each task answers from one cassette, and nothing leaves this machine."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from engine.cassettes.base import Cassette, TaskTape
from engine.cassettes.content import CassetteFile
from engine.cassettes.exchanges import Exchanges
from engine.cassettes.models import PlayedTaskModel
from engine.cassettes.options import CassetteOptions
from engine.cassettes.secrets import Veil
from engine.errors import CassetteMismatch, EngineError, RecordingMismatch
from engine.models.base import Model
from engine.models.recorded import PlayedModel, RecordedAnswer
from engine.models.recording_placeholders import Placeholders
from sandbox.egress.policy import RefusedError
from sandbox.egress.tape import NOT_RECORDED, LookUp, Moment, Received, Sent

_PASSIVE = ("audio", "font", "image", "track", "video")


class PlayingCassette(Cassette):
    """A cassette that is played.

    Raises:
        InvalidRequest: There is none, or it is not one.
    """

    def __init__(self, path: Path, options: CassetteOptions) -> None:
        self._file = CassetteFile(path)
        content = self._file.content
        super().__init__(path, options.joined(content.options))
        self._exchanges = Exchanges(content.exchanges, self._file.body, self.options)
        self._lookups = {host: list(found) for host, found in content.lookups.items()}
        self._moments = [Moment(*each) for each in content.moments]
        self._models: dict[str, PlayedModel] = {}

    def tape(self, secrets: Mapping[str, str]) -> TaskTape:
        """Return the tape of a task."""
        return PlayingTape(self, Veil(secrets))

    def model(self, model: Model, tape: TaskTape, mark: str) -> Model:
        """Return the recorded model of a task.

        A task that was reworded since gets the answers of the next task that none has asked for.
        """
        if mark not in self._models:
            answers = self._file.content.answers
            marks = list(dict.fromkeys(each.task for each in answers))
            if mark not in marks:
                mark = next((each for each in marks if each not in self._models), mark)
            ours = [each for each in answers if each.task == mark]
            try:
                recorded = [RecordedAnswer(**each.answer) for each in ours]
            except TypeError as error:
                raise self._file.broken(f"an answer of a model has another shape ({error})") from None
            name = ours[0].model if ours else model.name
            self._models[mark] = PlayedModel(name, recorded, Placeholders({}), partial(self._unfit, name))
        return PlayedTaskModel(self._models[mark], tape.check)

    def _unfit(self, model: str, what: str, step: int) -> RecordingMismatch:
        message = f"the cassette {self.path}: {what}; record it again"
        return RecordingMismatch(message, recording=str(self.path), model=model, step=step)

    def next_lookup(self, host: str) -> list[str] | str | None:
        """Return the addresses of a host, or why it has none; None for one that was not asked for."""
        with self._using:
            found = self._lookups.get(host)
            if not found:
                return None
            return found.pop(0) if len(found) > 1 else found[0]

    def next_moment(self) -> Moment:
        """Return the next clock and seed; the last ones again where there are no more."""
        with self._using:
            if len(self._moments) > 1:
                return self._moments.pop(0)
            return self._moments[0] if self._moments else Moment(int(time.time() * 1000), 0)

    def take(self, sent: Sent) -> Received:
        """Return what came of a request that holds no secret.

        Raises:
            CassetteMismatch: It was not recorded.
            InvalidRequest: The file is broken.
        """
        with self._using:
            found = self._exchanges.take(sent)
            if found is None:
                raise self._missing(sent)
            return Received(
                found.status,
                tuple((name, value) for name, value in found.headers),
                self._file.body(found.answer),
                found.end,
                found.refusal,
            )

    def _missing(self, sent: Sent) -> CassetteMismatch:
        problem, nearest = self._exchanges.explain(sent)
        near = f"; the nearest that was is {nearest}" if nearest is not None and problem == "was not recorded" else ""
        return CassetteMismatch(
            f"{sent.method} {sent.url} {problem} in {self.path}{near}; record the cassette again, or name what differs"
            " from run to run in CassetteOptions",
            method=sent.method,
            url=sent.url,
            nearest=nearest,
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class PlayingTape:
    """The tape of a task that is replayed; once something is missing on it, `check` raises.

    Args:
        cassette: What was recorded.
        veil: Fills the task's secrets in.
    """

    playing = True

    def __init__(self, cassette: PlayingCassette, veil: Veil) -> None:
        self._cassette = cassette
        self._veil = veil
        self._missing: EngineError | None = None

    def check(self) -> None:
        """Raise if an exchange was not recorded.

        Raises:
            CassetteMismatch: The first of them.
            InvalidRequest: The cassette is broken.
        """
        if self._missing is not None:
            raise self._missing

    async def resolve(self, host: str, port: int, look_up: LookUp) -> Sequence[str]:
        """Return the recorded addresses of a host."""
        found = self._cassette.next_lookup(host)
        if found is None or isinstance(found, str):
            raise RefusedError(found or f"{NOT_RECORDED}{host}")
        return found

    def play(self, sent: Sent) -> Received:
        """Return what came of a request; see `sandbox.egress.tape.Tape`."""
        hidden = self._veil.hide_sent(sent)
        try:
            return self._veil.fill(self._cassette.take(hidden))
        except EngineError as missing:
            quiet = any(fnmatch.fnmatchcase(sent.url, pattern) for pattern in self._cassette.options.optional)
            if self._missing is None and not quiet and not _is_passive(sent):
                self._missing = missing
            raise RefusedError(NOT_RECORDED + missing.message) from None

    def keep(self, sent: Sent, received: Received) -> None:
        """Not of a tape that plays."""
        raise NotImplementedError

    def hold(self, keep: Callable[[], None]) -> Callable[[], None]:
        """Not of a tape that plays."""
        raise NotImplementedError

    def moment(self) -> Moment:
        """Return the clock and the seed of the job whose turn it is."""
        return self._cassette.next_moment()


def _is_passive(sent: Sent) -> bool:
    """Return True for pictures, fonts and media: whether they were asked for before a page was left is chance."""
    wanted = sent.header("sec-fetch-dest") or ""  # not sent to sites without TLS
    return sent.method == "GET" and (wanted in _PASSIVE or (sent.header("accept") or "").startswith("image/"))
