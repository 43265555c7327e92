"""The reset of a worker's process between runs, in a fork that shares its memory with its parent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sandbox.inside.dict_versions import has_versions
from tests.support.paths import ROOT

FORK = """
import asyncio, gc, json, os, sys, types
from pathlib import Path
from sandbox.inside.web_service import preload
from sandbox.inside.warming import warm_up
baseline = preload(Path(sys.argv[1]))
state = sys.stdout, set(sys.modules), set(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
for _ in range(2):
    warm_up(Path(sys.argv[1]), baseline)
untraced = state == (
    sys.stdout, set(sys.modules), set(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
)
gc.collect()
gc.freeze()
def own_kib():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
async def changed(owner, name, value):
    had, before = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    found = await baseline.restore()
    setattr(owner, name, before) if had else delattr(owner, name)
    return list(found)
async def main():
    baseline.begin()
    before = own_kib()
    clean = list(await baseline.restore())
    grown = own_kib() - before
    import colorsys
    loaded = list(await baseline.restore())
    found = {
        "untraced": untraced, "clean": clean, "loaded": loaded, "kept": "colorsys" in sys.modules,
        "added": await changed(json, "more", lambda: 1), "patched": await changed(json, "loads", print),
        "of class": await changed(json.JSONEncoder, "default", print), "data": await changed(json, "__author__", "x"),
    }
    module, sys.modules["json"] = sys.modules["json"], types.ModuleType("json")
    found["replaced"] = list(await baseline.restore())
    sys.modules["json"] = module
    print(json.dumps([found, list(await baseline.restore()), grown]), flush=True)
if os.fork() == 0:
    asyncio.run(main())
    os._exit(0)
os.wait()
"""


def test_reset_tells_what_a_run_changed_and_writes_to_little_of_the_shared_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    found, at_last, grown = json.loads(done.stdout)
    assert found == {
        "untraced": True, "clean": [], "loaded": [], "kept": False, "data": [],
        "added": ["an added json.more"],
        "patched": ["a patched json.loads"],
        "of class": ["a patched JSONEncoder.default"],
        "replaced": ["a replaced module json"],
    }  # fmt: skip
    assert at_last == []
    if has_versions():  # else it looks at all modules, and has nine MiB more for itself
        assert grown < 4 << 10
