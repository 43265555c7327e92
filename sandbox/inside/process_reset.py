"""The reset of the worker's process, after each run, to its state before the first.

This makes runs of well-behaved code independent of each other. Hostile code can hide from it, but only in a process
that it shares with later runs of itself; the host checks from outside for what it could do with that, see
`sandbox.isolation.residue`.
"""

from __future__ import annotations

import asyncio
import gc
import locale
import os
import random
import resource
import select
import shutil
import socket
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.inside.dict_versions import DictVersions
from sandbox.isolation.usage import names_in

_CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType)
_SETTLE_SECONDS = 0.5
_POLL_SECONDS = 0.01
_ADDED_BY_PYTHON = ("__warningregistry__", "__builtins__")


class ProcessBaseline:
    """The state of the process before the first run.

    Args:
        scratch: Directories in which runs may write; the files that are there now stay.
    """

    def __init__(self, scratch: tuple[Path, ...]) -> None:
        self._modules = dict(sys.modules)
        self._contents = {name: dict(vars(module)) for name, module in _own(self._modules)}
        self._classes = {value: dict(vars(value)) for value in _classes(self._contents)}
        self._loaded = DictVersions([("modules", sys.modules)])
        self._of_modules = DictVersions((name, vars(self._modules[name])) for name in self._contents)
        self._of_classes = DictVersions((owner, vars(owner)) for owner in self._classes)
        self._scratch = scratch

    def begin(self) -> None:
        """Record what belongs to this process alone; a fork has the rest from its parent."""
        self._settings = _settings()
        self._tasks = asyncio.all_tasks()
        self._threads = set(threading.enumerate())
        self._descriptors = _descriptors()
        self._files = {directory: names_in(directory) for directory in self._scratch}
        gc.freeze()  # so that later collections look only at objects of the runs

    async def restore(self) -> tuple[str, ...]:
        """Go back to the baseline, and return descriptions of what could not be undone."""
        found = [*self._undo_settings(), *self._patches()]
        self._forget_modules()
        self._clean()
        random.seed()
        gc.collect()
        return (*found, *await self._running())

    def _undo_settings(self) -> Iterator[str]:
        before, after = self._settings, _settings()
        os.chdir(before["directory"])
        if after["environment"] != before["environment"]:
            os.environ.clear()
            os.environ.update(before["environment"])
        sys.path[:] = before["path"]
        for name in ("locale", "socket timeout", "recursion limit", "hooks", "warnings", "mask"):
            if after[name] != before[name]:
                yield f"a changed {name}"

    def _patches(self) -> Iterator[str]:
        """Find functions and classes of modules that were replaced, and names that were added."""
        if self._loaded.changed() and not self._modules.items() <= sys.modules.items():
            for name, module in self._modules.items():
                if sys.modules.get(name) is not module:
                    yield f"a replaced module {name}"
        for name in self._of_modules.changed():
            before, now = self._contents[name], vars(self._modules[name])
            if now == before:  # a comparison in C, of thousands of values that are the same
                continue
            for key, value in before.items():
                if isinstance(value, _CODE) and now.get(key) is not value:
                    yield f"a patched {name}.{key}"
            if len(now) > len(before):
                for key in now.keys() - before.keys():
                    if not isinstance(now[key], types.ModuleType) and key not in _ADDED_BY_PYTHON:
                        yield f"an added {name}.{key}"
        for owner in self._of_classes.changed():
            members, now_members = self._classes[owner], vars(owner)
            if now_members == members:
                continue
            for key, value in members.items():
                if callable(value) and now_members.get(key) is not value:
                    yield f"a patched {owner.__qualname__}.{key}"

    def _forget_modules(self) -> None:
        if not self._loaded.changed():
            return
        for name in sys.modules.keys() - self._modules.keys():
            module = sys.modules.pop(name)
            parent, _, own = name.rpartition(".")
            if getattr(sys.modules.get(parent), own, None) is module:
                delattr(sys.modules[parent], own)
        self._loaded = DictVersions([("modules", sys.modules)])

    def _clean(self) -> None:
        for directory, kept in self._files.items():
            for name in names_in(directory) - kept:
                path = directory / name
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)  # the host finds what stays
                else:
                    path.unlink(missing_ok=True)

    async def _running(self) -> tuple[str, ...]:
        """Find tasks, threads and descriptors of the run that are still there after a short wait."""
        this = {asyncio.current_task()}
        for _ in range(int(_SETTLE_SECONDS / _POLL_SECONDS)):
            found = [f"task {task.get_name()}" for task in asyncio.all_tasks() - self._tasks - this]
            found += [f"thread {thread.name}" for thread in set(threading.enumerate()) - self._threads]
            found += [f"descriptor {number}" for number in _descriptors() - self._descriptors]
            if not found:
                break
            await asyncio.sleep(_POLL_SECONDS)
        return tuple(found)


def _own(modules: dict[str, types.ModuleType]) -> Iterator[tuple[str, types.ModuleType]]:
    # __main__ is the command line that started this; some entries of sys.modules are other objects
    return ((name, each) for name, each in modules.items() if isinstance(each, types.ModuleType) and name != "__main__")


def _classes(contents: dict[str, dict[str, Any]]) -> set[type]:
    return {value for members in contents.values() for value in members.values() if isinstance(value, type)}


def _settings() -> dict[str, Any]:
    mask = os.umask(0o077)
    os.umask(mask)
    return {
        "directory": Path.cwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "socket timeout": socket.getdefaulttimeout(),
        "recursion limit": sys.getrecursionlimit(),
        "hooks": (sys.excepthook, sys.displayhook, tuple(sys.meta_path), tuple(sys.path_hooks), sys.gettrace()),
        "warnings": list(warnings.filters),
        "mask": mask,
    }


def _descriptors() -> set[str]:
    try:
        directory = os.open("/proc/self/fd", os.O_RDONLY)
    except FileNotFoundError:  # a worker without a browser sees no /proc
        return _open_descriptors()
    try:
        return names_in(directory) - {str(directory)}
    finally:
        os.close(directory)


def _open_descriptors() -> set[str]:
    """Ask for all that there may be, in one system call."""
    possible = range(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    poll = select.poll()
    for descriptor in possible:
        poll.register(descriptor, 0)
    closed = {descriptor for descriptor, event in poll.poll(0) if event & select.POLLNVAL}
    return {str(descriptor) for descriptor in possible if descriptor not in closed}
