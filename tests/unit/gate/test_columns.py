"""Columns that code reads apart and pairs by position."""

import textwrap

import pytest

from engine.gate.columns import paired_columns
from engine.gate.static_checks import findings

NAMES, PRICES = "names = await page.locator('h3').all_inner_texts()\n", "prices = await page.locator('.p').all()\n"
BOTH = NAMES + PRICES
JS = "const names = [...document.querySelectorAll('h3')], prices = document.querySelectorAll('.p');"


def body(lines: str) -> str:
    return "async def run(page, parameters, task):\n" + textwrap.indent(lines, "    ")


@pytest.mark.parametrize(
    "lines",
    [
        BOTH + "for n, p in zip(names, prices): x()",
        BOTH + "return [r for r in zip(names, prices, strict=False)]",
        BOTH + "return list(itertools.zip_longest(names, prices))",
        BOTH + "return list(map(row, names, prices))",
        BOTH + "return dict(zip([n.strip() for n in names], prices[1:]))",
        BOTH + "for i, n in enumerate(names):\n    found.append((n, await prices[i].inner_text()))",
        BOTH + "for i in range(len(names)):\n    found.append((names[i], prices[i]))",
        BOTH + "return [{'n': names[i], 'p': prices[i]} for i in range(min(len(names), 9))]",
        NAMES + "return [(n, prices[i] if i < len(prices) else None) for i, n in enumerate(names)]\n" + PRICES,
        "a, b = page.locator('h3'), page.locator('.p')\n"
        "return [(await a.nth(i).inner_text(), await b.nth(i).inner_text()) for i in range(await a.count())]",
        "a, b = await asyncio.gather(page.locator('a').all_inner_texts(), page.locator('b').all_inner_texts())\n"
        "return list(zip(a, b))",
        "return list(zip(*await asyncio.gather(page.locator('a').all(), page.locator('b').all())))",
        "html = await page.content()\nreturn list(zip(re.findall('<h3>(.*)<', html), re.findall('<i>(.*)<', html)))",
        "a = await page.eval_on_selector_all('h3', JS)\nb = await page.eval_on_selector_all('.p', JS)\nx = zip(a, b)",
        "for card in await page.locator('li').all():\n"
        "    x = dict(zip(await card.locator('dt').all_inner_texts(), await card.locator('dd').all_inner_texts()))",
        f'return await page.evaluate("""() => {{{JS} return names.map((n, i) => [n.title, prices[i].innerText])}}""")',
        f'return await page.evaluate("""() => {{{JS} for (let i = 0; i < 9; i++) r.push([names[i], prices[i]])}}""")',
    ],
)
def test_lists_read_apart_and_paired_by_position_are_refused(lines: str) -> None:
    assert any("read apart and paired by position" in found for found in findings(body(lines), {}))


@pytest.mark.parametrize(
    "lines",
    [
        BOTH + "return [r for r in zip(names, prices, strict=True)]",
        BOTH + "if len(names) != len(prices):\n    raise x\nreturn [(n, prices[i]) for i, n in enumerate(names)]",
        NAMES + "return [dict(zip(names, await r.locator('td').all_inner_texts())) for r in await rows.all()]",
        NAMES + "return [dict(zip(names, row)) for row in await page.locator('tr').evaluate_all(JS)]",
        NAMES + "return list(zip(names, names[1:]))",
        "rows = page.locator('li')\nreturn list(zip(await rows.all(), await rows.all_inner_texts()))",
        "rows = page.locator('li')\n"
        "return [(await rows.nth(i).locator('b').inner_text(), await rows.nth(i).locator('i').inner_text())"
        " for i in range(await rows.count())]",
        "a, b = page.locator('summary'), page.locator('section')\nif await a.count() != await b.count():\n    raise x\n"
        "for i in range(await a.count()):\n    await a.nth(i).click()\n    x.append(await b.nth(i).inner_text())",
        NAMES + "return [{'rank': i, 'name': n} for i, n in enumerate(names)]",
        "for tr in await page.locator('tr').all():\n"
        "    cells = await tr.locator('td').all_inner_texts()\n    x = {h: cells[i] for i, h in enumerate(heads)}",
        "return await page.evaluate(\"() => { const heads = [...document.querySelectorAll('th')];"
        " const rows = [...document.querySelectorAll('tr')];"
        ' return rows.map((r) => [...r.cells].map((c, i) => [heads[i], c]))}")',
        f'return await page.evaluate("""() => {{{JS} if (names.length !== prices.length) throw new Error();'
        ' return names.map((n, i) => [n, prices[i]])}""")',
    ],
)  # fmt: skip
def test_rows_read_together_and_strict_pairs_are_not(lines: str) -> None:
    assert paired_columns(body(lines)) == []
