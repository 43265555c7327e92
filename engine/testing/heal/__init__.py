"""A bench of self-healing: systems that do web tasks, on sites that change, each output held against the right one."""

from engine.testing.heal.bench import Findings, Lesson, Row, measure
from engine.testing.heal.changes import CHANGES, QUICK, QUICK_SITES, Change
from engine.testing.heal.generated_schema import Crawl4AI
from engine.testing.heal.result import SCHEMA, VERSION, from_json, to_json, write
from engine.testing.heal.script import Script
from engine.testing.heal.sites import SITES
from engine.testing.heal.summary import Line, Rate, details, notes, summary, table
from engine.testing.heal.systems import Answer, System, Task
from engine.testing.heal.this_engine import Webtasks

__all__ = [
    "CHANGES",
    "QUICK",
    "QUICK_SITES",
    "SCHEMA",
    "SITES",
    "VERSION",
    "Answer",
    "Change",
    "Crawl4AI",
    "Findings",
    "Lesson",
    "Line",
    "Rate",
    "Row",
    "Script",
    "System",
    "Task",
    "Webtasks",
    "details",
    "from_json",
    "measure",
    "notes",
    "summary",
    "table",
    "to_json",
    "write",
]
