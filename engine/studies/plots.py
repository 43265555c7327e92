"""Plots of a study by Matplotlib, as inline SVG that takes its colors from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.studies.intervals import Rate
from engine.studies.packages import load

if TYPE_CHECKING:
    from markupsafe import Markup

# Colors that stand for those of the page, which knows whether it is light or dark.
_INK, _LINE = "#010101", "#020202"
_SERIES = ("#030303", "#040404", "#050505", "#060606", "#070707")
_VERDICTS = {"right": "#080808", "repaired": "#090909", "failed": "#0a0a0a", "silently wrong": "#0b0b0b"}
_COLORS = {
    _INK: "--ink", _LINE: "--line", "#030303": "--link", "#040404": "--model", "#050505": "--changed",
    "#060606": "--good", "#070707": "--bad", "#080808": "--good", "#090909": "--link", "#0a0a0a": "--changed",
    "#0b0b0b": "--bad",
}  # fmt: skip
_WIDTH = 8.4  # inches
_STYLE = {
    "svg.fonttype": "none", "font.size": 10, "axes.edgecolor": _LINE, "axes.labelcolor": _INK, "text.color": _INK,
    "xtick.color": _INK, "ytick.color": _INK, "grid.color": _LINE, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "axes.axisbelow": True,
}  # fmt: skip


def rates_plot(rates: Mapping[str, Rate], name: str) -> Markup:
    """Plot rates with their intervals, one line each.

    Args:
        rates: By the name of what each is of.
        name: The plot's name, which no other on the page has.
    """
    with _Drawing(name) as drawing:
        axes = drawing.axes
        known = {label: rate for label, rate in rates.items() if rate.value is not None}
        drawing.figure.set_figheight(0.7 + 0.34 * max(1, len(known)))
        for place, rate in enumerate(known.values()):
            axes.plot([rate.low, rate.high], [place, place], color=_SERIES[0], linewidth=2)
            axes.plot([rate.value], [place], color=_SERIES[0], marker="o", markersize=7)
        axes.set_yticks(range(len(known)), [f"{label} ({rate.count}/{rate.of})" for label, rate in known.items()])
        axes.set_ylim(len(known) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        _percents(axes.xaxis)
        axes.grid(axis="x")
    return drawing.svg


def spreads_plot(values: Mapping[str, Sequence[float]], unit: str, name: str) -> Markup:
    """Plot all values of each group as dots, with the median and the middle half as a box.

    Args:
        values: By the name of the group.
        unit: What they are measured in.
    """
    with _Drawing(name) as drawing:
        axes = drawing.axes
        known = {label: list(each) for label, each in values.items() if each}
        drawing.figure.set_figheight(0.8 + 0.42 * max(1, len(known)))
        if known:
            box = {"color": _SERIES[0], "linewidth": 1.4}
            axes.boxplot(
                list(known.values()), orientation="horizontal", widths=0.5, showfliers=False, medianprops=box,
                boxprops=box, whiskerprops=box, capprops=box,
            )  # fmt: skip
            for place, each in enumerate(known.values(), 1):
                # Apart from each other in a fixed pattern: the same data give the same picture.
                heights = [place + 0.14 * ((7 * number) % 5 - 2) / 2 for number in range(len(each))]
                axes.plot(each, heights, color=_INK, marker="o", markersize=3, linestyle="", alpha=0.45)
        axes.set_yticks(range(1, len(known) + 1), [f"{label} ({len(each)})" for label, each in known.items()])
        axes.set_ylim(len(known) + 0.6, 0.4)
        axes.set_xlim(left=0)
        axes.set_xlabel(unit)
        axes.grid(axis="x")
    return drawing.svg


def lines_plot(lines: Mapping[str, Sequence[tuple[float, Rate]]], along: str, name: str) -> Markup:
    """Plot rates along a number, a line for each group, with their intervals.

    Args:
        lines: For each group, the numbers and the rates there.
        along: What the numbers are.
    """
    with _Drawing(name) as drawing:
        axes = drawing.axes
        drawing.figure.set_figheight(2.6)
        for place, (label, points) in enumerate(lines.items()):
            color = _SERIES[place % len(_SERIES)]
            known = [(at + 0.06 * place, rate) for at, rate in points if rate.value is not None]
            for at, rate in known:
                axes.plot([at, at], [rate.low, rate.high], color=color, linewidth=1.2)
            axes.plot([at for at, _ in known], [rate.value for _, rate in known], color=color, marker="o", label=label)
        whole = sorted({at for points in lines.values() for at, _ in points})
        axes.set_xticks(whole, [f"{at:g}" for at in whole])
        if whole:
            axes.set_xlim(whole[0] - 0.5, whole[-1] + 0.5)
        axes.set_ylim(-0.02, 1.05)
        _percents(axes.yaxis)
        axes.set_xlabel(along)
        axes.grid(axis="y")
        if lines:
            axes.legend(loc="lower left")
    return drawing.svg


def shares_plot(shares: Mapping[str, Mapping[str, int]], name: str) -> Markup:
    """Plot shares of outcomes as stacked bars, one for each group.

    Args:
        shares: For each group, the number of each of ``right``, ``repaired``, ``failed`` and ``silently wrong``.
    """
    with _Drawing(name) as drawing:
        axes = drawing.axes
        drawing.figure.set_figheight(1.2 + 0.34 * max(1, len(shares)))
        left = [0.0] * len(shares)
        for verdict, color in _VERDICTS.items():
            totals = [sum(counts.values()) or 1 for counts in shares.values()]
            widths = [counts.get(verdict, 0) / total for counts, total in zip(shares.values(), totals, strict=True)]
            axes.barh(range(len(shares)), widths, left=left, color=color, height=0.62, label=verdict)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        names = [f"{label} ({sum(counts.values())})" for label, counts in shares.items()]
        axes.set_yticks(range(len(shares)), names)
        axes.set_ylim(len(shares) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        _percents(axes.xaxis)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.6 / max(1, len(shares)) - 0.06), ncols=4)
    return drawing.svg


def _percents(axis: Any) -> None:
    axis.set_major_formatter(load("matplotlib.ticker", "study").PercentFormatter(xmax=1, decimals=0))


class _Drawing:
    """A figure with one pair of axes, which is drawn at the end of the block.

    Args:
        name: Its name, from which the ids in it are made.

    Attributes:
        svg: The drawing, once the block has ended.
    """

    svg: Markup

    def __init__(self, name: str) -> None:
        self._context = load("matplotlib", "study").rc_context({**_STYLE, "svg.hashsalt": name})

    def __enter__(self) -> Self:
        self._context.__enter__()
        self.figure = load("matplotlib.figure", "study").Figure(figsize=(_WIDTH, 3), layout="constrained")
        self.axes = self.figure.subplots()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                drawn = io.StringIO()
                self.figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
                self.svg = _for_the_page(drawn.getvalue())
        finally:
            self._context.__exit__(kind, error, trace)


def _for_the_page(svg: str) -> Markup:
    """Return a figure in the page's colors and font, without what would reach beyond it."""
    from markupsafe import Markup

    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it styles all elements of the page
    svg = re.sub(r"font-family: [^;\"]*", "font-family: system-ui, sans-serif", svg)
    svg = re.sub(r"font: (\d+)px [^;\"]*", r"font-size: \1px; font-family: system-ui, sans-serif", svg)
    used = set(re.findall(r"(?:url\(|href=\")#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for color, name in _COLORS.items():
        svg = svg.replace(color, f"var({name})")
    return Markup(svg)  # noqa: S704  Matplotlib escapes text
