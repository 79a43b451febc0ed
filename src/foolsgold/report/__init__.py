"""Reports: numbers, and their short form for a terminal."""

from foolsgold.report.dataset_card import PushedData, dataset_card
from foolsgold.report.page import report_page
from foolsgold.report.report import make_report
from foolsgold.report.stages import Stages
from foolsgold.report.summary import Example, summary_lines
from foolsgold.report.watched import Seen, Watched

__all__ = [
    "Example", "PushedData", "Seen", "Stages", "Watched", "dataset_card", "make_report", "report_page", "summary_lines",
]  # fmt: skip
