"""Reports: one self-contained HTML file of a task or of a reuse key, made from what the store holds."""

from engine.reports.writer import TaskReport, write_key_report

__all__ = ["TaskReport", "write_key_report"]
