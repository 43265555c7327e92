"""Identity of the secrets that a run was given: a hash with a key of the store, from which no secret can be read."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.storage.database import dump

_KEY_BYTES = 32
_LENGTH = 8  # hex digits: accounts are told apart, while whoever has the key still cannot be sure of a guess
_OF_ONE_RUN = re.compile(r"otp|one[_-]?time|captcha|(?:^|[_-])(?:2fa|mfa|tan)(?:$|[_-])", re.IGNORECASE)


class Accounts:
    """Hashes of secrets, by a key that is made when it is first needed.

    Args:
        path: The key's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None

    def identity(self, values: Mapping[str, Any]) -> str:
        """Return the identity of secret values by their names; empty where there are none.

        One-time codes do not count: they are another in each run.

        Raises:
            StoreError: The key can neither be read nor written.
        """
        lasting = {name: value for name, value in values.items() if not _OF_ONE_RUN.search(name)}
        if not lasting:
            return ""
        if self._key is None:
            try:
                self._key = _read_or_make(self._path)
            except OSError as error:
                raise StoreError(f"the key {self._path} cannot be used: {error}", path=str(self._path)) from error
        return hmac.new(self._key, dump(lasting).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_LENGTH]


def _read_or_make(path: Path) -> bytes:
    """Return the key; of several processes that make it at once, one wins."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink(missing_ok=True)
    return path.read_bytes()
