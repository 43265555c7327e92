"""The use of parameters, by the source of the code."""

import pytest

from engine.gate.mapped_values import mapped_with_default
from engine.gate.parameter_use import compares
from engine.gate.static_checks import findings


def body(lines: str) -> str:
    return "async def run(page, parameters, task):\n    " + lines.replace("\n", "\n    ") + "\n"


@pytest.mark.parametrize(
    "lines",
    [
        'return [r for r in await rows() if r["town"] == parameters["town"]]',
        'town = parameters["town"].strip().casefold()\nreturn [r for r in await rows() if town in r]',
        'wanted = parameters.get("town")\nreturn [r for r in await rows() if r.startswith(wanted)]',
        'return (await rows())[: parameters["town"]]',
        'return re.search(parameters["town"], await page.content())',
        'if parameters["town"]:\n    await more()',
    ],
)
def test_a_parameter_that_is_matched_with_what_was_read_is_used(lines: str) -> None:
    assert compares(body(lines), ["town"])


@pytest.mark.parametrize(
    "lines",
    [
        'return 42 if parameters["town"] == "Ashby" else 7',
        'return {"town": parameters["town"], "n": await count()}',
        'TOWNS = ["Ashby", "Corran"]\nreturn parameters["town"] in TOWNS',
        'parameters["town"]\nreturn [r for r in await rows() if r["state"] == "open"]',
    ],
)
def test_a_parameter_that_is_repeated_or_held_against_constants_is_not(lines: str) -> None:
    assert not compares(body(lines), ["town"])


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ('IDS = {"Ashby": 4}\nx = IDS.get(parameters["town"], 7)', 1),
        ('x = 42 if parameters["town"] == "Ashby" else 7', 1),
        ('first = 4\nx = {"Ashby": 4}.get(parameters["town"], first)', 1),
        ('x = {"Ashby": 4}.get(parameters["town"]) or 4', 1),
        ('ids = dict(Ashby=4)\nx = ids[parameters["town"]] if parameters["town"] in ids else 4', 1),
        ('ids = defaultdict(lambda: 4, {"Ashby": 4})\nx = ids[parameters["town"]]', 1),
        ('x = next((id for name, id in [("Ashby", 4)] if name == parameters["town"]), 4)', 1),
        ('ids = {"Ashby": 4}\ntry:\n    x = ids[parameters["town"]]\nexcept KeyError:\n    x = 4', 1),
        (
            'if parameters["town"] == "Ashby":\n    x = 4\nelif parameters["town"] == "Corran":\n    x = 7\n'
            "else:\n    x = 4",
            1,
        ),
        ('x = 4\nif parameters["town"] == "Corran":\n    x = 7', 1),
        ('if parameters["town"] == "Corran":\n    return 7\nreturn 4', 1),
        ('match parameters["town"]:\n    case "Corran":\n        x = 7\n    case _:\n        x = 4', 1),
        ('ids = {"Ashby": 4}\ndef of(name):\n    return ids.get(name, 4)\nx = of(parameters["town"])', 1),
        ('ids = {"Ashby": 4}\nx = ids.get(parameters["town"])\nif x is None:\n    raise ValueError', 0),
        ('if parameters["town"] == "Ashby":\n    x = 4\nelse:\n    raise ValueError', 0),
        ('match parameters["town"]:\n    case "Corran":\n        x = 7\n    case _:\n        raise ValueError', 0),
        (
            'for row in await rows():\n    if row["town"] == parameters["town"]:\n        x = 1\n'
            "    else:\n        x = 2",
            0,
        ),
        ('x = "desc" if parameters["town"] else "asc"', 0),
        ('x = {"Ashby": 4}[parameters["town"]]', 0),
        ('x = {"Ashby": 4}.get(parameters["town"])', 0),
        ('x = (await options()).get(parameters["town"], 7)', 0),
    ],
)
def test_a_mapping_of_parameters_with_a_default_is_told(lines: str, found: int) -> None:
    assert len(mapped_with_default(body(lines), ["town"])) == found


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ('return 42 if parameters["q"] == "Nursing" else 7', True),
        ('await page.goto(parameters["q"])\nawait page.get_by_role("button").click()\nreturn 42', True),
        ('await page.get_by_text(parameters["q"]).wait_for()\nreturn {"ok": True}', False),
        ('await expect(page.get_by_text(parameters["q"])).to_be_visible()\nreturn True', False),
        ('return await (await page.request.get(parameters["q"])).json()', False),
        ('return await task.download(parameters["q"])', False),
    ],
)
def test_code_that_reads_nothing_is_refused(lines: str, refused: bool) -> None:
    assert any("it reads nothing" in found for found in findings(body(lines), {"q": "Nursing"})) is refused
