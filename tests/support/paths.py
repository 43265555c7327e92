"""Directories of this repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests" / "recordings"
# The driver's code as compiled once, beside the driver, for the workers of all tests; absent where there is no .venv.
DRIVER_CACHE = ROOT / ".venv" / "driver-cache"
