"""``python -m engine.cli``: the same as ``webtasks``."""

from engine.cli import main

main()
