"""What a run changed on the site."""

from __future__ import annotations

import re

from sandbox import Evidence

_LOGIN_PATH = re.compile(r"log[-_]?in|sign[-_]?in|session|auth|token|sso", re.IGNORECASE)


def writes(evidence: Evidence) -> bool:
    """Whether a run sent a state-changing request outside a login."""
    sent = [url for _, url in evidence.state_changing]
    if evidence.password_filled:
        others = [url for url in sent if not _LOGIN_PATH.search(url)]
        # Where no address looks like a login's, the first request after a password is taken for it.
        sent = others if len(others) < len(sent) else sent[1:]
    return bool(sent)
