"""The report: one self-contained HTML file that shows what a scan found."""

from models.report.page import write_report

__all__ = ["write_report"]
