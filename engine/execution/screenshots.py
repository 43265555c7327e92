"""The screenshot of a failure: kept with the task's files, unless a secret may be legible on it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from engine.execution.pictures import shows_no_secret
from engine.task.redaction import Redactor

if TYPE_CHECKING:
    from sandbox import Evidence

log = logging.getLogger(__name__)

FILE_NAME = "failure.png"


def keep_screenshot(evidence: Evidence, directory: Path, redactor: Redactor) -> Path | None:
    """Write the screenshot of a failure into the directory.

    Password fields show dots. Where the page shows a secret in any other way, or does not say what it shows, the
    screenshot is left out.

    Returns:
        Its path; None where there is none, or it is left out.
    """
    if evidence.screenshot is None or not shows_no_secret(evidence.legible, redactor):
        return None
    target = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        target.write_bytes(evidence.screenshot)
    except OSError as error:
        log.warning("the screenshot %s could not be kept: %s", target, error)  # what happened is told without it
        return None
    return target
