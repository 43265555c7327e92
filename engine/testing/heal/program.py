"""A child process that answers requests: each is a line of JSON on its input, each answer one on its output."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_LONGEST_ANSWER = 64 * 1024 * 1024
_STOPPING = 10.0
PROGRAMS = Path(__file__).with_name("programs")
"""The programs; none imports anything of the engine, so that any Python runs them."""


class ProgramEnded(Exception):
    """The program ended without an answer; the message has its last words."""


class Program:
    """A program of `PROGRAMS`, started at its first request, and again after a request that took too long.

    Args:
        python: The Python that runs it.
        name: Its file.
        arguments: Further arguments.
        environment: Its environment.
    """

    def __init__(self, python: str, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        self._command = (python, str(PROGRAMS / name), *arguments)
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._errors: IO[bytes] | None = None

    async def ask(self, request: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """Send a request and return its answer.

        Raises:
            TimeoutError: It took longer; the program was ended.
            ProgramEnded: The program ended.
        """
        process = self._process or await self._start()
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            await self._end()
            raise
        except OSError:  # it no longer reads
            raise ProgramEnded(await self._end()) from None
        if not line:
            raise ProgramEnded(await self._end())
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process, which writes to it
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=self._errors,
            env=self._environment, limit=_LONGEST_ANSWER,
        )  # fmt: skip
        return self._process

    async def _end(self) -> str:
        process, errors = self._process, self._errors
        self._process = self._errors = None
        if process is None or errors is None:
            return ""
        assert process.stdin is not None, "it is a pipe"
        process.stdin.close()  # the programs end with their input, and their browsers with them
        try:
            await asyncio.wait_for(process.wait(), _STOPPING)
        except TimeoutError:
            process.kill()
            await process.wait()
        with errors:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
        return said.splitlines()[-1] if said else f"exit code {process.returncode}"

    async def close(self) -> None:
        """End the program."""
        await self._end()
