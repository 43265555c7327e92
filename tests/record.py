"""Re-records the model's answers for one fixture site against any Messages endpoint: ``make record SITE=directory``.

Set ``ANTHROPIC_API_KEY`` or ``ANTHROPIC_BASE_URL``. Three runs are made on one key: v1 is explored, replayed with other
parameters (which must ask nothing), and repaired after the redesign to v2.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from engine import AsyncEngine, Event, TaskResult
from engine.models.anthropic import AnthropicModel
from engine.models.recorded import RecordingModel
from fixtures_sites.scenarios import Scenario
from tests.apps.scenarios import RECORDED
from tests.apps.sites import open_site


async def record(name: str, scenario: Scenario, model: str, phases: list[str], store: Path) -> None:
    """Runs the phases asked for; each recording replaces the old one only when its run succeeded."""
    with open_site(scenario.site) as site:
        start_url = scenario.start_url(site.url)
        for phase in phases:
            site.version = "v2" if phase == "repair" else "v1"
            parameters = scenario.other_parameters if phase == "replay" else scenario.parameters
            target = scenario.recording(phase)
            fresh = store / target.name
            fresh.unlink(missing_ok=True)
            asked = RecordingModel(
                AnthropicModel(model), fresh, substitutions=scenario.substitutions(site.url), about=name,
            )  # fmt: skip
            async with AsyncEngine(store=store, model=asked) as engine:
                result = await engine.run(
                    scenario.task,
                    start_url=start_url,
                    parameters=parameters,
                    output_schema=scenario.output_schema,
                    reuse_key=scenario.site,
                    secrets=scenario.secrets,
                    timeout=3 * 3600,
                    on_event=say,
                )
            report(phase, result)
            if not result.ok:
                sys.exit(f"{phase} failed; the old recording stays, the new one is {fresh}")
            if result.model_calls:
                shutil.copy(fresh, target)
            print(f"--- {phase}: output ---\n{json.dumps(result.output, ensure_ascii=False)[:1500]}", flush=True)


def say(event: Event) -> None:
    """One line an event, for whoever answers."""
    print(
        f"{event.time:%H:%M:%S} {event.type} {json.dumps(event.data, ensure_ascii=False, default=str)[:300]}",
        flush=True,
    )


def report(phase: str, result: TaskResult) -> None:
    """The cost of a run."""
    tokens = result.tokens
    print(
        f"=== {phase}: {result.outcome}, {result.model_calls} calls, ${result.cost.ai_usd:.5f}, tokens"
        f" in {tokens.input} write {tokens.cache_write} read {tokens.cache_read} out {tokens.output};"
        f" {result.error.message if result.error else ''}",
        flush=True,
    )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", choices=sorted(RECORDED))
    parser.add_argument("--model", default="haiku")
    parser.add_argument("--phases", default="explore,replay,repair", help="comma-separated, in order")
    parser.add_argument("--store", type=Path, help="a store kept between calls; default: a temporary one")
    options = parser.parse_args()
    store = options.store or Path(tempfile.mkdtemp(prefix="webtasks-record-"))
    asyncio.run(record(options.site, RECORDED[options.site], options.model, options.phases.split(","), store))


if __name__ == "__main__":
    main()
