"""Figures of the server for Prometheus: calls, connections, tasks and the model's cost."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.server.connections import Connections
from engine.version import installed_version

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)  # seconds


class CallFigures:
    """Counts the calls that were answered, by operation and status, and their times."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.within: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BOUNDS) + 1))

    def add(self, operation: str | None, status: int, seconds: float) -> None:
        """Count one call; the operation is None where nothing is at the path."""
        name = operation or "none"
        self.answered[name, status] += 1
        self.seconds[name] += seconds
        self.within[name][bisect_left(_BOUNDS, seconds)] += 1


def render(calls: CallFigures, connections: Connections, workspaces: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the figures in Prometheus' text format.

    Args:
        workspaces: The figures of each workspace that is shown, as ``AsyncEngine.figures`` returns them.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # not at the top: most servers are never asked

    registry = CollectorRegistry()
    registry.register(_Collector(calls, connections, workspaces))
    return bytes(generate_latest(registry))


class _Collector:
    """The figures at one moment, as Prometheus' client wants them."""

    def __init__(
        self, calls: CallFigures, connections: Connections, workspaces: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._calls, self._connections, self._workspaces = calls, connections, workspaces

    def collect(self) -> Iterator[Metric]:
        """Yield each figure with its meaning."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("webtasks", "The server", value={"version": installed_version()})
        yield from self._of_calls()
        yield GaugeMetricFamily("webtasks_connections", "Open connections", value=len(self._connections))
        closed = CounterMetricFamily(
            "webtasks_connections_ended", "Connections that were not served, by reason", labels=["reason"]
        )
        for reason, number in sorted(self._connections.counts.items()):
            closed.add_metric([reason], number)
        yield closed
        tasks = GaugeMetricFamily("webtasks_tasks", "Tasks in the store, by state", labels=["workspace", "state"])
        cost = GaugeMetricFamily(
            "webtasks_model_usd_today", "Dollars for the model on this day (UTC), reserved ones included",
            labels=["workspace"],
        )  # fmt: skip
        for name, figures in sorted(self._workspaces.items()):
            for state, number in sorted(figures["tasks"].items()):
                tasks.add_metric([name, state], number)
            cost.add_metric([name], figures["usd_today"])
        yield tasks
        yield cost

    def _of_calls(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        answered = CounterMetricFamily("webtasks_calls", "Answered calls", labels=["operation", "status"])
        for (operation, status), number in sorted(self._calls.answered.items()):
            answered.add_metric([operation, str(status)], number)
        yield answered
        times = HistogramMetricFamily("webtasks_call_seconds", "Time until the answer's end", labels=["operation"])
        for operation, numbers in sorted(self._calls.within.items()):
            total, buckets = 0, []
            for bound, number in zip((*map(str, _BOUNDS), "+Inf"), numbers, strict=True):
                total += number
                buckets.append((bound, total))
            times.add_metric([operation], buckets, self._calls.seconds[operation])
        yield times
