"""The marks of a site: where its pages show which part of an automation's output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["money", "measure", "number", "score", "date", "clock", "flag", "text", "file", "image"]


@dataclass(frozen=True)
class Marks:
    """The places of an output's fields on the pages of a site, as CSS selectors, or as keys of its JSON.

    Args:
        items: The rows; empty where a page shows a single object.
        name: The field that names a row.
        fields: For each field its element within a row, or its key. An empty selector is the row itself.
        labels: For each field the elements that label it: a column's head, a term.
        roles: What kind of value a field is; a mutation takes the fields of its roles.
        heading: The elements that name what the parameters ask for.
        total: The element that states the number of rows.
        contrary: The text of a flag that says no, and another wording of that, which the automation does not know.
        filtered: Returns the address without what the parameters filter by; None where it does not filter.
        another: Returns the address of the same page for other parameters; None where that is not such a page.
        listed: True where rows of other parameters may be shown in place of, or among, a page's rows.
        goods: True where an amount of money is the price of a thing.
        account: The element that names the account.
    """

    items: str = ""
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[Role, str] = field(default_factory=dict)
    heading: str = "h1"
    total: str = ""
    contrary: tuple[str, str] | None = None
    filtered: Callable[[str], str | None] = lambda target: None
    another: Callable[[str], str | None] = lambda target: None
    listed: bool = True
    goods: bool = True
    account: str = ""
