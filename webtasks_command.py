"""The start of the command ``webtasks``: modules on PYTHONPATH with our packages' names are not taken for ours."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    sys.path.insert(0, str(Path(__file__).parent))
    from engine.cli import main

    main()
