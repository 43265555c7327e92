"""Requests over HTTP become arguments of the engine."""

import pytest
from pydantic import ValidationError

from engine import BrowserOptions
from engine.server.schemas import WebTaskStart


def test_browser_of_a_request_is_the_engines_argument() -> None:
    wire = {"userAgent": "Mozilla/5.0", "viewport": {"width": 390, "height": 844}}
    body = WebTaskStart.model_validate({"task": "List", "browser": wire})
    assert BrowserOptions.parse(body.engine_arguments()["browser"]) == BrowserOptions(
        user_agent="Mozilla/5.0", viewport=(390, 844)
    )
    assert "browser" not in WebTaskStart(task="List").engine_arguments()


def test_unknown_field_of_browser_is_refused() -> None:
    with pytest.raises(ValidationError, match="language"):
        WebTaskStart.model_validate({"task": "List", "browser": {"language": "de"}})


def test_task_may_be_left_out_for_a_saved_automation() -> None:
    assert "task" not in WebTaskStart.model_validate({"reuseKey": "k"}).engine_arguments()
    with pytest.raises(ValidationError, match="task"):
        WebTaskStart.model_validate({"task": "", "reuseKey": "k"})
