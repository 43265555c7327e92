"""Applies for a parking permit: fills in fields by label, and does not look at the summary before it sends."""

import re
from typing import Any


async def run(page: Any, parameters: Any, task: Any) -> Any:
    await page.get_by_role("button", name="Accept cookies").click()
    await page.get_by_role("button", name="Start application").click()
    await page.get_by_label("Full name").fill(parameters["full_name"])
    await page.get_by_label("Email address").fill(parameters["email"])
    await page.get_by_label("Street and house number").fill(parameters["street"])
    await page.get_by_label("Postcode").fill(parameters["postcode"])
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Vehicle registration number").fill(parameters["registration"])
    await page.get_by_label("Make and model").fill(parameters["make"])
    await page.get_by_role("radio", name=parameters["fuel"], exact=True).check()
    zone = page.locator("option", has_text=parameters["zone"])
    await page.locator("select").first.select_option(await zone.first.get_attribute("value"))
    await page.locator("input[type=date]").fill(parameters["start_date"])
    await page.get_by_role("radio", name=re.compile(f"^{parameters['months']} months")).check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Submit application").click()
    await page.wait_for_load_state()
    said = await page.get_by_text(re.compile(r"TPP-\d{6}")).first.inner_text()
    return {"reference": re.findall(r"TPP-\d{6}", said)[0]}
