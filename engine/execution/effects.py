"""The effect of a run on the site: a read or a write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sandbox import Evidence


def writes(evidence: Evidence, harmless: Collection[str] = ()) -> bool:
    """Return True if a run sent a state-changing request that is neither part of a login nor the site's own doing.

    Args:
        evidence: The run's.
        harmless: Further kinds of requests that change nothing which lasts, as ``Evidence.change_signatures`` has them.

    The sandbox decides which requests log in, where it sees what they carry; their URLs do not show it.

    >>> sent = (("POST", "https://shop.test/in"), ("POST", "https://shop.test/orders"))
    >>> writes(Evidence(state_changing=sent[:1], logins=sent[:1]))
    False
    >>> writes(Evidence(state_changing=sent, logins=sent[:1]))
    True
    """
    if evidence.change_signatures and set(evidence.change_signatures) <= set(harmless):
        return False
    return bool(Counter(evidence.state_changing) - Counter(evidence.logins) - Counter(evidence.background))
