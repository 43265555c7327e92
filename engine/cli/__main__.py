"""The same as ``webtasks``, for ``python -m engine.cli``."""

from engine.cli import main

main()
