"""One-time codes by the clock (TOTP, RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from urllib.parse import parse_qs, urlsplit

_ALGORITHMS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


def totp(secret: str, *, digits: int = 6, period: int = 30, algorithm: str = "SHA1", at: float | None = None) -> str:
    """Return the code of this moment.

    Args:
        secret: The secret in base32, as sites show it; blanks and case do not matter. Or the ``otpauth://`` URL of a QR
            code, whose own digits, period and algorithm then count.
        digits: Number of digits.
        period: Seconds for which a code holds.
        algorithm: SHA1, SHA256 or SHA512.
        at: The moment, in seconds since 1970; default now.

    Raises:
        ValueError: The secret is not base32, or the algorithm is not known.

    >>> totp("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", digits=8, at=59)
    '94287082'
    >>> totp("otpauth://totp/Shop:ada?secret=JBSWY3DPEHPK3PXP&digits=6&period=30", at=0)
    '282760'
    """
    if secret.startswith("otpauth://"):
        given = {name: values[0] for name, values in parse_qs(urlsplit(secret).query).items()}
        secret = given.get("secret", "")
        digits, period = int(given.get("digits", digits)), int(given.get("period", period))
        algorithm = given.get("algorithm", algorithm)
    plain = "".join(secret.split()).replace("-", "").upper().rstrip("=")
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except ValueError:
        key = b""
    if not key:
        raise ValueError("the secret of one-time codes must be base32: the letters A to Z and the digits 2 to 7")
    if algorithm.upper() not in _ALGORITHMS:
        raise ValueError(f"one-time codes are made with SHA1, SHA256 or SHA512, not {algorithm!r}")
    counter = int((time.time() if at is None else at) // period)
    digest = hmac.new(key, struct.pack(">Q", counter), _ALGORITHMS[algorithm.upper()]).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"
