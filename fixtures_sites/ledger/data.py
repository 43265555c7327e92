"""The 43 fictitious invoices of the ledger; with another seed, those of another day. Amounts are in cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from random import Random

from ..seeds import current_seed, next_day

__all__ = ["INVOICES", "PASSWORD", "STATUSES", "USER", "YEARS", "Invoice", "invoices", "money", "select", "total"]

USER = "demo"
PASSWORD = "violet-harbor-92"

STATUSES = {"paid": "Paid", "open": "Open", "overdue": "Overdue", "disputed": "Disputed", "void": "Void"}
YEARS = (2023, 2024, 2025)

_CLIENTS = (
    "Penhallow Boatyard",
    "Orchard Row Dental Practice",
    "Trevanion & Moss",
    "Society of Amateur Cartographers of the Lower Brackwater Valley",
    "Hollis Print Works",
    "Copper Kettle Tearoom",
    "Wynstay Veterinary Clinic",
    "Larkrise Primary School",
    "Nightjar Records",
    "Estuary Ferries Cooperative, Passenger and Freight Division",
    "Fennimore Clockmakers",
)
_NEW_CLIENT = "Gull Rock Brewery"
_PROJECTS = ("Year-end accounts", "Payroll", "Quarterly return", "Audit support", "Advice")
_ROWS_PER_YEAR = {2023: 14, 2024: 17, 2025: 12}


@dataclass(frozen=True)
class Invoice:
    """One invoice."""

    number: str
    client: str
    project: str
    due: date
    cents: int
    status: str

    @property
    def printed_due(self) -> str:
        """The due date as both versions show it."""
        return f"{self.due.day} {self.due:%b %Y}"


def _status(place: int, year: int) -> str:
    if year == 2025:
        return ("open", "overdue", "open", "paid", "open", "disputed")[place % 6]
    if year == 2024:
        return ("paid", "paid", "open", "paid", "overdue", "paid")[place % 6]
    return "disputed" if place == 9 else "overdue" if place == 4 else "paid"


def _first_invoices() -> tuple[Invoice, ...]:
    made = []
    for year, rows in _ROWS_PER_YEAR.items():
        for place in range(rows):
            seed = (year - 2020) * 31 + place * 17
            made.append(
                Invoice(
                    number=f"BW-{year}-{place * 3 + 1:04d}",
                    client=_CLIENTS[seed % len(_CLIENTS)],
                    project=_PROJECTS[seed % len(_PROJECTS)],
                    due=date(year, 1, 9) + timedelta(days=place * 350 // rows + seed % 11),
                    cents=8_450 + seed * 7_919 % 412_000,
                    status=_status(place, year),
                )
            )
    return tuple(made)


@cache
def _invoices(seed: int) -> tuple[Invoice, ...]:
    if not seed:
        return _first_invoices()

    def written(chance: Random, known: list[Invoice]) -> Invoice | None:
        last = max(int(invoice.number.rpartition("-")[2]) for invoice in known if "-2025-" in invoice.number)
        return Invoice(
            number=f"BW-2025-{last + 3:04d}",
            client=chance.choice((*_CLIENTS, _NEW_CLIENT)),
            project=chance.choice(_PROJECTS),
            due=date(2025, 12, 20) + timedelta(days=seed),
            cents=chance.randrange(8_450, 420_000),
            status="open",
        )

    def moved_on(chance: Random, invoice: Invoice) -> Invoice:
        onward = {"open": ("paid", "overdue", "disputed"), "overdue": ("paid",), "disputed": ("paid", "open")}
        return replace(invoice, status=chance.choice(onward.get(invoice.status, (invoice.status,))))

    return next_day(seed, "ledger", _invoices(seed - 1), come=written, change=moved_on, turnover=0.01)


INVOICES = _invoices(0)


def invoices() -> tuple[Invoice, ...]:
    """Return all invoices of the current seed."""
    return _invoices(current_seed())


_KEYS = ("number", "client", "due", "cents", "status")


def select(status: str = "", year: str = "", sort: str = "", descending: bool = False) -> tuple[Invoice, ...]:
    """Return the invoices with a status and a due year, sorted; empty or unknown arguments have no effect."""
    found: Sequence[Invoice] = invoices()
    if status in STATUSES:
        found = [invoice for invoice in found if invoice.status == status]
    if year in map(str, YEARS):
        found = [invoice for invoice in found if str(invoice.due.year) == year]
    if sort in _KEYS:
        found = sorted(found, key=lambda invoice: getattr(invoice, sort), reverse=descending)
    return tuple(found)


def total(invoices: Sequence[Invoice]) -> int:
    """Return the sum of the amounts, in cents."""
    return sum(invoice.cents for invoice in invoices)


def money(cents: int) -> str:
    """Format an amount as both versions show it.

    >>> money(128450)
    '€1,284.50'
    """
    return f"€{cents // 100:,}.{cents % 100:02d}"
