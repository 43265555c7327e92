"""The permit office's form as an automation fills it in, for tests that count its submissions."""

from __future__ import annotations

from typing import Any

from fixtures_sites.form.model import CONTACT, VEHICLE
from fixtures_sites.form.v1 import NAMES

_GIVEN: dict[str, str] = {
    "full_name": "Ada Quill",
    "street": "12 Loom Street",
    "postcode": "TW4 7QX",
    "email": "ada@example.org",
    "phone": "",
    "registration": "AB12 CDE",
    "make": "Fiat 500",
    "fuel": "petrol",
    "zone": "B",
    "start_date": "2026-01-10",
    "months": "6",
    "blue_badge": "",
    "comments": "",
}
PERMIT: dict[str, Any] = {
    "contact": {NAMES[name]: _GIVEN[name] for name in CONTACT},
    "vehicle": {NAMES[name]: _GIVEN[name] for name in VEHICLE},
}
"""Parameters: the fields of the form's two steps, under the names that its first design gives them."""

APPLY = """\
async def run(page, parameters, task):
    for step in ("contact", "vehicle"):
        await page.request.post(f"{task.start_url}apply/{step}", form=parameters[step])
    await page.goto(f"{task.start_url}apply/review")
    async with task.irreversible("submit the application"):
        await page.get_by_role("button", name="Submit application").click()
        await page.wait_for_url("**/apply/complete")
        reference = await page.get_by_role("main").locator("strong").inner_text(timeout=3000)
    return {"reference": reference}
"""
WRITE = [("write", {"code": APPLY}), ("finish", {"summary": "Apply for a permit"})]
"""A model's turn that writes just that and hands it in."""
