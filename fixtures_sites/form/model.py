"""The permit office's data: submitted applications, and the rules for a valid draft."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

CONTACT = ("full_name", "email", "phone", "street", "postcode")
VEHICLE = ("registration", "make", "fuel", "zone", "start_date", "months", "blue_badge", "comments")
OPTIONAL = frozenset({"phone", "blue_badge", "comments"})

FUELS = {"petrol": "Petrol", "diesel": "Diesel", "hybrid": "Hybrid", "electric": "Electric"}
ZONES = {
    "A": "Harbor",
    "B": "Old Town",
    "C": "Station",
    "D": "Mill Quarter",
    "E": "Northgate",
    "F": "University",
}
FEES = {"3": 28, "6": 52, "12": 96}
EARLIEST_START = date(2025, 1, 1)

_FORMATS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE),
    "phone": re.compile(r"\+?[\d ()-]{7,20}"),
    "postcode": re.compile(r"[A-Z]{2}\d{1,2} \d[A-Z]{2}", re.IGNORECASE),
    "registration": re.compile(r"[A-Z]{2}\d{2} ?[A-Z]{3}", re.IGNORECASE),
    "fuel": re.compile("|".join(FUELS)),
    "zone": re.compile("|".join(ZONES)),
    "months": re.compile("|".join(FEES)),
}

Problem = Literal["missing", "format", "early"]


@dataclass
class FormState:
    """The server's state, which tests read and set while the site runs.

    `submissions` has every application counted, oldest first: its fields, `reference`, `fee` (whole euros) and
    `submitted_at` (ISO 8601, UTC). With `fail_after_submit`, an application is counted, and then its confirmation page
    answers 500 (``"500"`` or True) or not at all (``"hang"``). `delay_submit` is the delay, in seconds, of the answer
    to a submission, which is already counted then.
    """

    submissions: list[dict[str, str]] = field(default_factory=list)
    fail_after_submit: bool | Literal["500", "hang"] = False
    delay_submit: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def submit(self, draft: Mapping[str, str]) -> dict[str, str]:
        """Count one application; a second click counts as a second application."""
        with self._lock:
            record = {name: draft.get(name, "") for name in (*CONTACT, *VEHICLE)}
            record["fee"] = str(fee(draft))
            record["reference"] = f"TPP-{48217 + 37 * len(self.submissions):06d}"
            record["submitted_at"] = datetime.now(UTC).isoformat()
            self.submissions.append(record)
            return record

    def find(self, reference: str, email: str) -> dict[str, str] | None:
        wanted = (reference.strip().upper(), email.strip().lower())
        return next((r for r in self.submissions if (r["reference"], r["email"].lower()) == wanted), None)


def fee(draft: Mapping[str, str]) -> int:
    """Return the fee in euros for the chosen months; half for an electric car."""
    full = FEES[draft["months"]]
    return full // 2 if draft.get("fuel") == "electric" else full


def problems(names: tuple[str, ...], values: Mapping[str, str]) -> dict[str, Problem]:
    """Return the problem with each invalid field, in the order of `names`."""
    found: dict[str, Problem] = {}
    for name in names:
        value = values.get(name, "").strip()
        if not value:
            if name not in OPTIONAL:
                found[name] = "missing"
        elif name == "start_date":
            try:
                if date.fromisoformat(value) < EARLIEST_START:
                    found[name] = "early"
            except ValueError:
                found[name] = "format"
        elif name in _FORMATS and not _FORMATS[name].fullmatch(value):
            found[name] = "format"
    return found
