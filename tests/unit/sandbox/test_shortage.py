"""Shortages that are told as the sandbox's, with their number, and not as errors of the code."""

from __future__ import annotations

import pytest

from sandbox import Automation, Sandbox, SandboxError, SandboxLimitExceeded, SandboxLimits, SandboxUnavailable
from sandbox.isolation import shortage
from tests.support.descriptors import descriptors_left

CODE = "async def run(page, parameters, task): pass"


async def test_run_of_a_program_that_has_opened_nearly_all_its_files_is_refused_at_once() -> None:
    async with Sandbox() as sandbox:
        with descriptors_left(10), pytest.raises(SandboxUnavailable, match=r"has \d+ of \d+ files open"):
            await sandbox.run(Automation(CODE), {})
        with descriptors_left(10), pytest.raises(SandboxUnavailable, match="a run needs"):
            await sandbox.open_session({})


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        ("OSError", "[Errno 24] Too many open files: 'a.csv'", r"has \d+ files open, which is its limit"),
        ("Error", "Page.goto: net::ERR_INSUFFICIENT_RESOURCES at https://a.test/", "files open"),
        ("OSError", "[Errno 28] No space left on device", "scratch_mb=512"),
        ("RuntimeError", "can't start new thread", "processes=512"),
        ("BlockingIOError", "[Errno 11] Resource temporarily unavailable", "processes=512"),
        ("MemoryError", "", "memory_mb=3072"),
    ],
)
def test_error_of_the_system_in_a_worker_is_the_sandboxs(kind: str, message: str, told: str) -> None:
    found = shortage.in_worker(kind, message, SandboxLimits())
    assert isinstance(found, SandboxLimitExceeded | SandboxUnavailable)
    with pytest.raises(SandboxError, match=told):
        raise found


@pytest.mark.parametrize(
    ("kind", "message"),
    [("Error", "503 Service temporarily unavailable"), ("KeyError", "'memory'"), ("TimeoutError", "")],
)
def test_other_errors_are_the_codes(kind: str, message: str) -> None:
    assert shortage.in_worker(kind, message, SandboxLimits()) is None
