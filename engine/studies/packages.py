"""Packages of extras, imported when they are needed, with an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from engine.errors import EngineError


def load(module: str, extra: str) -> Any:
    """Import a module of an extra.

    Raises:
        EngineError: The extra is not installed.

    >>> load("lost.part", "study")
    Traceback (most recent call last):
    engine.errors.EngineError: this needs lost, which is not installed; run: pip install "webtasks-engine[study]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = module.partition(".")[0]
        raise EngineError(
            f'this needs {missing}, which is not installed; run: pip install "webtasks-engine[{extra}]"'
        ) from error
