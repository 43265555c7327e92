"""Reports: one self-contained HTML file of a task or of a reuse key, made from what the store holds."""

from engine.reports.key_report import key_report
from engine.reports.task_report import task_report

__all__ = ["key_report", "task_report"]
