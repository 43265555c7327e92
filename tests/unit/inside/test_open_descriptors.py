"""The descriptors that a worker finds open where it sees no /proc."""

from __future__ import annotations

import os

from sandbox.inside.process_reset import _open_descriptors


def test_open_descriptors_are_found_and_closed_ones_are_not() -> None:
    opened = os.open("/", os.O_RDONLY)
    try:
        assert str(opened) in _open_descriptors()
    finally:
        os.close(opened)
    assert str(opened) not in _open_descriptors()
