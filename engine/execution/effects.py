"""The effect of a run on the site: a read or a write."""

from __future__ import annotations

from collections import Counter

from sandbox import Evidence


def writes(evidence: Evidence) -> bool:
    """Return True if a run sent a state-changing request that is not part of a login.

    The sandbox decides which requests log in, where it sees what they carry; their URLs do not show it.

    >>> sent = (("POST", "https://shop.test/in"), ("POST", "https://shop.test/orders"))
    >>> writes(Evidence(state_changing=sent[:1], logins=sent[:1]))
    False
    >>> writes(Evidence(state_changing=sent, logins=sent[:1]))
    True
    """
    return bool(Counter(evidence.state_changing) - Counter(evidence.logins))
