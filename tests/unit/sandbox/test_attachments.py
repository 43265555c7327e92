"""The copies that an automation keeps of files which it hands to its host."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox import SandboxError, attachments
from sandbox.attachments import Attachments
from sandbox.page_files import PageFile
from sandbox.protocol import Channel, Message


@pytest_asyncio.fixture
async def channel() -> AsyncIterator[Channel]:
    """A channel to a host that takes every file and says where it is."""
    sides: list[Channel] = []

    def handle(message: Message) -> None:
        described: dict[str, Any] = {"name": "a", "path": "/srv/user/a"}
        sides[1].reply(message, {"download": 1, "chunk": None, "downloaded": described}[message["t"]])

    for end in socket.socketpair():
        reader, writer = await asyncio.open_connection(sock=end)
        sides.append(Channel(reader, writer, handle))
    serving = [asyncio.ensure_future(side.serve()) for side in sides]
    yield sides[0]
    for side in sides:
        side.close()
    await asyncio.gather(*serving)


def file(content: bytes) -> PageFile:
    return PageFile("a.txt", "text/plain", None, content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        ("Größe: 5 €".encode(), "Größe: 5 €"),
        ("\ufeffGröße".encode(), "Größe"),
        ("Größe".encode("utf-16"), "Größe"),
        ("Größe: 5 €".encode("cp1252"), "Größe: 5 €"),
    ],
)
async def test_text_is_read_in_the_encoding_that_it_has(
    channel: Channel, tmp_path: Path, content: bytes, text: str
) -> None:
    sent = await Attachments(channel, tmp_path).send(file(content))
    assert (sent.read(), sent.text()) == (content, text)
    assert Path(sent["path"]).read_bytes() == content


async def test_file_without_room_for_a_copy_is_handed_over_all_the_same(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "_KEPT_BYTES", 10)
    files = Attachments(channel, tmp_path)
    kept, dropped = await files.send(file(b"x" * 8)), await files.send(file(b"x" * 8))
    assert len(kept.read()) == 8
    assert dropped == {"name": "a", "path": "/srv/user/a"}
    with pytest.raises(SandboxError, match="cannot be read"):
        dropped.text()


async def test_output_names_the_hosts_paths(channel: Channel, tmp_path: Path) -> None:
    files = Attachments(channel, tmp_path / 'a "quoted" one')
    sent = await files.send(file(b"x"))
    assert json.loads(files.for_host(json.dumps([sent, f"saved as {sent['path']}"], ensure_ascii=False))) == [
        {"name": "a", "path": "/srv/user/a"},
        "saved as /srv/user/a",
    ]
