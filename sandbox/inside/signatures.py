"""Signatures of requests: what a kind of request has in common, whatever it is about."""

from __future__ import annotations

import hashlib
import re

from sandbox.inside.logins import OPERATION_KEYS, operations
from sandbox.inside.sent_request import SentRequest, words

_LONGEST = 400  # characters


def signature(request: SentRequest) -> str:
    """Return a request's method, address, fields and operations; values, and parts of the path with digits, left out.

    >>> signature(SentRequest("PATCH", "https://a.test/users/7?v=1", b'{"last_page": "/a"}', "application/json"))
    'PATCH https://a.test/users/# last_page,v'
    >>> signature(SentRequest("POST", "https://a.test/do", b"action=pay&id=7", "application/x-www-form-urlencoded"))
    'POST https://a.test/do action,id pay'
    """
    origin, path = request.place
    shape = "/".join("#" if re.search(r"\d", part) else part for part in path.split("/"))
    names = sorted({key for key, _ in request.fields if key})
    done = {text for key, text in request.fields if words(key) in OPERATION_KEYS}
    done |= {" ".join(found) for key, text in request.fields if key == "query" for found in operations(text)}
    text = " ".join(
        filter(None, (f"{request.method.upper()} {origin}{shape}", ",".join(names), ",".join(sorted(done))))
    )
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
