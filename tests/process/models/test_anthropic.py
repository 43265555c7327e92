"""The import of the SDK."""

from __future__ import annotations

import subprocess
import sys


def test_a_model_that_is_not_asked_does_not_import_the_sdk() -> None:
    code = "import sys; from engine.models import AnthropicModel as M; m = M('opus'); print('anthropic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
