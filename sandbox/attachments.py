"""Files that an automation hands to its host, and that it can still read."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from sandbox import file_names
from sandbox.errors import SandboxError
from sandbox.page_files import PageFile
from sandbox.protocol import Channel, RemoteError

_KEPT_BYTES = 100 << 20  # of all copies together: they share the scratch space with the browser's files
_NOT_IN_PATHS = re.compile(r"[/\\\0]")


class Attachment(dict[str, Any]):
    """The host's description of a file, as it belongs into the output, and the file itself.

    Attributes:
        local: The automation's own copy; None where the files of a run are too large to be kept twice.
    """

    local: Path | None = None

    def read(self) -> bytes:
        """Return the content.

        Raises:
            SandboxError: There is no copy.
        """
        if self.local is None:
            raise SandboxError(
                f"the file {self.get('name')!r} cannot be read: an automation keeps copies of {_KEPT_BYTES >> 20} MB"
            )
        return self.local.read_bytes()

    def text(self, encoding: str | None = None) -> str:
        """Return the content as text.

        Args:
            encoding: Default UTF-8 or UTF-16 as the file's first bytes tell, and Windows-1252 where it is neither.

        Raises:
            SandboxError: There is no copy.
        """
        data = self.read()
        if encoding is not None:
            return data.decode(encoding)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1252", errors="replace")


class Attachments:
    """The files of one run.

    Args:
        channel: The channel to the host.
        directory: The place for the copies; created when the first is made.
    """

    def __init__(self, channel: Channel, directory: Path) -> None:
        self._channel = channel
        self._directory = directory
        self._host_paths: dict[str, str] = {}
        self._count = 0
        self._kept = 0

    async def send(self, file: PageFile, *, name: str | None = None) -> Attachment:
        """Send a file to the host, and return its attachment. Its path is that of the copy, so that code can open it.

        Raises:
            SandboxError: The host refuses the file.
        """
        name = file_names.presentable(name) if name else file.name
        self._count += 1
        copy = self._directory / str(self._count) / (_NOT_IN_PATHS.sub("_", name).strip(".") or "file")
        try:
            stream = await self._channel.request("download", name=name, type=file.content_type, url=file.url)
            kept = await self._send_chunks(file, stream, copy)
            attachment = Attachment(await self._channel.request("downloaded", stream=stream))
        except RemoteError as error:
            copy.unlink(missing_ok=True)
            raise SandboxError(f"the file {name!r} was refused: {error}") from None
        if kept:
            attachment.local = copy
            if isinstance(attachment.get("path"), str):
                self._host_paths[str(copy)] = attachment["path"]
                attachment["path"] = str(copy)
        return attachment

    async def _send_chunks(self, file: PageFile, stream: int, copy: Path) -> bool:
        """Send what a file contains, and keep a copy where there is room; return True if it was kept."""
        size, room = 0, _KEPT_BYTES - self._kept
        copy.parent.mkdir(parents=True, exist_ok=True)
        for chunk in file.chunks():
            await self._channel.request("chunk", stream=stream, data=base64.b64encode(chunk).decode())
            size += len(chunk)
            if size <= room and not _append(copy, chunk):
                room = -1
        if size > room or not (size or _append(copy, b"")):
            copy.unlink(missing_ok=True)
            return False
        self._kept += size
        return True

    def for_host(self, text: str) -> str:
        """Return the JSON of an output with the host's paths in place of those of the copies."""
        if _in_json(str(self._directory)) in text:
            for copy, path in self._host_paths.items():
                text = text.replace(_in_json(copy), _in_json(path))
        return text


def _append(copy: Path, chunk: bytes) -> bool:
    """Add to a copy; return False where the scratch space is full: the user's file does not depend on it."""
    try:
        with copy.open("ab") as file:
            file.write(chunk)
    except OSError:
        return False
    return True


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
