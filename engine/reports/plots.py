"""Plots of a key's runs, as inline SVG that takes its colors from the page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from markupsafe import Markup

    from engine.reports.key_runs import Run

_COLORS = {"replayed": "var(--good)", "written": "var(--changed)", "failed": "var(--bad)"}
_HEIGHT = 260
_LABELS = 8


def outcomes_plot(runs: Sequence[Run]) -> Markup:
    """Plot the time that each run took, colored by how it ended."""
    chart = _library().StackedBar(**_options(runs), style=_style(list(_COLORS.values())), y_title="seconds")
    for outcome in _COLORS:
        chart.add(outcome, [{"value": r.seconds, "label": r.label} if r.outcome == outcome else None for r in runs])
    return _svg(chart)


def costs_plot(runs: Sequence[Run], each_time: float | None) -> Markup:
    """Plot the dollars spent up to each run.

    Args:
        runs: The runs, the oldest first.
        each_time: Dollars of one result where the model is asked each time; None where that is not known.
    """
    chart = _library().Line(
        **_options(runs), style=_style(["var(--good)", "var(--muted)"]), y_title="dollars", show_dots=len(runs) <= 60
    )
    spent, sums = 0.0, []
    for run in runs:
        spent += run.usd
        sums.append({"value": round(spent, 6), "label": run.label})
    chart.add("spent", sums)
    if each_time is not None:
        results, asked = 0, []
        for run in runs:
            results += run.outcome != "failed"
            asked.append(round(results * each_time, 6))
        chart.add("asking the model each time", asked)
    return _svg(chart)


def _library() -> Any:
    """Import pygal, without the finder of modules that it adds for its plugins and that Python warns of."""
    import pygal

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _options(runs: Sequence[Run]) -> dict[str, Any]:
    every = max(1, -(-len(runs) // _LABELS))
    form = "%H:%M" if len({run.at.date() for run in runs}) == 1 else "%d %b"
    return {
        "x_labels": [run.at.strftime(form) if number % every == 0 else "" for number, run in enumerate(runs)],
        "height": _HEIGHT,
        "width": 900,
        "legend_at_bottom": True,
        "js": [],  # tooltips would be a script from the network; titles show the same
        "disable_xml_declaration": True,
        "explicit_size": False,
        "no_data_text": "no runs",
        "truncate_legend": -1,
        "x_label_rotation": 0,
    }


def _style(colors: list[str]) -> Any:
    from pygal.style import Style

    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        opacity="0.85",
        opacity_hover="1",
        transition="0s",
        font_family="system-ui, sans-serif",
        label_font_size=12,
        legend_font_size=13,
        title_font_size=14,
        colors=tuple(colors),
    )


def _svg(chart: Any) -> Markup:
    from markupsafe import Markup

    tree = chart.render_tree()
    for parent in tree.iter():
        for script in [child for child in parent if str(child.tag).endswith("script")]:
            parent.remove(script)  # for tooltips, which the titles show; no other script than the report's may run
    return Markup(ElementTree.tostring(tree, encoding="unicode"))  # noqa: S704  it escapes text
