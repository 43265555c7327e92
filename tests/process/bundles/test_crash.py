"""A kill at any instant leaves a bundle at the old or the new revision."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.errors import BundleLocked
from tests.support.numbered import Numbered, user_git

# Arguments: store, how often to take the lock, commits per lock. It prints each number before it commits it.
COUNT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from engine.bundles import Bundle, BundleMeta, BundleStore
import engine.bundles.git_repository

store = BundleStore(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with store.lock("key"):
        store.recover("key")
        saved = store.load("key")
        next = saved.contract["number"] + 1 if saved else 1
        for number in range(next, next + int(sys.argv[3])):
            print(number, flush=True)
            meta = BundleMeta(reuse_key="key", tasks=(f"task {number}",), created_at=datetime(2026, 1, 1, tzinfo=UTC))
            automation = f"async def run(page, parameters, task):\\n    return {number}\\n"
            resources = {f"data/{part}.csv": f"{number}\\n".encode() for part in "abcd"}
            bundle = Bundle(meta, automation, {"number": number}, f"{number}\\n", resources)
            store.commit("key", bundle, subject=f"Number {number}")
"""

HOLD = """
import subprocess, sys, time
from pathlib import Path
from engine.bundles import BundleStore

lock = BundleStore(Path(sys.argv[1])).try_lock("key")
subprocess.Popen(["sleep", "60"], close_fds=False)
print("held" if lock else "refused", flush=True)
time.sleep(60)
"""


@contextmanager
def started(code: str, root: Path, *arguments: int) -> Iterator[subprocess.Popen[str]]:
    """Another Python on the same store; killed at the end, with all it started."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(root), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def kill_and_check(store: BundleStore, numbered: Numbered, chance: random.Random, first_pace: float) -> int:
    """Kills a process that commits, at an instant spread over the time that a commit takes here and now."""
    with started(COUNT, store.root, 1, 10**9) as process:
        begun, pace = [int(said(process))], first_pace
        for _ in range(chance.randint(0, 2)):
            start = time.monotonic()
            begun.append(int(said(process)))
            pace = time.monotonic() - start
        time.sleep(chance.uniform(0, 1.2 * pace))
        # Sometimes git dies too, sometimes it outlives its parent.
        (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        begun += map(int, process.stdout.read().split())
    with store.lock("key", timeout=30):
        store.recover("key")
    bundle = store.load("key")
    number = bundle.contract["number"] if bundle is not None else 0
    assert number in (begun[-1] - 1, begun[-1]), "the last one that was acknowledged, or the one under way"
    assert store.edited("key") == ()
    assert not (store.root / "tmp" / "key").exists()
    if bundle is not None:
        expected = numbered(number).to_files()
        assert bundle.to_files() == expected
        directory = store.path("key")
        assert {path: (directory / path).read_bytes() for path in expected} == expected
        assert user_git(directory, "status", "--porcelain") == ""
        assert store.verify("key") == ()
        assert len(store.history("key")) == number
    return int(number)


@pytest.fixture
def pace(tmp_path: Path, numbered: Numbered) -> float:
    """Seconds that a first commit takes."""
    start = time.monotonic()
    BundleStore(tmp_path / "pace").commit("key", numbered(1), subject="Write it")
    return time.monotonic() - start


def test_kill_leaves_the_old_or_the_new_revision(store: BundleStore, numbered: Numbered, pace: float) -> None:
    chance = random.Random(7)
    numbers = [kill_and_check(store, numbered, chance, pace) for _ in range(10)]
    while numbers[-1] < 6 and len(numbers) < 40:  # how far each comes depends on how busy the machine is
        numbers.append(kill_and_check(store, numbered, chance, pace))
    assert numbers[-1] >= 6, "hardly anything was committed: this shows nothing"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_kills(store: BundleStore, numbered: Numbered, pace: float, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(5):
        kill_and_check(store, numbered, chance, pace)


def test_stale_git_locks_and_half_made_bundles_are_cleared(store: BundleStore, numbered: Numbered) -> None:
    (store.root / "tmp" / "key" / ".git").mkdir(parents=True)
    store.commit("key", numbered(1), subject="Write it")
    git_directory = store.path("key") / ".git"
    long_ago = time.time() - 3600
    for name in ("HEAD.lock", "index.lock", "packed-refs.lock", "refs/heads/main.lock", "webtasks-index.lock"):
        (git_directory / name).touch()
        os.utime(git_directory / name, (long_ago, long_ago))
    with store.lock("key"):
        store.recover("key")
        store.commit("key", numbered(2), subject="Mend it")
    assert not list(git_directory.rglob("*.lock"))
    assert store.edited("key") == ()


def test_running_git_process_is_waited_for(
    store: BundleStore, numbered: Numbered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.bundles.atomic._GIT_GRACE", 60)
    store.commit("key", numbered(1), subject="Write it")
    lock = store.path("key") / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()
    start = time.monotonic()
    threading.Timer(0.2, lock.unlink).start()
    store.recover("key")
    assert 0.1 < time.monotonic() - start < 50


@pytest.mark.parametrize("written", range(8))
def test_half_written_working_tree_is_completed(store: BundleStore, numbered: Numbered, written: int) -> None:
    """As after a kill between the ref update and the last file."""
    store.commit("key", numbered(1), subject="Write it")
    directory, old = store.path("key"), numbered(1).to_files()
    marker = (directory / ".git" / "webtasks-view").read_bytes()
    store.commit("key", numbered(2), subject="Mend it")
    for path in list(old)[written:]:
        (directory / path).write_bytes(old[path])
    (directory / ".git" / "webtasks-view").write_bytes(marker)
    assert store.edited("key") == ()
    store.recover("key")
    new = numbered(2).to_files()
    assert {path: (directory / path).read_bytes() for path in new} == new
    assert user_git(directory, "status", "--porcelain") == ""


def test_lock_excludes_threads_and_processes_and_dies_with_its_holder(store: BundleStore) -> None:
    with started(HOLD, store.root) as holder:
        assert said(holder) == "held\n"
        assert store.try_lock("key") is None
        with store.lock("other", timeout=0):
            pass
        waits: list[str] = []
        with (
            pytest.raises(BundleLocked, match="'key'") as caught,
            store.lock("key", timeout=0.3, on_wait=lambda: waits.append("wait")),
        ):
            pass
        assert waits == ["wait"]
        assert caught.value.details["waited"] >= 0.3
        os.kill(holder.pid, signal.SIGKILL)  # its child lives on, with every descriptor that is inherited
        holder.wait()
        with store.lock("key", timeout=30):
            assert store.try_lock("key") is None, "nor twice in one thread"
            with started(HOLD, store.root) as second:
                assert said(second) == "refused\n"


def test_any_thread_can_release_a_lock(store: BundleStore) -> None:
    lock = store.try_lock("key")
    assert lock is not None
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    again = store.try_lock("key")
    assert again is not None
    lock.release()
    assert store.try_lock("key") is None, "a second release does not release another holder's lock"
    again.release()


def test_two_processes_commit_in_turn(store: BundleStore) -> None:
    """Each adds 10 commits, the lock taken anew for every one: none is lost."""
    with started(COUNT, store.root, 10, 1) as one, started(COUNT, store.root, 10, 1) as other:
        assert one.stdout is not None
        assert other.stdout is not None
        numbers = [int(number) for number in (one.stdout.read() + other.stdout.read()).split()]
        assert one.wait() == other.wait() == 0
    assert sorted(numbers) == list(range(1, 21))
    assert len(store.history("key")) == 20
