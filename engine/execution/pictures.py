"""Pictures of pages while a model works and where a run failed: kept with the task's files, for its report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.task.events import EventLog
from engine.task.redaction import Redactor
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox import Evidence, Session

log = logging.getLogger(__name__)

DIRECTORY = "pictures"
_MOST_BYTES = 3 << 20  # of a task
_MOST = 100
_PNG = b"\x89PNG"


@dataclass
class Pictures:
    """The pictures of one task. A picture on which a secret may be legible is left out.

    Args:
        directory: The directory of the task's results; pictures expire with them. None keeps none.
        redactor: Knows the task's secrets.
        events: Takes a ``picture`` event for each.
    """

    directory: Path | None
    redactor: Redactor
    events: EventLog
    _taking: asyncio.Task[None] | None = None
    _count: int = 0
    _bytes: int = 0
    _last: bytes = field(default=b"", repr=False)

    def begin(self, session: Session) -> None:
        """Take a picture of an open page in the background; `finish` waits for it before the page is used again."""
        if self.directory is not None and not self._is_full:
            self._taking = asyncio.ensure_future(self._take(session))

    async def finish(self) -> None:
        """Wait for the picture that is being taken."""
        taking, self._taking = self._taking, None
        if taking is not None:
            await asyncio.shield(taking)

    async def keep_places(self, session: Session, texts: Mapping[str, str]) -> None:
        """Keep a picture of the whole page that is open, and where on it texts stand.

        Args:
            texts: By path in the output, the text in which the value stood.
        """
        if self.directory is None or self._is_full:
            return
        try:
            picture = await session.picture(self.redactor.values, list(texts.values()))
        except SandboxError as error:  # the page is closed next: nothing else tells it
            log.info("no picture of the page: %s", error)
            return
        if picture is not None and (name := await self._keep(picture.image, picture.legible)) is not None:
            boxes = {path: box for path, box in zip(texts, picture.boxes, strict=False) if box is not None}
            await self.events.emit("breaches.pictured", name=name, boxes=boxes)

    async def keep_failure(self, evidence: Evidence) -> None:
        """Keep the screenshot of a run that failed."""
        if self.directory is not None and evidence.screenshot is not None and not self._is_full:
            await self._keep(evidence.screenshot, evidence.legible)

    @property
    def _is_full(self) -> bool:
        return self._count >= _MOST or self._bytes >= _MOST_BYTES

    async def _take(self, session: Session) -> None:
        try:
            picture = await session.picture(self.redactor.values)
        except SandboxError as error:  # the call after this one tells it
            log.info("no picture of the page: %s", error)
            return
        if picture is not None and picture.image != self._last:
            self._last = picture.image
            await self._keep(picture.image, picture.legible)

    async def _keep(self, image: bytes, legible: str | None) -> str | None:
        """Keep a picture, and return its name; None where it is left out."""
        if not shows_no_secret(legible, self.redactor):
            return None
        self._count += 1
        self._bytes += len(image)
        kind = "png" if image.startswith(_PNG) else "jpg"
        name = f"{self._count:03}.{kind}"
        try:
            await asyncio.to_thread(self._write, name, image)
        except OSError as error:
            log.warning("a picture of the page could not be kept: %s", error)  # the report does without
            return None
        await self.events.emit("picture", name=name, bytes=len(image))
        return name

    def _write(self, name: str, image: bytes) -> None:
        assert self.directory is not None
        target = self.directory / DIRECTORY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image)


def shows_no_secret(legible: str | None, redactor: Redactor) -> bool:
    """Return True where no secret can be legible on a picture.

    Args:
        legible: All text that may be; None where that is unknown.
    """
    if not redactor.active:
        return True
    return legible is not None and redactor.text(legible) == legible
