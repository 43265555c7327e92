"""The command ``webtasks``, a thin layer over the engine. Needs the extra ``cli``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from engine.cli.pool.handover import hand_over

    code = hand_over(sys.argv[1:])
    if code is not None:
        sys.exit(code)
    import importlib.util

    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"webtasks: the command line needs {' and '.join(missing)}, which the library alone does not install.\n"
            'Install with: pip install "webtasks-engine[cli]"\n'
        )
        sys.exit(2)
    from engine.cli.main import webtasks

    webtasks(prog_name="webtasks")
